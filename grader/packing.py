"""Packs plain data and arrays into a frame: the arguments and results of an instructor's own check.
It imports the standard library and numpy only.

None, booleans, numbers, text and lists stand for themselves. Every other value is an object whose
single key names its type: `{"dict": [key, value, ...]}`, `{"tuple": [...]}`, `{"set": [...]}`,
`{"float": "nan"}`, `{"array": [dtype, shape, index of its blob]}`. The worker also reads `tensor`,
which it makes from an array, `network`, which it builds from a spec, and `kept`, an object of the
student's that it keeps under a number.

The reader checks everything. It refuses data that is nested deeper than `MAX_DEPTH`, an array whose
bytes do not fit its shape, a dtype that is not of plain numbers, and a key that comes twice.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

MAX_DEPTH = 8            # levels of lists, tuples, sets and dicts
MAX_BYTES = 64 * 2**20   # of all arrays: the most that a frame from the worker holds
MAX_VALUES = 100_000     # outside of arrays
_MAX_DIMENSIONS = 16
_MOST_ALIKE = 500        # keys of a dict or set that share a hash
_LARGEST = 2**63
_DTYPES = {
    "|b1", "|i1", "<i2", "<i4", "<i8", "|u1", "<u2", "<u4", "<u8", "<f2", "<f4", "<f8",
}  # fmt: skip
_FLOATS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
_SCALARS = (type(None), bool, int, float, str)


class PackingError(ValueError):
    """A value cannot be packed or unpacked; the text says where it is and what it is."""


@dataclass(frozen=True)
class Tensor:
    """An array that the student's code receives as a torch.Tensor."""

    array: Any


@dataclass(frozen=True)
class Network:
    """A network that the worker builds from a spec; see `grader/worker/networks/`."""

    spec: Mapping[str, Any]


@dataclass(frozen=True)
class Kept:
    """An object of the student's that the worker keeps under a number.

    The field's name has an underscore because handles, which derive from this, have the student's
    attributes.
    """

    _number: int


@dataclass(frozen=True)
class Makers:
    """The worker's functions that make a tensor from an array, a network from a spec, and that
    look up an object by its number."""

    tensor: Callable[[Any], Any]
    network: Callable[[Mapping[str, Any]], Any]
    kept: Callable[[int], Any]


def pack(
    value: Any, plainer: Callable[[Any], Any] = lambda value: value
) -> tuple[Any, tuple[bytes, ...]]:
    """Pack a value into a part of a header and blobs, one for each array.

    Args:
        value: plain data, which may contain numpy arrays, `Tensor`s and `Network`s.
        plainer: called with each value first; converts other types or returns the value unchanged.

    Raises:
        PackingError: the value is not plain data, or too much of it.
    """
    packing = _Packing(plainer)
    return packing.packed(value, "", 0), tuple(packing.blobs)


