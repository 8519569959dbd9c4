"""A student's groups of one network: from lists, or from counts where there are no lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from grader.checks.groups.assignment import (
    GROUPS,
    NUMERALS,
    Chosen,
    Triple,
    Truth,
    choose,
    choose_again,
)
from grader.checks.groups.counts import Counts, group_counts, has_count
from grader.checks.groups.partial_credit import (
    RIGHT,
    UNKNOWN,
    Layers,
    mistake_in_count,
    mistake_in_list,
)
from grader.checks.groups.two_lists import in_two_lists, joined_groups
from grader.records import Evidence, Table

NOTHING: Counts = (None, None, None)
NONE = (False, False, False)
Each = tuple[bool, bool, bool]
ALL_UNKNOWN = (UNKNOWN, UNKNOWN, UNKNOWN)


@dataclass(frozen=True)
class Answer:
    """The student's groups of one network.

    Attributes:
        triple: The list for each group.
        by_count: For each group, True if a number is the answer and not a list.
        counts: The number of elements in each group.
        mistakes: For each group, RIGHT, a field of `ListMistakes`, or UNKNOWN.
        joined: The two groups that are together in one list; () if there are none.
    """

    triple: Triple
    by_count: Each
    counts: Counts
    mistakes: tuple[str, str, str]
    joined: tuple[int, ...] = ()

    @property
    def right(self) -> Each:
        """Tell which groups are right: a boolean each."""
        first, second, third = (mistake == RIGHT for mistake in self.mistakes)
        return first, second, third


def answer_of(
    evidence: Evidence,
    truth: Truth,
    layers: Layers,
    public: Answer | None = None,
    *,
    two_lists: bool = False,
) -> Answer:
    """The student's answer for one network.

    A list is preferred to a count, unless it is wrong and unnamed and the count is right.

    Args:
        evidence: The worker's answer.
        truth: The right groups.
        layers: The layers of the network.
        public: The answer for the public network; a hidden network's lists are then taken from
            the same variables.
        two_lists: One of two lists counts if it is exactly a group.
    """
    if not evidence.outcome.answered:
        return Answer((None, None, None), NONE, NOTHING, ALL_UNKNOWN)
    lists, numbers = evidence.value["lists"], group_counts(evidence.value["numbers"])
    triple = choose_again(lists, public.triple) if public else choose(lists, truth)
    if two_lists and not any(map(_is_exactly, triple, truth)):
        triple = in_two_lists(lists, truth, layers) or triple
    by_count: list[bool] = []
    counts: list[int | None] = []
    mistakes: list[str] = []
    for group, (chosen, number) in enumerate(zip(triple, numbers, strict=True)):
        listed = _mistake(chosen, truth, group, layers)
        counted = mistake_in_count(number, truth, group, layers)
        better = number is not None and (
            chosen is None or (counted == RIGHT != listed and not chosen.named)
        )
        by_count.append(public.by_count[group] if public else better)
        counts.append(number if by_count[group] else _elements(chosen, truth))
        mistakes.append(counted if by_count[group] else listed)
    joined = joined_groups(lists, triple, truth)
    return Answer(triple, tuple(by_count), tuple(counts), tuple(mistakes), joined)  # type: ignore[arg-type]  # three of each by construction


def _is_exactly(chosen: Chosen | None, group: Mapping[str, int]) -> bool:
    return chosen is not None and set(chosen.names) == set(group)


def _mistake(chosen: Chosen | None, truth: Truth, group: int, layers: Layers) -> str:
    if chosen is None or chosen.foreign:
        return UNKNOWN
    return mistake_in_list(chosen.names, truth, group, layers, chosen.buffers)


def _elements(chosen: Chosen | None, truth: Truth) -> int | None:
    if chosen is None:
        return None
    sizes = {name: size for group in truth for name, size in group.items()}
    return sum(sizes.get(name, 0) for name in chosen.names)


def unassigned(
    answer: Answer,
    public: Sequence[tuple[Evidence, Truth]],
    hidden: Sequence[tuple[Evidence, Truth]],
) -> str:
    """Why a person must assign right counts to groups; "" if that is not needed.

    The counts are right for ResNet-18 and for a hidden network, so they were not typed in, but
    their names do not say which group each of them counts.
    """
    wrong = [group for group in range(3) if not answer.right[group]]
    named = [chosen is not None and chosen.named for chosen in answer.triple]
    if not wrong or any(named[group] for group in wrong):
        return ""
    there = all(
        any(_has_count(one, group, truth) for one, truth in networks)
        for networks in (public, hidden) if networks
        for group in wrong
    )
    return (
        "Your code computes the right counts, but their names do not say which group each of them "
        "belongs to: a person reads the code."
    ) if there else ""


def _has_count(evidence: Evidence, group: int, truth: Truth) -> bool:
    wanted = sum(truth[group].values())
    if not wanted or not evidence.outcome.answered:
        return False   # zero is everywhere
    return has_count(evidence.value["numbers"], group, wanted)


def table_of(answer: Answer, truth: Truth, network: str) -> Table:
    """Numbers of elements: the right groups down, the student's groups across.

    Args:
        answer: The student's groups.
        truth: The right groups.
        network: The name of the network, for the title.
    """
    columns = ("group", "parameters", "in your (i)", "in your (ii)", "in your (iii)", "in none")
    rows = []
    for group, names in enumerate(truth):
        total = sum(names.values())
        title = f"{NUMERALS[group]} {GROUPS[group]}"
        cells = []
        for column, chosen in enumerate(answer.triple):
            count = answer.counts[column] if answer.by_count[column] else sum(
                names.get(name, 0) for name in chosen.names
            ) if chosen else 0
            cells.append("" if answer.by_count[column] and column != group else f"{count:,}")
        held = {name for chosen in answer.triple if chosen for name in chosen.names}
        nowhere = sum(size for name, size in names.items() if name not in held)
        counted = any(answer.by_count)
        rows.append((title, f"{total:,}", *cells, "" if counted else f"{nowhere:,}"))
    return Table(f"Parameters of {network}", columns, tuple(rows))
