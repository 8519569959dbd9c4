"""Lists of parameters in what the student's code leaves behind: every one that could be a group.

The worker reports what it finds and where. Which list is which, and whether it is right, is decided
by the host.
"""

from __future__ import annotations

import collections.abc
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

MAX_LISTS = 80
MAX_ITEMS = 4000
_LISTS = (list, tuple, set, frozenset, collections.abc.ValuesView, collections.abc.KeysView)
_WHOLE = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)
_ONCE = (types.GeneratorType, map, filter)   # what can be walked over only once


# The path of names to it, its name for a person, its items, whether it was a generator used up.
Container = tuple[tuple[str, ...], str, list[Any], bool]


@dataclass(frozen=True)
class Frame:
    """A set of names that lived together: a module, a function's locals, a returned value.

    `places` maps each name to where it was last bound: (cell, line).
    """

    label: str
    values: Mapping[str, Any]
    places: Mapping[str, tuple[int, int]]


class Index:
    """The parameters of one network, by identity and by name."""

    def __init__(self, network: nn.Module) -> None:
        self.network = network
        self.names: dict[int, str] = {}
        self.owners: dict[int, list[str]] = {}
        for prefix, module in network.named_modules(remove_duplicate=False):
            own = []
            for name, parameter in module.named_parameters(recurse=False):
                full = f"{prefix}.{name}" if prefix else name
                own.append(self.names.setdefault(id(parameter), full))
            self.owners[id(module)] = own
        self.all_names = set(self.names.values())
        # `DataParallel` and `torch.compile` put a prefix before every name.
        self.buffers = {name for name, _ in network.named_buffers()}


def lists(
    frames: list[Frame], networks: list[nn.Module], others: list[nn.Module]
) -> tuple[list[dict[str, Any]], nn.Module]:
    """Each list found: frame, name, place, kind of its items, and their names in the network.

    `names` has one entry per item that belongs to the network, in order, repeats included;
    `foreign` counts the items that don't belong to it, `buffers` those that name a buffer. The
    network, returned as well, is the one that most items belong to. A list of what belongs to
    another network, or to one of the `others`, answers another question and is left out.
    """
    indexes = [Index(network) for network in reversed(networks)]
    containers = [
        (position, frame, container)
        for position, frame in enumerate(frames)
        for container in _containers(frame)
    ]
    main = max(
        indexes, key=lambda index: sum(len(_row(item[2][2], index)["names"]) for item in containers)
    )
    # Attempts that each built the same network count alike; another network's lists do not.
    alike = [index for index in indexes if index.all_names == main.all_names]
    unlike = [index for index in indexes if index not in alike] + [Index(n) for n in others]
    rows: list[dict[str, Any]] = []
    for position, frame, (path, name, items, used_up) in containers:
        best = max((_row(items, index) for index in alike), key=_weight)
        if not (best["names"] or best["foreign"] or best["empty"]):
            continue
        if not best["names"] and any(_row(items, index)["names"] for index in unlike):
            continue
        cell, line = frame.places.get(path[0], (0, 0))
        place = {"frame": position, "origin": frame.label, "cell": cell, "line": line}
        rows.append(best | place | {"name": name, "used_up": used_up})
    return rows[-MAX_LISTS:], main.network


def _weight(row: dict[str, Any]) -> tuple[int, int]:
    return (len(row["names"]), row["number"])


def _containers(frame: Frame) -> Iterator[Container]:
    for name, value in frame.values.items():
        if name.startswith("__"):
            continue
        yield from _inside((name,), name, value, depth=0)


def _inside(
    path: tuple[str, ...], name: str, value: Any, depth: int
) -> Iterator[Container]:
    """The containers in a value: the value itself, or the lists that it is made of."""
    if isinstance(value, (str, bytes, torch.Tensor, nn.Module, types.ModuleType, type)):
        return
    if isinstance(value, torch.optim.Optimizer):
        return
    if isinstance(value, Mapping):
        items = list(value.items())[:MAX_ITEMS]
        if items and all(_is_item(pair[1]) and not isinstance(pair[1], str) for pair in items):
            yield path, name, [pair[1] for pair in items], False
        elif depth < 2:
            for key, inner in items:
                yield from _inside((*path, str(key)), f"{name}.{key}", inner, depth + 1)
        return
    if not isinstance(value, _LISTS + _ONCE):
        return
    items = _some(value)
    if items and all(isinstance(item, (list, tuple, set, dict)) and not _is_item(item)
                     for item in items) and depth < 2 and len(items) <= 8:
        for index, inner in enumerate(items):
            yield from _inside((*path, str(index)), f"{name}[{index}]", inner, depth + 1)
        return
    # An empty list is a group too: the group of a student who found nothing for it.
    if all(_is_item(item) for item in items):
        yield path, name, items, not items and isinstance(value, _ONCE)