@dataclass
class _Packing:
    plainer: Callable[[Any], Any]
    blobs: list[bytes] = field(default_factory=list)
    values: int = 0
    bytes: int = 0

    def packed(self, value: Any, where: str, depth: int) -> Any:
        self.values += 1
        if self.values > MAX_VALUES:
            raise PackingError(f"it holds more than {MAX_VALUES:,} values; use an array for them")
        value = self.plainer(value)
        if isinstance(value, np.generic):
            value = value.item()
        if value is None or isinstance(value, bool):
            return value
        # A student's subclass may override the methods: call those of the base class.
        if isinstance(value, str):
            return str.__str__(value).encode("utf-8", "replace").decode("utf-8")
        if isinstance(value, int):
            return self._whole(int.__int__(value), where)
        if isinstance(value, float):
            number = float.__float__(value)
            return number if math.isfinite(number) else {"float": str(number)}
        if isinstance(value, np.ndarray):
            return {"array": self._array(np.asarray(value), where)}
        if isinstance(value, Tensor):
            return {"tensor": self._array(np.asarray(value.array), where)}
        if isinstance(value, Network):
            return {"network": self.packed(dict(value.spec), where, depth)}
        if isinstance(value, Kept):
            return {"kept": value._number}
        return self._container(value, where, depth)

    def _container(self, value: Any, where: str, depth: int) -> Any:
        if depth >= MAX_DEPTH:
            raise PackingError(f"{where or 'it'} is nested deeper than {MAX_DEPTH}")

        def each(items: Any) -> list[Any]:
            return [
                self.packed(item, f"{where}[{index}]", depth + 1)
                for index, item in enumerate(items)
            ]

        if isinstance(value, list):
            return each(list.__iter__(value))
        if isinstance(value, tuple):
            return {"tuple": each(tuple.__iter__(value))}
        if isinstance(value, (set, frozenset)):
            return {"set": each(sorted(value, key=repr))}   # the same order in every process
        if isinstance(value, dict):
            flat: list[Any] = []
            for key, inner in dict.items(value):
                if not isinstance(key, _SCALARS):
                    raise PackingError(f"{where or 'it'} has a key that is a {_kind(key)}")
                flat.append(self.packed(key, where, depth + 1))
                flat.append(self.packed(inner, f"{where}[{str(key)[:40]!r}]", depth + 1))
            return {"dict": flat}
        raise PackingError(
            f"{where or 'it'} is a {_kind(value)}; numbers, text, lists, dicts and arrays can be "
            "handed over"
        )

    def _whole(self, value: int, where: str) -> int:
        if not -_LARGEST <= value < _LARGEST:
            raise PackingError(f"{where or 'it'} is a whole number of more than 64 bits")
        return value

    def _array(self, array: Any, where: str) -> list[Any]:
        plain = np.ascontiguousarray(array).reshape(array.shape)
        plain = plain.astype(plain.dtype.newbyteorder("<"), copy=False)
        if plain.dtype.str not in _DTYPES:
            raise PackingError(f"{where or 'it'} is an array of {array.dtype}, not of numbers")
        self.bytes += plain.nbytes
        if self.bytes > MAX_BYTES:
            raise PackingError(f"it holds arrays of more than {MAX_BYTES // 2**20} MiB")
        self.blobs.append(plain.tobytes())
        return [plain.dtype.str, list(plain.shape), len(self.blobs) - 1]


def unpack(value: Any, blobs: Sequence[bytes], makers: Makers | None = None) -> Any:
    """Unpack what `pack` returned.

    Args:
        value: the part of the header.
        blobs: the arrays' bytes; each must be used exactly once.
        makers: the worker's; None (on the host) refuses tensors and networks.

    Raises:
        PackingError: `pack` never writes such data.
    """
    unpacking = _Unpacking(blobs, makers)
    found = unpacking.unpacked(value, 0)
    if unpacking.used != set(range(len(blobs))):
        raise PackingError(f"arrays that came: {len(blobs)}; used: {len(unpacking.used)}")
    return found


