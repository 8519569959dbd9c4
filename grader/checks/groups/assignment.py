"""Assigns the lists that a student's code builds to the three groups.

A list's name decides first. Overlap with the right groups decides only between lists whose names
say nothing. If several lists are named after one group, the last one counts.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

GROUPS = ("batch-norm affine", "biases", "all the rest")
NUMERALS = ("(i)", "(ii)", "(iii)")
Row = Mapping[str, Any]   # a list as the worker reports it
Truth = tuple[dict[str, int], dict[str, int], dict[str, int]]   # name -> elements, per group

NORM = re.compile(
    r"(^|[^a-z])(bn|norm|affine)s?\d*([^a-z]|$)|batch[_\s-]?norm|^bns?_?", re.I
)
BIAS = re.compile(r"bias", re.I)
# At the start of a word only: `another_bias` does not mean "other", nor `two_bn` "without bn".
REST = re.compile(r"(^|[^a-z])(rest|other|remain|else|misc|leftover|third)")
NOT = re.compile(
    r"(^|[^a-z])(non|not|no|without|wo|except)[_\s-]?(bn|batch[_\s-]?norm|norm|bias)"
)
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")   # in otherParams
# Names of lists that are parts of one group differ in these words: `bn_weights`, `bn_biases`.
_PART = re.compile(
    r"weights?|bias(es)?|gammas?|betas?|scales?|shifts?|conv(\dd)?s?|fcs?|linears?|dense"
    r"|downsamples?|shortcuts?|_[wb]$", re.I
)
_PUNCTUATION = re.compile(r"[\W_]|s$")


@dataclass(frozen=True)
class Chosen:
    """The list that counts for one group.

    Attributes:
        names: Names of its parameters in order, repeats included.
        label: Name of the student's variable, or of several variables that are parts of it.
        kind: Type of the container, as the worker reports it.
        foreign: Number of items that are not parameters of the network.
        buffers: Number of buffers.
        used_up: The container is a generator that was empty when it was read.
        named: Its name, or its position in an answer, says which group it is.
        places: (frame, name) of each variable in it.
    """

    names: tuple[str, ...]
    label: str
    kind: str
    foreign: int
    buffers: int
    used_up: bool
    named: bool = False
    places: tuple[tuple[str, str], ...] = ()


Triple = tuple[Chosen | None, Chosen | None, Chosen | None]


def label(name: str) -> int | None:
    """The group that a variable's name names: 0, 1, 2, or None."""
    words = _CAMEL.sub("_", name).lower()
    if REST.search(words) or NOT.search(words):
        return 2
    if NORM.search(name):
        return 0
    return 1 if BIAS.search(name) else None


def choose(lists: Sequence[Row], truth: Truth) -> Triple:
    """The three lists that are the student's answer.

    Lists of one attempt live in one frame and, in a notebook, are bound in one cell. The last
    complete attempt counts. Two unnamed lists are no attempt at three groups: an optimizer needs
    two, with weight decay and without.
    """
    best: Triple = (None, None, None)
    for attempt in attempts(lists):
        triple = _by_position(attempt) or _by_label_and_overlap(attempt, truth)
        named = any(chosen is not None and chosen.named for chosen in triple)
        if _size(triple) >= max(2 if named else 3, _size(best)):
            best = triple
    return best


def attempts(lists: Sequence[Row]) -> list[list[Row]]:
    """Lists that belong together, in the order in which they were bound."""
    cells: dict[tuple[int, int], list[Row]] = {}
    frames: dict[int, list[Row]] = {}
    for row in lists:
        cells.setdefault((row["frame"], row["cell"]), []).append(row)
        frames.setdefault(row["frame"], []).append(row)
    # Whole frames come first: they count only if no single cell has three lists.
    return [*frames.values(), *(cells[key] for key in sorted(cells))]


def _by_position(rows: list[Row]) -> Triple | None:
    """The groups by the order of a returned tuple; None for any other attempt."""
    rows = [row for row in rows if not row.get("parent")]
    if [row["name"] for row in rows] != ["returned[0]", "returned[1]", "returned[2]"]:
        return None
    first, second, third = (chosen_of([row], named=True) for row in rows)
    return first, second, third


def _by_label_and_overlap(rows: list[Row], truth: Truth) -> Triple:
    found: list[Chosen | None] = [None, None, None]
    labelled: dict[int | None, list[Row]] = {}
    for row, group in sorted(_labels(rows, truth), key=lambda one: _bound(one[0])):
        labelled.setdefault(group, []).append(row)
    for group in range(3):
        found[group] = _last(labelled.get(group, []))
    missing = [group for group in range(3) if found[group] is None]
    best = _best_order(labelled.get(None, []), missing, truth)
    for group, option in zip(missing, best, strict=False):
        if overlap(option.names, truth[group]):
            found[group] = option
    return found[0], found[1], found[2]


