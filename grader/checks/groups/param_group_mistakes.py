"""Recognises common mistakes in grouping parameters, and explains them to the student."""

from __future__ import annotations

from collections.abc import Sequence

from grader.checks.groups.assignment import GROUPS, NUMERALS, Chosen, Triple, Truth


def diagnose(
    triple: Triple,
    by_count: Sequence[bool],
    counts: Sequence[int | None],
    truth: Truth,
    joined: Sequence[int] = (),
) -> list[str]:
    """One sentence for each mistake; [] if the groups are right.

    Args:
        triple: The student's three lists.
        by_count: For each group, True if a number is the answer and not a list.
        counts: The student's numbers of elements.
        truth: The right groups.
        joined: The two groups that are together in one list.
    """
    if not any(triple) and not any(count is not None for count in counts):
        return ["None of the lists in your code was recognised as one of the groups."]
    if not any(triple):
        return _of_counts(counts, truth, range(3))
    counted = [group for group in range(3) if by_count[group]]
    found = _of_counts(counts, truth, counted)
    # A group with a wrong count gets no second sentence about its list.
    listed = tuple(None if group in counted else chosen for group, chosen in enumerate(triple))
    own = [
        set(truth[group]) if group in counted else set(chosen.names) if chosen else set()
        for group, chosen in enumerate(triple)
    ]
    together = [
        f"Groups {' and '.join(NUMERALS[group] for group in joined)} are together in one list."
    ] if joined else []
    of_lists = [
        *_missed_by_name(own, truth), *_biases(own, truth), *_shapes(listed, (*counted, *joined))
    ]
    if together and any(own[group] == set(truth[group]) for group in range(3)):
        return [*found, *together]
    return [*found, *together, *(of_lists or _plain(own, truth))]


def _of_counts(
    counts: Sequence[int | None], truth: Truth, groups: Sequence[int]
) -> list[str]:
    sizes = [sum(group.values()) for group in truth]
    tensors = [len(group) for group in truth]
    if list(counts) == tensors:
        return [
            "Your code counts tensors instead of elements: "
            f"{' / '.join(map(str, tensors))} instead of "
            f"{' / '.join(f'{size:,}' for size in sizes)}. Use parameter.numel()."
        ]
    found = [
        f"Group {NUMERALS[g]} has {sizes[g]:,} parameters; yours "
        + (f"has {counts[g]:,}." if counts[g] is not None else "was not found.")
        for g in groups
        if counts[g] != sizes[g]
    ]
    others = {name: size for name, size in truth[0].items() if "downsample" not in name}
    if 0 in groups and counts[0] == sum(others.values()):
        found += _missed_by_name([set(others)], truth)
    return found


def _missed_by_name(own: list[set[str]], truth: Truth) -> list[str]:
    missed = set(truth[0]) - own[0]
    if missed and own[0] and all("downsample" in name for name in missed):
        elements = sum(truth[0][name] for name in missed)
        return [
            f"Group (i) lacks the batch norms of the shortcuts, {elements:,} parameters: "
            "downsample.1 is a batch norm although its name has no 'bn'."
        ]
    return []


def _biases(own: list[set[str]], truth: Truth) -> list[str]:
    found = []
    norm_biases = {name for name in truth[0] if name.endswith(".bias")}
    if len(norm_biases & own[1]) > len(norm_biases) / 2:
        found.append(
            "Group (ii) has the biases of the batch norms, which are affine parameters of batch "
            "norm and belong to (i)."
        )
    forgotten = set(truth[1]) - own[0] - own[1] - own[2]
    if forgotten and forgotten == set(truth[1]):
        found.append(f"{', '.join(sorted(forgotten)[:3])} is in none of the groups.")
    return found


def _shapes(triple: Sequence[Chosen | None], counted: Sequence[int]) -> list[str]:
    found = []
    for group, chosen in enumerate(triple):
        if group in counted:
            continue
        if chosen is None:
            found.append(f"No list was found for group {NUMERALS[group]}, {GROUPS[group]}.")
            continue
        repeated = len(chosen.names) - len(set(chosen.names))
        if repeated:
            found.append(f"Group {NUMERALS[group]} has {_tensors(repeated)} twice.")
        if chosen.buffers:
            found.append(
                f"Group {NUMERALS[group]} has {chosen.buffers} running statistics, which are "
                "buffers and not trained: use parameters(), not state_dict()."
            )
        if chosen.foreign:
            found.append(
                f"Group {NUMERALS[group]} has {chosen.foreign} items that are not parameters of "
                "the network; they may be copies, such as .data and .clone() make."
            )
        if chosen.used_up:
            found.append(
                f"Group {NUMERALS[group]} is a generator that was already used up when it was "
                "read: make it a list."
            )
    twice = _in_two_groups(triple)
    if twice:
        found.append(f"Several groups share {_tensors(twice)}.")
    return found


def _in_two_groups(triple: Sequence[Chosen | None]) -> int:
    sets = [set(chosen.names) for chosen in triple if chosen]
    return sum(map(len, sets)) - len(set().union(*sets)) if sets else 0


def _tensors(number: int) -> str:
    return f"{number} tensor{'s' if number != 1 else ''}"


def _plain(own: list[set[str]], truth: Truth) -> list[str]:
    found = []
    for group in range(3):
        missing = set(truth[group]) - own[group]
        extra = own[group] - set(truth[group])
        if missing:
            found.append(f"Group {NUMERALS[group]} lacks {_tensors(len(missing))}, such as "
                         f"{sorted(missing)[0]}.")
        if extra:
            found.append(f"Group {NUMERALS[group]} has {_tensors(len(extra))} of another group, "
                         f"such as {sorted(extra)[0]}.")
    return found