@dataclass
class _Unpacking:
    blobs: Sequence[bytes]
    makers: Makers | None
    used: set[int] = field(default_factory=set)
    values: int = 0

    def unpacked(self, value: Any, depth: int) -> Any:
        self.values += 1
        if self.values > MAX_VALUES:
            raise PackingError(f"more than {MAX_VALUES:,} values")
        if isinstance(value, _SCALARS):
            if isinstance(value, int) and not -_LARGEST <= value < _LARGEST:
                raise PackingError("a whole number of more than 64 bits")
            return value
        if isinstance(value, dict):
            if len(value) != 1:
                raise PackingError(f"an object with {len(value)} keys where one was expected")
            ((kind, inner),) = value.items()
            if kind in ("float", "array", "tensor"):
                return self._leaf(kind, inner)
            if kind == "network" and self.makers is not None:
                return self.makers.network(self.unpacked(inner, depth))
            if kind == "kept" and self.makers is not None:
                return self.makers.kept(inner)
        else:
            kind, inner = "list", value
        if depth >= MAX_DEPTH:
            raise PackingError(f"nested deeper than {MAX_DEPTH}")
        if kind not in ("list", "tuple", "set", "dict") or not isinstance(inner, list):
            raise PackingError(f"there is no '{str(kind)[:40]}' of a {_kind(inner)}")
        items = [self.unpacked(item, depth + 1) for item in inner]
        if kind == "list":
            return items
        return tuple(items) if kind == "tuple" else _by_key(kind, items)

    def _leaf(self, kind: str, inner: Any) -> Any:
        if kind == "float":
            if not isinstance(inner, str) or inner not in _FLOATS:
                raise PackingError("a number that is neither finite nor nan, inf or -inf")
            return _FLOATS[inner]
        array = self._array(inner)
        if kind == "array":
            return array
        if self.makers is None:
            raise PackingError("a tensor where an array was expected")
        return self.makers.tensor(array)

    def _array(self, packed: Any) -> Any:
        if not isinstance(packed, list) or len(packed) != 3:
            raise PackingError("an array without dtype, shape and number")
        dtype, shape, number = packed
        if not isinstance(dtype, str) or dtype not in _DTYPES:
            raise PackingError("an array of something other than numbers")
        whole = isinstance(shape, list) and len(shape) <= _MAX_DIMENSIONS
        if not whole or any(type(size) is not int or size < 0 for size in shape):
            raise PackingError("an array's shape is not a list of sizes")
        if type(number) is not int or not 0 <= number < len(self.blobs) or number in self.used:
            raise PackingError("an array whose bytes did not come along")
        self.used.add(number)
        if math.prod(size or 1 for size in shape) > MAX_BYTES:   # numpy refuses, if one is 0
            raise PackingError("an array's shape has more elements than can be sent")
        blob = self.blobs[number]
        if math.prod(shape) * np.dtype(dtype).itemsize != len(blob):
            raise PackingError(f"{len(blob)} bytes for an array {dtype} of shape {shape}"[:300])
        return np.frombuffer(blob, dtype=dtype).reshape(shape).copy()


def _by_key(kind: str, items: list[Any]) -> Any:
    if kind == "set":
        keys, values = items, items
    else:
        keys, values = items[::2], items[1::2]
    try:
        hashes = Counter(map(hash, keys))
    except TypeError:
        raise PackingError(f"a {kind} whose keys can be changed") from None
    # A table of n such keys takes n * n steps. They can be written: -1 and -2 share a hash.
    if max(hashes.values(), default=0) > _MOST_ALIKE:
        raise PackingError(f"a {kind} with more than {_MOST_ALIKE} keys that share a hash")
    distinct = len(set(keys))
    if len(keys) != len(values):
        raise PackingError(f"a {kind} in which a key has no value")
    if distinct != len(keys):
        raise PackingError(f"a {kind} in which a key comes twice")
    return set(items) if kind == "set" else dict(zip(keys, values, strict=True))


def not_finite(value: Any) -> str:
    """A sentence part that says where a value has its first NaN or infinity; "" if it has none."""
    where = _first_not_finite(value, "")
    if where is None:
        return ""
    place = f"in what was returned, {where}" if where else "what was returned"
    return f"{place} is NaN or infinite"


def _first_not_finite(value: Any, where: str) -> str | None:
    if isinstance(value, float):
        return None if math.isfinite(value) else where
    if isinstance(value, np.ndarray):
        return None if np.isfinite(value).all() else where
    inner: Any = ()
    if isinstance(value, dict):
        inner = value.items()
    elif isinstance(value, (list, tuple, set)):
        inner = enumerate(value)
    found = (_first_not_finite(item, f"{where}[{key!r}]") for key, item in inner)
    return next((place for place in found if place is not None), None)


def _kind(value: Any) -> str:
    return type(value).__name__[:80]