def _best_order(rows: Sequence[Row], groups: Sequence[int], truth: Truth) -> list[Chosen]:
    """Return the last lists in the order that overlaps most with these groups."""
    sets = [frozenset(row["names"]) for row in rows]
    last = [n for n, names in enumerate(sets) if names and not _is_everything(names, truth)][-8:]
    shared = {n: [overlap(sets[n], truth[group]) for group in groups] for n in last}
    alike = {n: sets.index(sets[n]) for n in last}
    best: Sequence[int] = ()
    score = 0.0
    for order in itertools.permutations(last, min(len(groups), len(last))):
        if len({alike[n] for n in order}) < len(order):
            continue   # one list under two names is not two groups
        value = sum(shared[n][at] for at, n in enumerate(order))
        if value > score:
            best, score = order, value
    return [chosen_of([rows[n]], named=False) for n in best]


def _bound(row: Row) -> tuple[int, int]:
    return row["cell"], row["line"]


def _labels(rows: Sequence[Row], truth: Truth) -> list[tuple[Row, int | None]]:
    """Each list that may be a group, with the group that its name names.

    A list or dictionary of lists is either several groups or the parts of one: several if its keys
    say so, one if its own name says so, and either if neither does.
    """
    wholes = {row["name"]: row for row in rows}
    parts: dict[str, list[Row]] = {}
    for row in rows:
        if row.get("parent"):
            parts.setdefault(row["parent"], []).append(row)
    how = {name: _nested(name, wholes.get(name), inner, truth) for name, inner in parts.items()}
    found = []
    for row in rows:
        name, parent = row["name"], row.get("parent", "")
        if how.get(name) in ("by key", "in any order"):
            continue
        if any(name.startswith((f"{above}.", f"{above}[")) and how[above] == "as one"
               for above in how):
            continue
        group = label(name.removeprefix(parent))
        if group is None and how.get(parent, "either") == "either":
            group = label(name)
        found.append((row, None if how.get(parent) == "in any order" else group))
    return found


def _nested(name: str, whole: Row | None, parts: list[Row], truth: Truth) -> str:
    """The way to read a list of lists: "by key", "as one", "in any order" or "either"."""
    keys = {label(part["name"].removeprefix(name)) for part in parts} - {None}
    if len(keys) > 1:
        return "by key"
    if whole is None or label(name) is None:
        return "either"
    # `bn_bias_rest = split(net)`: the name names one group, but the list holds all of them.
    return "in any order" if _is_everything(whole["names"], truth) else "as one"


def _is_everything(names: Collection[str], truth: Truth) -> bool:
    """True for a list of all parameters, such as `params`, which is no group."""
    own = set(names)
    return len(own) == sum(map(len, truth)) and own == set().union(*truth)


def _last(rows: list[Row]) -> Chosen | None:
    """The last list bound that is not empty, of lists named after one group.

    Lists that are parts of the group by their names, such as `bn_weights` and `bn_biases`, are
    joined.
    """
    rows = [row for row in rows if not row["empty"] or row["used_up"]] or rows[-1:]
    if not rows:
        return None
    names = [name for row in rows for name in dict.fromkeys(row["names"])]
    disjoint = len(names) == len(set(names))
    stems = {_PUNCTUATION.sub("", _PART.sub("", row["name"])).lower() for row in rows}
    parts = {row["name"] for row in rows if _PART.search(row["name"])}
    if len(rows) == len(parts) > 1 and disjoint and len(stems) == 1:
        return chosen_of(rows, named=True)
    return chosen_of(rows[-1:], named=True)


def choose_again(lists: Sequence[Row], chosen: Triple) -> Triple:
    """The lists in the same variables, after the same code ran on another network.

    The choice is made once: choosing anew for each network would reward code that builds many lists
    in the hope that one fits.
    """
    latest = {_place(row): row for row in lists}
    again: list[Chosen | None] = []
    for one in chosen:
        rows = [latest[place] for place in one.places if place in latest] if one else []
        found = one is not None and len(rows) == len(one.places)
        again.append(chosen_of(rows, named=one.named) if one and found else None)
    return again[0], again[1], again[2]


def _place(row: Row) -> tuple[str, str]:
    return str(row["origin"]), str(row["name"])


def overlap(names: Collection[str], truth: Mapping[str, int]) -> float:
    """Intersection over union of two sets of names."""
    own = set(names)
    shared = sum(map(truth.__contains__, own))
    return shared / max(1, len(own) + len(truth) - shared)


def _size(triple: Triple) -> int:
    return sum(chosen is not None for chosen in triple)


def chosen_of(rows: Sequence[Row], *, named: bool) -> Chosen:
    return Chosen(
        names=tuple(name for row in rows for name in row["names"]),
        label=" + ".join(str(row["name"]) for row in rows),
        kind=str(rows[0]["kind"]),
        foreign=sum(row["foreign"] for row in rows),
        buffers=sum(row["buffers"] for row in rows),
        used_up=any(row["used_up"] for row in rows),
        named=named,
        places=tuple(_place(row) for row in rows),
    )
