"""Reads containers: the parameters, names and pairs in lists, dictionaries, iterators, arrays and
objects, also nested ones.
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
_PARTS = 8       # a container that holds more containers than this holds layers, not groups
_ENTRY = 6       # most values of one entry: its name, its parameters, their shapes
_DEEPEST = 3     # levels of containers that are read

_NEVER = (str, bytes, torch.Tensor, torch.Size, types.ModuleType, torch.optim.Optimizer)
_MANY = (
    collections.abc.Sequence, collections.abc.Set, collections.abc.KeysView,
    collections.abc.ValuesView,
)

Atom = torch.Tensor | nn.Module | str
Entry = tuple[Atom, ...]        # the values of one entry of a container, such as (name, parameter)
Parts = list[tuple[str, Any]]   # (`.bn` or `[0]`, value) of each part


@dataclass(frozen=True)
class Container:
    """The entries of a container, and where it was found.

    `name` is the expression that reaches it, `parent` that of the container that holds it ("" for
    none). `used_up` says that it was an iterator with nothing left.
    """

    name: str
    parent: str
    entries: list[Entry]
    used_up: bool


@dataclass(frozen=True)
class Known:
    """Names in the networks, and the folder with the student's own classes.

    `layers` holds names of layers and parameters, `parameters` of parameters only.
    """

    layers: frozenset[str]
    parameters: frozenset[str]
    folder: Path


# id of an iterator that was read -> the iterator and its items. The iterator is kept so that no
# other object gets its id.
Drained = dict[int, tuple[Any, list[Any]]]


class Reader:
    """Reads containers. Readers with the same `drained` read each iterator once."""

    def __init__(self, known: Known, drained: Drained) -> None:
        self.known = known
        self._drained = drained

    def containers(self, name: str, value: Any) -> Iterator[Container]:
        """The value as one container, then the containers inside it."""
        yield from self._walk(name, "", value, 0)

    def parts(self, value: Any) -> Parts | None:
        """The parts of a value with their places; None if it is no container."""
        if isinstance(value, _NEVER):
            return None
        if isinstance(value, np.ndarray):
            value = value[:MAX_ITEMS].tolist() if value.ndim and value.dtype.kind in "OU" else None
        elif isinstance(value, nn.ParameterList | nn.ModuleList):
            value = list(value)
        elif isinstance(value, nn.ParameterDict | nn.ModuleDict):
            value = dict(value.items())
        elif isinstance(value, nn.Module):
            return None   # a layer is an entry, even if the student wrote its class
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
        """The parameters of an optimizer's group, {"params": ...}; None for other mappings."""
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
        """The entries of a container and of the containers in it, in order.

        None if it holds something that is no entry. Parts that are None, such as a missing bias,
        are left out.
        """
        found: list[Entry] = []
        for key, part in parts:
            entry = self._atoms(part, 0)
            inner = self.parts(part) if not entry and depth < _DEEPEST else None
            if not entry and inner is None and key[1:] in self.known.parameters:
                entry = (key[1:],)   # a parameter's name with its shape or number of elements
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
        """The values of one entry without numbers and shapes; None if it is more than one entry."""
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
        """Tell whether a value has a form in which students write an entry."""
        if isinstance(value, Mapping):
            return self._grouped(value) is None
        own = attributes(value, self.known.folder) is not None
        return own or isinstance(value, tuple | list)

    def _is_container(self, value: Any) -> bool:
        """Tell whether a value may be a group, and not one entry of a group, such as a pair."""
        parts = self.parts(value)
        texts = [isinstance(part, str) for _, part in parts or ()]
        pair = any(texts) and not all(texts) and bool(self._atoms(value, 0))
        return parts is not None and not pair

    def _drain(self, iterator: Any) -> list[Any]:
        if id(iterator) not in self._drained:
            items: list[Any] = []
            # An iterator that a script left half-read may raise.
            with contextlib.suppress(Exception):
                for item in itertools.islice(iterator, MAX_ITEMS):
                    items.append(item)
                    if _is_data(item):
                        break
            self._drained[id(iterator)] = (iterator, items)
        return self._drained[id(iterator)][1]


def attributes(value: Any, folder: Path) -> dict[str, Any] | None:
    """Attributes of a student's object or class, by name; None for a value of another kind.

    A network's layers are left out; its lists of parameters are not.
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
    """A network's lists of parameters, which torch stores with the layers."""
    children = value.named_children() if isinstance(value, nn.Module) else ()
    kinds = nn.ParameterList | nn.ParameterDict
    return {name: part for name, part in children if isinstance(part, kinds)}


def is_own(cls: type, folder: Path) -> bool:
    """Tell whether a class is defined in the student's files."""
    name = cls.__module__
    if name == "__main__":
        return True
    file = getattr(sys.modules.get(name), "__file__", None) if isinstance(name, str) else None
    return isinstance(file, str) and Path(file).is_relative_to(folder)


def _is_code(value: Any) -> bool:
    return callable(value) or isinstance(value, property | classmethod | staticmethod)


def _named(items: Iterable[Any]) -> Parts:
    """The items of a mapping; a key that is no text or number is named by its type."""
    return [
        (f".{key if isinstance(key, str | int) else type(key).__name__}", part)
        for key, part in itertools.islice(iter(items), MAX_ITEMS)
    ]


def _walks_once(value: Any) -> bool:
    """Tell whether a value is an iterator of Python's own, such as a generator, and no file."""
    own = type(value).__module__ in ("builtins", "itertools")
    return own and isinstance(value, collections.abc.Iterator)


def _is_data(item: Any) -> bool:
    """Tell whether an item is a batch of a data loader: tensors that are no parameters."""
    some = item[:2] if isinstance(item, tuple | list) else [item]
    tensors = [isinstance(x, torch.Tensor) and not isinstance(x, nn.Parameter) for x in some]
    return bool(tensors) and all(tensors)
