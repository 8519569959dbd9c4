"""Probes of an instructor's own: functions whose text goes into the container.

The text of the one function is sent, and nothing else of its file: what it needs, it imports
itself. So a name that only the file has is an error when the file is read, and not in class.
"""

from __future__ import annotations
import __future__

import ast
import builtins
import dis
import inspect
import textwrap
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grader import packing
from grader.errors import CheckError
from grader.records import Question


@dataclass(frozen=True)
class Probe:
    """A function that will be called in the container with a student, and the text of it."""

    function: Callable[..., Any]
    name: str
    source: str
    file: str
    line: int

    def question(
        self, id: str, seconds: float, *, session: str | None = None, **arguments: Any
    ) -> Question:
        """The question that has this probe called with these arguments: plain data and arrays.

        Questions of one `session` share a process and what it has loaded, by default each has its
        own. Raises CheckError for arguments that the probe does not take or that cannot be sent.
        """
        args, blobs = self.asked(arguments)
        return Question(id, "own", args, session or id, seconds, blobs)

    def asked(self, arguments: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[bytes, ...]]:
        """The question's args and blobs. Raises CheckError like `question`."""
        try:
            inspect.signature(self.function).bind("student", **arguments)
            packed, blobs = packing.pack(dict(arguments))
        except (TypeError, packing.PackingError) as error:
            raise CheckError(f"{self.file}:{self.line}: the probe {self.name}: {error}") from None
        return {
            "source": self.source, "name": self.name, "file": self.file, "line": self.line,
            "arguments": packed,
        }, blobs  # fmt: skip


def probe(function: Callable[..., Any]) -> Probe:
    """Make a probe of a top-level function whose first parameter is the student. Raises CheckError
    where it would not run by itself."""
    if not isinstance(function, types.FunctionType):
        what = type(function).__name__
        raise CheckError(f"@probe was given a {what}; it stands alone before def")
    path = Path(inspect.getsourcefile(function) or "?")
    lines, start = inspect.getsourcelines(function)
    text = textwrap.dedent("".join(lines))
    node = ast.parse(text).body[0]
    where = f"{path}:{start}"
    if not isinstance(node, ast.FunctionDef) or function.__qualname__ != function.__name__:
        raise CheckError(f"{where}: a probe is a function at the top of its file, made with def")
    if len(node.decorator_list) != 1:
        raise CheckError(f"{where}: {node.name}: @probe stands alone before def")
    line = start + node.lineno - 1
    source = "".join(text.splitlines(keepends=True)[node.lineno - 1 :])
    flags = __future__.annotations.compiler_flag
    code = compile("\n" * (line - 1) + source, str(path), "exec", flags, dont_inherit=True)
    for name, used in _lacking(code, node.name):
        raise CheckError(
            f"{path}:{used}: the probe {node.name} uses '{name}', which it will not have in the "
            "container: import it or define it inside of the function, or hand it over as an "
            "argument"
        )
    return Probe(function, node.name, source, path.name, line)


def _lacking(code: types.CodeType, own: str) -> Iterator[tuple[str, int]]:
    """Global names that neither Python nor the function itself brings along, and their lines."""
    for step in dis.get_instructions(code):
        is_global = step.opname in ("LOAD_GLOBAL", "LOAD_NAME") and step.argval != own
        if is_global and not hasattr(builtins, step.argval):
            line = step.positions.lineno if step.positions else None
            yield step.argval, line or code.co_firstlineno
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            yield from _lacking(inner, own)
