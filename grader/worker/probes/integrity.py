"""Detects that the student's code has replaced parts of the worker's own code.

Code in this process can change everything in it, so this is a tripwire and no wall: it notices a
function that was replaced, unless the original was put back in time.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Part = tuple[dict[str, Any] | types.MappingProxyType[str, Any], str]


@dataclass(frozen=True)
class Snapshot:
    """The contents of the worker's modules and classes: `parts` by qualified name, and the `code`
    of its functions."""

    parts: tuple[tuple[str, Part, Any], ...]
    code: tuple[tuple[str, types.FunctionType, tuple[Any, ...]], ...]

    def first_change(self) -> str | None:
        """The qualified name of the first part that has changed; None if nothing has."""
        for name, (namespace, key), value in self.parts:
            if namespace.get(key) is not value:
                return name
        for name, function, code in self.code:
            if any(now is not then for now, then in zip(_code(function), code, strict=True)):
                return name
        return None


def take_snapshot() -> Snapshot:
    """A snapshot of all loaded modules of the grader, to be taken before student code is loaded."""
    parts = tuple(_parts())
    functions = [(name, value) for name, _, value in parts
                 if isinstance(value, types.FunctionType)]
    return Snapshot(parts, tuple((name, value, _code(value)) for name, value in functions))


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
