"""Reads parameters that were put into two lists, such as decayed and not, instead of three groups.

If one of the lists is a group, it counts for that group; the two other groups are together.
"""

from __future__ import annotations

from collections.abc import Sequence

from grader.checks.groups.assignment import (
    Row,
    Triple,
    Truth,
    attempts,
    chosen_of,
    label,
    overlap,
)
from grader.checks.groups.partial_credit import RIGHT, UNKNOWN, Layers, mistake_in_list


def in_two_lists(lists: Sequence[Row], truth: Truth, layers: Layers) -> Triple | None:
    """The list that is a group, where another list of the attempt holds all other parameters.

    A list that is right goes before one that is right but for one mistake; of equals, the last
    counts. None if there is none.
    """
    everything = frozenset().union(*truth)
    best: tuple[bool, Triple] | None = None
    for rows in attempts(lists):
        held = {frozenset(row["names"]) for row in rows if not row["foreign"]}
        sizes = {len(names) for names in held}
        for row in rows:
            own = everything.intersection(row["names"])
            if len(everything) - len(own) not in sizes or everything - own not in held:
                continue
            for group in range(3):
                mistake = _mistake(row, truth, group, layers)
                if mistake != UNKNOWN and (best is None or mistake == RIGHT or not best[0]):
                    chosen = chosen_of([row], named=False)
                    triple = tuple(chosen if g == group else None for g in range(3))
                    best = mistake == RIGHT, triple  # type: ignore[assignment]  # three of them
    return best[1] if best else None


def _mistake(row: Row, truth: Truth, group: int, layers: Layers) -> str:
    """The mistake in a list as a group; UNKNOWN for a list that is named after another group."""
    alike = overlap(row["names"], truth[group]) > 0.5
    if not alike or row["foreign"] or label(row["name"]) not in (None, group):
        return UNKNOWN
    return mistake_in_list(row["names"], truth, group, layers, row["buffers"])


def joined_groups(lists: Sequence[Row], triple: Triple, truth: Truth) -> tuple[int, ...]:
    """The two groups that one of the lists holds together, where one of them has no list."""
    held = [set(row["names"]) for row in lists]
    everything = set().union(*truth)
    found = [chosen for chosen in triple if chosen is not None]
    for pair in ((0, 1), (0, 2), (1, 2)):
        first, second = (truth[group] for group in pair)
        missing = [triple[group] is None for group in pair]
        others = everything - set(found[0].names) if all(missing) and found else None
        together = {*first, *second} in held or others in held
        if any(missing) and first and second and together:
            return pair
    return ()
