"""Reads parameters that were put into two lists, such as decayed and not, instead of three groups.

If one of the lists is exactly a group, it counts for that group; the two other groups are together.
"""

from __future__ import annotations

from collections.abc import Sequence

from grader.checks.groups.assignment import Row, Triple, Truth, attempts, chosen_of, label


def in_two_lists(lists: Sequence[Row], truth: Truth) -> Triple | None:
    """The list that is a group, where another list of the attempt holds all other parameters.

    The last such attempt counts. None if there is none.
    """
    everything = set().union(*truth)
    best: Triple | None = None
    for rows in attempts(lists):
        held = {frozenset(row["names"]) for row in rows if not row["foreign"]}
        for row in rows:
            own = frozenset(row["names"])
            group = next((g for g in range(3) if own and own == set(truth[g])), None)
            if group is None or label(row["name"]) not in (None, group):
                continue
            if everything - own in held and len(row["names"]) == len(own):
                chosen = chosen_of([row], named=False)
                best = tuple(chosen if g == group else None for g in range(3))  # type: ignore[assignment]  # three of them
    return best


def joined_groups(lists: Sequence[Row], triple: Triple, truth: Truth) -> tuple[int, ...]:
    """The two groups that one of the lists holds together, where one of them has no list."""
    held = [set(row["names"]) for row in lists]
    for pair in ((0, 1), (0, 2), (1, 2)):
        first, second = (truth[group] for group in pair)
        missing = any(triple[group] is None for group in pair)
        if missing and first and second and {*first, *second} in held:
            return pair
    return ()
