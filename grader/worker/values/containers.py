"""What the values that a student's code leaves behind hold: parameters, names and pairs, in lists,
dictionaries, iterators, arrays and objects of any kind, also one inside another.
"""

from __future__ import annotations

import collections.abc
import contextlib
import dataclasses
import itertools
import sys
import types
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

MAX_ITEMS = 4000
_PARTS = 8       # more containers than that in a container are layers, and not groups
_ENTRY = 6       # values that one entry is made of, at most: its name, its parameters, their shapes
_DEEPEST = 3     # containers in containers in containers

_NEVER = (str, bytes, torch.Tensor, torch.Size, types.ModuleType, torch.optim.Optimizer)
_MANY = (
    collections.abc.Sequence, collections.abc.Set, collections.abc.KeysView,
    collections.abc.ValuesView,
)

Atom = torch.Tensor | nn.Module | str
Entry = tuple[Atom, ...]        # what one entry of a container is made of: (name, parameter), say
Parts = list[tuple[str, Any]]   # `.bn` or `[0]`, and what is there


@dataclass(frozen=True)
class Container:
    """`name` is for a person, `parent` is the name of what it is a part of. `used_up`: it was an
    iterator with nothing left."""

    name: str
    parent: str
    entries: list[Entry]
    used_up: bool


@dataclass(frozen=True)
class Known:
    """Names in the networks: of layers and of parameters, and of parameters only; and the folder
    that the student's own classes come from."""

    layers: frozenset[str]
    parameters: frozenset[str]
    folder: Path


# Iterators that were walked over, by their ids, and what came. An iterator is kept as well, so that
# no other one gets its id.
Drained = dict[int, tuple[Any, list[Any]]]


class Reader:
    """Reads containers, and each iterator once, as long as it is given the same `drained`."""

    def __init__(self, known: Known, drained: Drained) -> None:
        self.known = known
        self._drained = drained

    def containers(self, name: str, value: Any) -> Iterator[Container]:
        """The container that a value is as a whole, and then those that it is made of."""
        yield from self._walk(name, "", value, 0)

    def parts(self, value: Any) -> Parts | None:
        """What a value holds and where; None if it is no container."""
        if isinstance(value, _NEVER):
            return None
        if isinstance(value, np.ndarray):
            value = value[:MAX_ITEMS].tolist() if value.ndim and value.dtype.kind in "OU" else None
        elif isinstance(value, nn.ParameterList | nn.ModuleList):
            value = list(value)
        elif isinstance(value, nn.ParameterDict | nn.ModuleDict):
            value = dict(value.items())
        elif isinstance(value, nn.Module):
            return None   # an entry, also where its class is the student's own
        elif _walks_once(value):
            value = self._drain(value)
        named = value if isinstance(value, Mapping) else attributes(value, self.known.folder)
        if named is not None:
            grouped = self._grouped(named)
            return _named(named.items()) if grouped is None else grouped
        if isinstance(value, collections.abc.ItemsView):
            return _named(value)
        if isinstance(value, _MANY):
            some = itertools.islice(iter(value), MAX_ITEMS)
            return [(f"[{index}]", item) for index, item in enumerate(some)]
        return None

    def _grouped(self, named: Mapping[Any, Any]) -> Parts | None:
        """The parameters of a group as optimizers have them; None of anything else."""
        held = named.get("params")
        nested = isinstance(held, Mapping) or attributes(held, self.known.folder) is not None
        return None if nested else self.parts(held)

    def _walk(self, name: str, parent: str, value: Any, depth: int) -> Iterator[Container]:
        parts = self.parts(value)
        if parts is None:
            return
        holder = attributes(value, self.known.folder) is not None and not isinstance(value, tuple)
        whole = None if holder else self._entries(parts, 0)
        if whole is not None:
            yield Container(name, parent, whole, not parts and _walks_once(value))
        inner = [(key, part) for key, part in parts if self._is_container(part)]
        by_layer = all(key[1:] in self.known.layers and not key[1:].isdigit() for key, _ in parts)
        one_group = by_layer or len(parts) < 2 or len(inner) > _PARTS
        if depth < _DEEPEST - 1 and not (whole is not None and one_group):
            for key, part in inner[: 3 * _PARTS]:
                yield from self._walk(f"{name}{key}", name, part, depth + 1)

    def _entries(self, parts: Parts, depth: int) -> list[Entry] | None:
        """The entries of a container, and of those in it, one after the other; None where there is
        something in it that is none. What is None itself, as a missing bias is, is left out."""
        found: list[Entry] = []
        for key, part in parts:
            entry = self._atoms(part, 0)
            inner = self.parts(part) if not entry and depth < _DEEPEST else None
            if not entry and inner is None and key[1:] in self.known.parameters:
                entry = (key[1:],)   # a name, and its shape or its number of elements
            if entry:
                found.append(entry)
            elif inner is not None:
                entries = self._entries(inner, depth + 1)
                if entries is None:
                    return None
                found += entries
            elif part is not None:
                return None
            if len(found) >= MAX_ITEMS:
                break
        return found[:MAX_ITEMS]

    def _atoms(self, value: Any, depth: int) -> Entry | None:
        """What an entry is made of, numbers and shapes left out; None where it is more than one."""
        if isinstance(value, torch.Tensor | str):
            return (value,)
        parts = self.parts(value)
        if parts is None:
            return (value,) if isinstance(value, nn.Module) else ()
        if depth == 2 or len(parts) > _ENTRY or not self._is_entry(value):
            return None
        found: list[Atom] = []
        for _, part in parts:
            atoms = self._atoms(part, depth + 1)
            if atoms is None:
                return None
            found += atoms
        return tuple(found)

    def _is_entry(self, value: Any) -> bool:
        """Whether entries are written like that: as tuples, lists, dictionaries and objects."""
        if isinstance(value, Mapping):
            return self._grouped(value) is None
        own = attributes(value, self.known.folder) is not None
        return own or isinstance(value, tuple | list)

    def _is_container(self, value: Any) -> bool:
        """Whether it may be a group of its own, and is not one entry of a group, such as a pair."""
        parts = self.parts(value)
        texts = [isinstance(part, str) for _, part in parts or ()]
        pair = any(texts) and not all(texts) and bool(self._atoms(value, 0))
        return parts is not None and not pair

    def _drain(self, iterator: Any) -> list[Any]:
        if id(iterator) not in self._drained:
            items: list[Any] = []
            # One that was left behind by a script may well raise: nobody wanted to read it again.
            with contextlib.suppress(Exception):
                for item in itertools.islice(iterator, MAX_ITEMS):
                    items.append(item)
                    if _is_data(item):
                        break
            self._drained[id(iterator)] = (iterator, items)
        return self._drained[id(iterator)][1]


