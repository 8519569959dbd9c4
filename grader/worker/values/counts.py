"""Whole numbers in what the student's code leaves behind: counts by group, and counts per layer."""

from __future__ import annotations

import collections.abc
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from grader.worker.values.containers import MAX_ITEMS, Reader
from grader.worker.values.parameter_lists import Frame

MAX_NUMBERS = 300
MAX_TABLES = 40
MOST_LAYERS = 1000   # of a network, counted one by one; more are labels, or pixels
_FEW = 24            # numbers in one container that may each be the count of a group
_SETTING = 10.0      # a momentum of 1.0 is no count; who adds up in floats gets further than that
_WHOLE = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)
_COUNTED = re.compile(r"param|count|num|total|size|elem", re.I)
_OWN = {"weight", "bias"}


def numbers(frames: Sequence[Frame], reader: Reader) -> list[dict[str, Any]]:
    """Whole numbers by name, also those in a small container, and lists of them summed: for a
    script of which only counts are left."""
    rows = []
    for position, frame in enumerate(frames):
        for variable, value in frame.values.items():
            if variable.startswith("__"):
                continue
            for name, count in _numbers(variable, value, reader):
                cell, line = frame.place(name)
                rows.append({"frame": position, "name": name, "value": count, "cell": cell,
                             "line": line, "printed": False})
    return rows[-MAX_NUMBERS:]


def _numbers(name: str, value: Any, reader: Reader) -> Iterator[tuple[str, int]]:
    if isinstance(value, float | np.floating) and value <= _SETTING:
        return
    count = as_count(value)
    if count is not None:
        if count:
            yield name, count
        return
    parts = _parts(value, reader)
    counts = [(key, _sum(part, reader)) for key, part in parts]
    if not isinstance(value, Mapping):
        whole = sum(_whole_numbers(value))
        if 0 < whole < 2**63:
            yield name, whole
    if len(counts) <= _FEW:
        yield from ((f"{name}{key}", count) for key, count in counts if count)


def _sum(value: Any, reader: Reader) -> int:
    count = as_count(value)
    total = sum(_whole_numbers(value)) if count is None else count
    return total if total < 2**63 else 0


def tables(frames: Sequence[Frame], reader: Reader) -> list[dict[str, Any]]:
    """Names with whole numbers, and lists of numbers in order: counts per layer, perhaps."""
    rows = []
    for position, frame in enumerate(frames):
        for name, value in frame.values.items():
            if name.startswith("__"):
                continue
            pairs = as_table(value, reader) or [["", count] for count in _whole_numbers(value)]
            if 0 < len(pairs) <= MOST_LAYERS:
                cell, line = frame.place(name)
                rows.append({"frame": position, "name": name, "pairs": pairs, "cell": cell,
                             "line": line, "printed": False})
    return rows[-MAX_TABLES:]


def as_table(value: Any, reader: Reader) -> list[list[Any]]:
    """[[name, count], ...] of a mapping, of rows, or of a data frame; [] when it is none of these.

    A row is a pair, a tuple, a dictionary or an object, in which a text and a whole number stand.
    """
    parts = _parts(value, reader)
    by_name = all(key.startswith(".") for key, _ in parts)
    found: list[list[Any]] = []
    for key, part in parts:
        rows = _of_layer(key[1:], part, reader) if by_name else _of_row(part, reader)
        if not rows:
            return []
        found += rows
    return found[:MAX_ITEMS]


def _parts(value: Any, reader: Reader) -> list[tuple[str, Any]]:
    """Of a container of which all was read."""
    if type(value).__module__.partition(".")[0] == "pandas":
        value = _of_pandas(value)
    sized = isinstance(value, Mapping | Sequence | collections.abc.Set | collections.abc.ItemsView)
    if sized and len(value) > MAX_ITEMS:
        return []
    return reader.parts(value) or []


def _of_pandas(value: Any) -> Any:
    """A Series as a dictionary, a DataFrame as a list of them, its index among them where that is
    of names. The student has imported pandas; the grader does not need it."""
    kind = type(value).__name__
    if kind not in ("DataFrame", "Series") or len(value) > MAX_ITEMS:
        return None
    index = list(value.index)
    named = all(isinstance(name, str) for name in index)
    if kind == "Series":
        return dict(zip(index, value.tolist(), strict=True)) if named else value.tolist()
    rows: list[dict[str, Any]] = value.to_dict("records")
    return [{"": n} | row for n, row in zip(index, rows, strict=True)] if named else rows


def _of_layer(name: str, value: Any, reader: Reader) -> list[list[Any]]:
    """The rows for a layer of that name; its parameters may be told one by one."""
    count = as_count(value)
    if count is not None:
        return [[name, count]]
    if isinstance(value, np.ndarray | torch.Tensor):
        return []
    parts = [(key[1:], as_count(part)) for key, part in _parts(value, reader)]
    if {key for key, _ in parts} <= _OWN:
        return [[f"{name}.{key}", count] for key, count in parts if count is not None]
    chosen = _the_count(parts, [part for _, part in _parts(value, reader)])
    return [[name, chosen]] if chosen is not None else []


def _of_row(row: Any, reader: Reader) -> list[list[Any]]:
    """The row for a layer whose name is told in it."""
    if isinstance(row, str | np.ndarray | torch.Tensor):
        return []
    parts = _parts(row, reader)
    texts = [part for _, part in parts if isinstance(part, str)]
    counts = [(key[1:], as_count(part)) for key, part in parts if not isinstance(part, str)]
    chosen = _the_count(counts, [part for _, part in parts if not isinstance(part, str)])
    name = next((t for t in texts if t in reader.known.layers), next(iter(texts), None))
    if name is None:
        return []
    if chosen is None:   # (name, {"params": 9408})
        nested = [_of_layer(name, part, reader) for _, part in parts if isinstance(part, Mapping)]
        return nested[0] if len(nested) == 1 else []
    return [[name, chosen]]


def _the_count(named: Sequence[tuple[str, int | None]], values: Sequence[Any]) -> int | None:
    """Of several whole numbers the one whose name speaks of a count, else the last that was no
    share or percentage."""
    found = [(key, count) for key, count in named if count is not None]
    whole = [(key, count) for (key, count), value in zip(named, values, strict=True)
             if count is not None and not isinstance(value, float)]
    spoken = [count for key, count in found if _COUNTED.search(key)]
    if len(spoken) == 1:
        return spoken[0]
    last = whole or found
    return last[-1][1] if last else None


def _whole_numbers(value: Any) -> list[int]:
    """A list of whole numbers; [] when it is anything else."""
    if isinstance(value, np.ndarray) and value.ndim == 1 and value.dtype.kind in "iu":
        value = value[: MAX_ITEMS + 1].tolist()
    if not isinstance(value, list | tuple) or not 0 < len(value) <= MAX_ITEMS:
        return []
    counts = [as_count(item) for item in value]
    found = [count for count in counts if count is not None]
    return found if len(found) == len(counts) else []


def as_count(value: Any) -> int | None:
    """A whole number that a frame can carry, also when numpy or a tensor holds it; else None.

    Nothing is counted below zero.
    """
    count = _as_int(value)
    return count if count is not None and 0 <= count < 2**63 else None


def _as_int(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, torch.Tensor):
        if value.numel() != 1 or value.dtype not in _WHOLE or value.is_meta:
            return None
        return int(value.item())
    if isinstance(value, float) and value.is_integer():
        return int(value)
    try:
        return int(value.__index__())
    except (AttributeError, TypeError):  # an array of several elements has the method and refuses
        return None
