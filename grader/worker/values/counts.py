"""Finds whole numbers in a student's values: counts per group and counts per layer."""

from __future__ import annotations

import collections.abc
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch.nn.parameter import is_lazy

from grader.wire import short
from grader.worker.values.containers import MAX_ITEMS, Reader
from grader.worker.values.parameter_lists import Frame

MAX_NUMBERS = 300
MAX_TABLES = 40
MOST_LAYERS = 1000   # rows of a table of layers; longer lists are labels or pixels
_FEW = 24            # most numbers in one container that may each be the count of a group
_SETTING = 10.0      # floats up to this are settings, such as a momentum, and no counts
_WHOLE = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)
_COUNTED = re.compile(r"param|count|num|total|size|elem", re.I)
_OWN = {"weight", "bias"}


def numbers(frames: Sequence[Frame], reader: Reader) -> list[dict[str, Any]]:
    """Whole numbers by name, numbers in small containers, and the sums of lists of numbers.

    They are the answer of a script that leaves only counts behind.
    """
    rows = []
    for position, frame in enumerate(frames):
        for variable, value in frame.values.items():
            if variable.startswith("__"):
                continue
            for name, count in _numbers(variable, value, reader):
                cell, line = frame.place(name)
                rows.append({"frame": position, "name": short(name), "value": count, "cell": cell,
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
    """Tables of names with whole numbers, and lists of whole numbers: possible counts per layer."""
    rows = []
    for position, frame in enumerate(frames):
        for name, value in frame.values.items():
            if name.startswith("__"):
                continue
            pairs = as_table(value, reader) or [["", count] for count in _whole_numbers(value)]
            if 0 < len(pairs) <= MOST_LAYERS:
                cell, line = frame.place(name)
                rows.append({"frame": position, "name": short(name), "pairs": pairs, "cell": cell,
                             "line": line, "printed": False})
    return rows[-MAX_TABLES:]


def as_table(value: Any, reader: Reader) -> list[list[Any]]:
    """[[name, count], ...] from a mapping, a list of rows or a data frame; [] for other values.

    A row is a pair, a tuple, a dictionary or an object that holds a text and a whole number.
    """
    parts = _parts(value, reader)
    by_name = all(key.startswith(".") for key, _ in parts)
    found: list[list[Any]] = []
    for key, part in parts:
        rows = _layer_rows(key[1:], part, reader) if by_name else _row(part, reader)
        if not rows:
            return []
        found += rows
    return [[short(name), count] for name, count in found[:MAX_ITEMS]]


def _parts(value: Any, reader: Reader) -> list[tuple[str, Any]]:
    """The parts of a container; [] if it is none or has more than `MAX_ITEMS`."""
    if type(value).__module__.partition(".")[0] == "pandas":
        value = _plain_pandas(value)
    sized = isinstance(value, Mapping | Sequence | collections.abc.Set | collections.abc.ItemsView)
    if sized and len(value) > MAX_ITEMS:
        return []
    return reader.parts(value) or []


def _plain_pandas(value: Any) -> Any:
    """A Series as a dictionary or list, a DataFrame as a list of dictionaries with its index.

    None for other objects of pandas and for long ones. The grader does not import pandas.
    """
    kind = type(value).__name__
    if kind not in ("DataFrame", "Series") or len(value) > MAX_ITEMS:
        return None
    index = list(value.index)
    named = all(isinstance(name, str) for name in index)
    if kind == "Series":
        return dict(zip(index, value.tolist(), strict=True)) if named else value.tolist()
    rows: list[dict[str, Any]] = value.to_dict("records")
    return [{"": n} | row for n, row in zip(index, rows, strict=True)] if named else rows


def _layer_rows(name: str, value: Any, reader: Reader) -> list[list[Any]]:
    """Rows for the layer of that name: one, or one for each of its parameters."""
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


def _row(row: Any, reader: Reader) -> list[list[Any]]:
    """The row for a layer whose name is a text in the row; [] if there is none."""
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
        nested = [_layer_rows(name, part, reader) for _, part in parts if isinstance(part, Mapping)]
        return nested[0] if len(nested) == 1 else []
    return [[name, chosen]]


def _the_count(named: Sequence[tuple[str, int | None]], values: Sequence[Any]) -> int | None:
    """Choose the count of a row with several numbers.

    It is the number whose name contains a word such as `params`, if there is only one, else the
    last number that is no float.
    """
    found = [(key, count) for key, count in named if count is not None]
    whole = [(key, count) for (key, count), value in zip(named, values, strict=True)
             if count is not None and not isinstance(value, float)]
    spoken = [count for key, count in found if _COUNTED.search(key)]
    if len(spoken) == 1:
        return spoken[0]
    last = whole or found
    return last[-1][1] if last else None


def _whole_numbers(value: Any) -> list[int]:
    """The numbers of a list of whole numbers; [] for other values."""
    if isinstance(value, np.ndarray) and value.ndim == 1 and value.dtype.kind in "iu":
        value = value[: MAX_ITEMS + 1].tolist()
    if not isinstance(value, list | tuple) or not 0 < len(value) <= MAX_ITEMS:
        return []
    counts = [as_count(item) for item in value]
    found = [count for count in counts if count is not None]
    return found if len(found) == len(counts) else []


def as_count(value: Any) -> int | None:
    """The value as an int from 0 to 2**63 - 1, also from numpy or a tensor; else None."""
    count = _as_int(value)
    return count if count is not None and 0 <= count < 2**63 else None


def _as_int(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, torch.Tensor):
        if is_lazy(value) or value.numel() != 1 or value.dtype not in _WHOLE or value.is_meta:
            return None
        return int(value.item())
    if isinstance(value, float) and value.is_integer():
        return int(value)
    try:
        return int(value.__index__())
    except (AttributeError, TypeError):  # an array of several elements raises TypeError
        return None
