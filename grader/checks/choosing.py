"""Which of the lists found is which group: by their names first, by best overlap second.

Overlap with the truth decides only between lists whose names say nothing. Of several that are
named after the same group, the last attempt counts.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

GROUPS = ("batch-norm affine", "biases", "all the rest")
Truth = tuple[dict[str, int], dict[str, int], dict[str, int]]   # name -> elements, per group

_NORM = re.compile(
    r"(^|[^a-z])(bn|batch_?norm|norm|affine)s?\d*([^a-z]|$)|batch_?norm|^bns?_?", re.I
)
_BIAS = re.compile(r"bias", re.I)
# At the start of a word: `another_bias` is not the rest, and `two_bn` not without batch norm.
_REST = re.compile(r"(^|[^a-z])(rest|other|remain|else|misc|leftover|third)")
_NOT = re.compile(r"(^|[^a-z])(non|not|no|without|wo|except)_?(bn|batch_?norm|norm|bias)")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")   # in otherParams
# What names of lists that share out one group differ in: `bn_weights` and `bn_biases`.
_PART = re.compile(
    r"weights?|bias(es)?|gammas?|betas?|scales?|shifts?|conv(\dd)?s?|fcs?|linears?|dense"
    r"|downsamples?|shortcuts?|_[wb]$", re.I
)
_PUNCTUATION = re.compile(r"[\W_]|s$")


@dataclass(frozen=True)
class Chosen:
    """One list for one group. `names` are the parameters' names in order, repeats included."""

    names: tuple[str, ...]
    label: str
    kind: str
    foreign: int
    buffers: int
    used_up: bool
    places: tuple[tuple[str, str], ...] = ()   # (label of the frame, name) of each list in it


Triple = tuple[Chosen | None, Chosen | None, Chosen | None]


def label(name: str) -> int | None:
    """The group that a variable's name speaks of: 0, 1, 2, or None."""
    words = _HUMP.sub("_", name).lower()
    if _REST.search(words) or _NOT.search(words):
        return 2
    if _NORM.search(name):
        return 0
    return 1 if _BIAS.search(name) else None


def choose(lists: Sequence[Mapping[str, Any]], truth: Truth) -> Triple:
    """The three lists that count as the student's answer.

    Of several attempts the last complete one counts; lists of one attempt live in one frame, and in
    a notebook were bound in the same cell.
    """
    best: Triple = (None, None, None)
    for attempt in _attempts(lists):
        triple = _by_position(attempt) or _by_label_and_overlap(attempt, truth)
        if sum(chosen is not None for chosen in triple) >= max(2, _size(best)):
            best = triple
    return best


def _attempts(lists: Sequence[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """Lists that belong together, the later the nearer to the end."""
    cells: dict[tuple[int, int], list[Mapping[str, Any]]] = {}
    frames: dict[int, list[Mapping[str, Any]]] = {}
    for row in lists:
        cells.setdefault((row["frame"], row["cell"]), []).append(row)
        frames.setdefault(row["frame"], []).append(row)
    # Whole frames first: a triple spread over cells counts where no single cell has one.
    return [*frames.values(), *(cells[key] for key in sorted(cells))]


def _by_position(rows: list[Mapping[str, Any]]) -> Triple | None:
    """A returned tuple says by its order which is which."""
    if [row["name"] for row in rows] != ["returned[0]", "returned[1]", "returned[2]"]:
        return None
    first, second, third = (_chosen([row]) for row in rows)
    return first, second, third


def _by_label_and_overlap(rows: list[Mapping[str, Any]], truth: Truth) -> Triple:
    found: list[Chosen | None] = [None, None, None]
    labelled: dict[int | None, list[Mapping[str, Any]]] = {}
    for row in sorted(rows, key=lambda row: (row["cell"], row["line"])):
        labelled.setdefault(label(row["name"]), []).append(row)
    for group in range(3):
        found[group] = _last(labelled.get(group, []))
    missing = [group for group in range(3) if found[group] is None]
    unnamed = [_chosen([row]) for row in labelled.get(None, [])][-8:]
    best, score = None, 0.0
    for order in itertools.permutations(unnamed, min(len(missing), len(unnamed))):
        value = sum(
            overlap(option.names, truth[group])
            for group, option in zip(missing, order, strict=False)
        )
        if value > score:
            best, score = order, value
    for group, option in zip(missing, best or (), strict=False):
        if overlap(option.names, truth[group]):
            found[group] = option
    return found[0], found[1], found[2]


def _last(rows: list[Mapping[str, Any]]) -> Chosen | None:
    """Of the lists whose names speak of one group, the last one bound that holds anything.

    Lists whose names share the group out between them, such as `bn_weights` and `bn_biases`, are
    one answer in parts.
    """
    rows = [row for row in rows if not row["empty"] or row["used_up"]] or rows[-1:]
    if not rows:
        return None
    names = [name for row in rows for name in dict.fromkeys(row["names"])]
    disjoint = len(names) == len(set(names))
    stems = {_PUNCTUATION.sub("", _PART.sub("", row["name"])).lower() for row in rows}
    parts = {row["name"] for row in rows if _PART.search(row["name"])}
    if len(rows) == len(parts) > 1 and disjoint and len(stems) == 1:
        return _chosen(rows)
    return _chosen(rows[-1:])


def choose_again(lists: Sequence[Mapping[str, Any]], chosen: Triple) -> Triple:
    """The lists that stand in the same places, when the same code is run on another network.

    Chosen once and not again for each network: or many lists, one of which fits, would do.
    """
    latest = {_place(row): row for row in lists}
    again: list[Chosen | None] = []
    for one in chosen:
        rows = [latest[place] for place in one.places if place in latest] if one else []
        again.append(_chosen(rows) if one and len(rows) == len(one.places) else None)
    return again[0], again[1], again[2]


def _place(row: Mapping[str, Any]) -> tuple[str, str]:
    return str(row["origin"]), str(row["name"])


def overlap(names: Sequence[str], truth: Mapping[str, int]) -> float:
    """Intersection over union of two sets of names."""
    own, wanted = set(names), set(truth)
    return len(own & wanted) / max(1, len(own | wanted))


def _size(triple: Triple) -> int:
    return sum(chosen is not None for chosen in triple)


def _chosen(rows: Sequence[Mapping[str, Any]]) -> Chosen:
    return Chosen(
        names=tuple(name for row in rows for name in row["names"]),
        label=" + ".join(str(row["name"]) for row in rows),
        kind=str(rows[0]["kind"]),
        foreign=sum(row["foreign"] for row in rows),
        buffers=sum(row["buffers"] for row in rows),
        used_up=any(row["used_up"] for row in rows),
        places=tuple(_place(row) for row in rows),
    )


def truth_of(structure: Sequence[Sequence[Any]]) -> Truth:
    """The groups of a student's own network, from the types of the layers that it is made of."""
    groups: Truth = ({}, {}, {})
    for name, count, kind, own, _ in structure:
        index = 0 if kind == "batch_norm" else 1 if own == "bias" and kind != "other" else 2
        groups[index][name] = count
    return groups
