"""Finds the counts of the three groups among the numbers that a script computes or prints.

For scripts without lists of parameters. A variable's name says which group it counts, for a printed
number the text beside it; numbers without either are taken in their order.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from grader.checks.groups.assignment import BIAS, NORM, NOT, REST, label

Number = Mapping[str, Any]   # a number as the worker reports it
Counts = tuple[int | None, int | None, int | None]

# Names of numbers that are rarely the elements of a group.
_WEAK = re.compile(
    r"layer|tensor|module|(^|_)lr(_|$)|learning|decay|momentum|eps|mult|factor|ratio|ind(ex|ices)",
    re.I,
)
_WORDS = re.compile(r"[a-z_ -]+")
_ORDINAL = re.compile(r"#([123])\b")
_NUMERAL = re.compile(r"^\W*(i{1,3})\b")
_INDEXED = re.compile(r"(.+)\[([012])\]$")


def group_counts(numbers: Sequence[Number]) -> Counts:
    """The count of each group; None for a group without one.

    Goes by the names of variables first, then by the words beside printed numbers, then by order:
    three numbers that are printed, or in a list, without any words.
    """
    variables = [row for row in numbers if not row.get("printed")]
    printed = [row for row in numbers if row.get("printed")]
    found = _by_name(printed, spoken) | _by_name(variables, label)
    if len(found) < 2:
        found = _by_ordinal(printed) or _printed_in_order(printed) or _listed(variables) or found
    return found.get(0), found.get(1), found.get(2)


def has_count(numbers: Sequence[Number], group: int, count: int) -> bool:
    """True if the number is there and its name names no other group."""
    return any(
        row["value"] == count
        and (spoken if row.get("printed") else label)(row["name"]) in (None, group)
        for row in numbers
    )


def spoken(text: str) -> int | None:
    """The group that the text beside a printed number names; None if it names several or none."""
    plain = NOT.sub(" ", text.lower())
    places = [pattern.search(plain) for pattern in (NORM, BIAS, REST)]
    found = [group for group, place in enumerate(places) if place]
    if len(found) == 1:
        return found[0]
    norm, bias = places[0], places[1]
    if found == [0, 1] and norm and bias and norm.start() < bias.start():
        return 0   # batch-norm weights and biases
    return 2 if not found and plain != text.lower() else None


def _by_name(rows: Sequence[Number], speaks: Callable[[str], int | None]) -> dict[int, int]:
    """The last number named after each group, preferably one that counts elements."""
    found: dict[int, int] = {}
    weights: int | None = None
    for row in sorted(rows, key=lambda row: (_strength(row["name"]), row["cell"], row["line"])):
        group = speaks(row["name"])
        if group is not None:
            found[group] = row["value"]
        elif _names_weights(row["name"]):
            weights = row["value"]
    if set(found) == {0, 1} and weights is not None:
        found[2] = weights   # beside the two others, all the rest
    return found


def _strength(name: str) -> int:
    return 0 if _WEAK.search(name) else 1


def _names_weights(name: str) -> bool:
    """True if the name speaks of weights, and not of their decay."""
    runs = _WORDS.findall(name.lower())
    return any(words.rfind("weight") > words.rfind("decay") for words in runs)


def _by_ordinal(printed: Sequence[Number]) -> dict[int, int]:
    """Numbers beside (i), (ii), (iii), or group 1, 2, 3; {} unless there are all three."""
    found: dict[int, int] = {}
    for row in printed:
        ordinal, numeral = _ORDINAL.search(row["name"]), _NUMERAL.search(row["name"])
        if ordinal:
            found[int(ordinal[1]) - 1] = row["value"]
        elif numeral:
            found[len(numeral[1]) - 1] = row["value"]
    return found if len(found) == 3 else {}


def _printed_in_order(printed: Sequence[Number]) -> dict[int, int]:
    """The last three numbers without words, on one line or on three lines."""
    lines: dict[int, list[Number]] = {}
    for row in printed:
        lines.setdefault(row["line"], []).append(row)
    bare = {line: rows for line, rows in lines.items() if not any(row["name"] for row in rows)}
    runs = [rows for rows in bare.values() if len(rows) == 3]
    for line in bare:
        alone = [bare.get(line + step, []) for step in (-1, 0, 1, 2, 3)]
        if [len(rows) == 1 for rows in alone] == [False, True, True, True, False]:
            runs.append([rows[0] for rows in alone[1:4]])
    last = max(runs, key=lambda rows: rows[0]["line"], default=[])
    return {group: row["value"] for group, row in enumerate(last)}


def _listed(variables: Sequence[Number]) -> dict[int, int]:
    """The last list of three numbers."""
    found: dict[tuple[int, str], dict[int, int]] = {}
    for row in variables:
        indexed = _INDEXED.match(row["name"])
        if indexed and label(indexed[1]) is None:
            found.setdefault((row["frame"], indexed[1]), {})[int(indexed[2])] = row["value"]
    threes = [counts for counts in found.values() if len(counts) == 3]
    return threes[-1] if threes else {}