def attributes(value: Any, folder: Path) -> dict[str, Any] | None:
    """What a student's own object holds, or a class of the student's; None for anything else.

    Of a network its lists, and not its layers.
    """
    if isinstance(value, tuple):
        fields = getattr(type(value), "_fields", None)
        return {name: getattr(value, name) for name in fields} if fields else None
    cls = value if isinstance(value, type) else type(value)
    own = is_own(cls, folder)
    if not own and not isinstance(value, types.SimpleNamespace) and (
        isinstance(value, type) or not dataclasses.is_dataclass(value)
    ):
        return None
    found: dict[str, Any] = {}
    for holder in reversed(cls.__mro__) if own else ():
        if is_own(holder, folder):
            found |= {k: v for k, v in vars(holder).items() if not _is_code(v)}
            slots = getattr(holder, "__slots__", ())
            found |= {k: getattr(value, k) for k in ([slots] if isinstance(slots, str) else slots)
                      if value is not cls and hasattr(value, k)}
    if value is not cls:
        found |= getattr(value, "__dict__", {})
        found |= _kept_by_torch(value)
    internal = "_" if issubclass(cls, nn.Module) else "__"
    return {name: part for name, part in found.items() if not str(name).startswith(internal)}


def _kept_by_torch(value: Any) -> dict[str, Any]:
    """A network keeps lists of parameters with its layers, and not with its other attributes."""
    children = value.named_children() if isinstance(value, nn.Module) else ()
    kinds = nn.ParameterList | nn.ParameterDict
    return {name: part for name, part in children if isinstance(part, kinds)}


def is_own(cls: type, folder: Path) -> bool:
    """Whether a class stands in the student's files."""
    name = cls.__module__
    if name == "__main__":
        return True
    file = getattr(sys.modules.get(name), "__file__", None) if isinstance(name, str) else None
    return isinstance(file, str) and Path(file).is_relative_to(folder)


def _is_code(value: Any) -> bool:
    return callable(value) or isinstance(value, property | classmethod | staticmethod)


def _named(items: Iterable[Any]) -> Parts:
    """Of a mapping; keys that are no text or number are told by their type."""
    return [
        (f".{key if isinstance(key, str | int) else type(key).__name__}", part)
        for key, part in itertools.islice(iter(items), MAX_ITEMS)
    ]


def _walks_once(value: Any) -> bool:
    """Iterators of Python's own, generators among them; others may be files."""
    own = type(value).__module__ in ("builtins", "itertools")
    return own and isinstance(value, collections.abc.Iterator)


def _is_data(item: Any) -> bool:
    """Tensors that are no parameters: what a loader gives, which is long and slow."""
    some = item[:2] if isinstance(item, tuple | list) else [item]
    tensors = [isinstance(x, torch.Tensor) and not isinstance(x, nn.Parameter) for x in some]
    return bool(tensors) and all(tensors)
