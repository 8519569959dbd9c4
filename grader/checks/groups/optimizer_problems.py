"""Compares the groups of an optimizer with the right ones: the problem of each group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from grader.checks.groups.assignment import GROUPS, NUMERALS, Truth
from grader.checks.groups.kinds import parameters_of, truth_of
from grader.checks.groups.partial_credit import RIGHT, UNKNOWN, in_words, layers_of, mistake_in
from grader.records import Table

Seen = Mapping[str, Any]   # an optimizer as the worker reports it


@dataclass(frozen=True)
class Problem:
    """A mistake in one group of an optimizer.

    Attributes:
        mistake: RIGHT, a field of `Mistakes`, or UNKNOWN.
        text: A sentence for the student; "" if the group is right.
        reason: The end of the sentence that explains a share; "" without one.
    """

    mistake: str = RIGHT
    text: str = ""
    reason: str = ""


def problems_of(seen: Seen) -> list[Problem]:
    """The problem of each group."""
    return [problem_of(group, seen) for group in range(3)]


def problem_of(group: int, seen: Seen) -> Problem:
    """The problem of one group; parameters in `seen["penalised"]` count as decayed."""
    parameters = parameters_of(seen["structure"])
    wanted = truth_of(one for one in parameters if one.trainable)[group]
    times = dict.fromkeys(wanted, 0)
    decayed = set(seen.get("penalised", ()))
    for row in seen["groups"]:
        for name in row["names"]:
            if name in times:
                times[name] += 1
                if row["weight_decay"] > 0:
                    decayed.add(name)
    missing = [name for name, count in times.items() if count == 0]
    twice = [name for name, count in times.items() if count > 1]
    # A parameter that is not in the optimizer is missing, and nothing else is wrong with it.
    misled = {name for name, count in times.items() if count and (name in decayed) != (group == 2)}
    wrong = {*missing, *misled}
    text = _sentence(group, len(wanted), missing, twice, len(misled))
    if not text:
        return Problem()
    layers = layers_of(parameters)
    mistake = mistake_in(wrong, wanted, layers) if wrong else "repeated"
    mistake = UNKNOWN if wrong and twice else mistake
    return Problem(mistake, text, in_words(mistake, wrong, layers))


def _sentence(
    group: int, count: int, missing: Sequence[str], twice: Sequence[str], misled: int
) -> str:
    title = f"{NUMERALS[group]} ({GROUPS[group]})"
    if missing:
        return (
            f"{len(missing)} of {count} tensors of {title} are not in the optimizer, such as "
            f"{missing[0]}."
        )
    if twice:
        return f"Some tensors of {title} are in the optimizer twice."
    if misled and group == 2:
        return f"{misled} of {count} tensors of {title} get no weight decay."
    return f"{misled} of {count} tensors of {title} get weight decay and should not." * bool(misled)


def trainable(seen: Seen) -> Truth:
    """The three groups of the optimizer's network, trainable parameters only."""
    return truth_of(one for one in parameters_of(seen["structure"]) if one.trainable)


def groups_table(seen: Seen, *, hidden: bool = False) -> Table:
    """The optimizer's groups, by what they should hold; without numbers of decay if `hidden`."""
    columns = ("optimizer group", "weight decay", "of (i)", "of (ii)", "of (iii)")
    truth, rows = trainable(seen), []
    for number, row in enumerate(seen["groups"][:12], 1):
        names = set(row["names"])
        cells = [f"{sum(n for name, n in part.items() if name in names):,}" for part in truth]
        decay = f"{row['weight_decay']:g}"
        if hidden:
            decay = "yes" if row["weight_decay"] > 0 else "no"
        rows.append((str(number), decay, *cells))
    return Table("Parameters in the optimizer's groups", columns, tuple(rows))
