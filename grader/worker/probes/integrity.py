"""Whether the worker's own code is what it was before the student's code ran beside it.

Code in this process can change everything in this process, so this is a tripwire and no wall: it
catches what replaces a function of the worker, and not what puts it back in time.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Part = tuple[dict[str, Any] | types.MappingProxyType[str, Any], str]


@dataclass(frozen=True)
class IntegrityCheck:
    """Everything that the worker's modules and classes hold, by where it stands."""

    parts: tuple[tuple[str, Part, Any], ...]
    code: tuple[tuple[str, types.FunctionType, tuple[Any, ...]], ...]

    def broken(self) -> str | None:
        """The first thing that is another than it was; None while all is as it was."""
        for name, (place, key), value in self.parts:
            if place.get(key) is not value:
                return name
        for name, function, code in self.code:
            if any(now is not then for now, then in zip(_code(function), code, strict=True)):
                return name
        return None


def seal() -> IntegrityCheck:
    """To be taken when all of the worker is loaded and nothing of the student's is."""
    parts = tuple(_parts())
    functions = [(name, value) for name, _, value in parts
                 if isinstance(value, types.FunctionType)]
    return IntegrityCheck(parts, tuple((name, value, _code(value)) for name, value in functions))


def _parts() -> Iterator[tuple[str, Part, Any]]:
    for name, module in sorted(sys.modules.items()):
        if name.partition(".")[0] != "grader":
            continue
        for key, value in vars(module).items():
            if key.startswith("__"):
                continue
            yield f"{name}.{key}", (vars(module), key), value
            if isinstance(value, type) and value.__module__ == name:
                for own, inner in vars(value).items():
                    yield f"{name}.{key}.{own}", (vars(value), own), inner


def _code(function: types.FunctionType) -> tuple[Any, ...]:
    return function.__code__, function.__defaults__, function.__kwdefaults__