def _some(value: Any) -> list[Any]:
    items: list[Any] = []
    for item in value:
        items.append(item)
        if len(items) >= MAX_ITEMS:
            break
    return items


def _is_item(item: Any) -> bool:
    if isinstance(item, (torch.Tensor, str)):
        return True
    if isinstance(item, nn.Module):
        return True
    return (
        isinstance(item, (tuple, list))
        and len(item) >= 2
        and isinstance(item[0], str)
        and isinstance(item[1], (torch.Tensor, nn.Module, torch.Size, int))
    )


def _row(items: list[Any], index: Index) -> dict[str, Any]:
    names: list[str] = []
    foreign = buffers = 0
    kinds: set[str] = set()
    for item in items:
        kind, found = _resolve(item, index)
        kinds.add(kind)
        if kind == "buffer":
            buffers += 1
        elif found:
            names += found
        else:
            foreign += 1
    return {
        "names": names,
        "foreign": foreign,
        "buffers": buffers,
        "empty": not items,
        "kind": "/".join(sorted(kinds)),
        "number": -foreign,
    }


def _resolve(item: Any, index: Index) -> tuple[str, list[str]]:
    """What kind of item it is, and the names of the parameters that it stands for."""
    if isinstance(item, (tuple, list)):
        if isinstance(item[1], (torch.Tensor, nn.Module)):
            _, found = _resolve(item[1], index)
            if found:
                return "pair", found
        return _resolve(item[0], index)
    if isinstance(item, nn.Module):
        return "module", index.owners.get(id(item), [])
    if isinstance(item, torch.Tensor):
        name = index.names.get(id(item))
        return "parameter", [name] if name else []
    name = str(item).removeprefix("module.").removeprefix("_orig_mod.")
    if name in index.buffers:
        return "buffer", []
    return "name", [name] if name in index.all_names else []


def numbers(frames: list[Frame]) -> list[dict[str, Any]]:
    """Whole numbers by name, lists of them summed, for a script of which only counts are left."""
    rows = []
    for position, frame in enumerate(frames):
        for name, value in frame.values.items():
            count = value if type(value) is int else sum(_whole_numbers(value))
            if 0 < count < 2**63 and not name.startswith("__"):
                cell, line = frame.places.get(name, (0, 0))
                rows.append({"frame": position, "name": name, "value": count, "cell": cell,
                             "line": line})
    return rows[-200:]


def tables(frames: list[Frame]) -> list[dict[str, Any]]:
    """Mappings of text to whole numbers, lists of such pairs, and lists of numbers in order:
    counts per layer, perhaps."""
    rows = []
    for position, frame in enumerate(frames):
        for name, value in frame.values.items():
            pairs = as_table(value) or [["", count] for count in _whole_numbers(value)]
            if pairs and not name.startswith("__"):
                cell, line = frame.places.get(name, (0, 0))
                rows.append({"frame": position, "name": name, "pairs": pairs, "cell": cell,
                             "line": line})
    return rows[-20:]


def _whole_numbers(value: Any) -> list[int]:
    """A list of whole numbers; [] when it is anything else."""
    if not isinstance(value, (list, tuple)) or not 0 < len(value) <= MAX_ITEMS:
        return []
    counts = [as_count(item) for item in value]
    found = [count for count in counts if count is not None]
    return found if len(found) == len(counts) else []


def as_table(value: Any) -> list[list[Any]]:
    """[[name, count], ...] of a mapping or of a list of pairs; [] when it is neither.

    A layer may have a dictionary of its own, with one whole number in it.
    """
    if isinstance(value, Mapping):
        value = list(value.items())
    if not isinstance(value, (list, tuple)) or not 0 < len(value) <= MAX_ITEMS:
        return []
    pairs = []
    for item in value:
        if not isinstance(item, (tuple, list)) or len(item) < 2 or not isinstance(item[0], str):
            return []
        last = item[-1]
        if isinstance(last, Mapping):
            inner = [count for count in map(as_count, last.values()) if count is not None]
            last = inner[0] if len(inner) == 1 else None
        count = as_count(last)
        if count is None:
            return []
        pairs.append([item[0], count])
    return pairs


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
