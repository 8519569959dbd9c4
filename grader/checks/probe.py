"""Makes probes of an instructor's functions: their source text is sent into the container.

Only the text of that one function is sent, so it must import what it needs. A name that only the
rest of the file defines is an error when the file is loaded.
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
    """A function that runs in the container, beside the student's code.

    Attributes:
        function: The function itself. Its first parameter is the student.
        name: Its name.
        source: The source text that is sent.
        file: Name of the file that it is in, without the folder.
        line: Its line there.
    """

    function: Callable[..., Any]
    name: str
    source: str
    file: str
    line: int

    def question(
        self, id: str, seconds: float, *, session: str | None = None, **arguments: Any
    ) -> Question:
        """The question that calls this probe, for the list that `ask` returns.

        Args:
            id: Questions with the same id are asked once.
            seconds: Time limit, loading the student's file included.
            session: Questions with the same session share a process. By default each has its own.
            **arguments: Passed to the probe: numbers, text, lists, dicts, numpy arrays,
                `tensor(array)` and `network(spec)`.

        Raises:
            CheckError: The probe does not take these arguments, or they cannot be sent.
        """
        args, blobs = self.asked(arguments)
        return Question(id, "own", args, session or id, seconds, blobs)

    def asked(self, arguments: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[bytes, ...]]:
        """The args and blobs of a question with these arguments.

        Raises:
            CheckError: The probe does not take these arguments, or they cannot be sent.
        """
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
    """Make a probe of a function; used as the decorator `@probe`.

    Args:
        function: A function at the top level of its file, without other decorators. Its first
            parameter is the student, and it imports what it needs itself.

    Raises:
        CheckError: The function would not run on its own. The message has the line.
    """
    if not isinstance(function, types.FunctionType):
        what = type(function).__name__
        raise CheckError(f"@probe was given a {what}; it must be the only decorator of a function")
    path = Path(inspect.getsourcefile(function) or "?")
    lines, start = inspect.getsourcelines(function)
    text = textwrap.dedent("".join(lines))
    node = ast.parse(text).body[0]
    where = f"{path}:{start}"
    if not isinstance(node, ast.FunctionDef) or function.__qualname__ != function.__name__:
        raise CheckError(f"{where}: a probe must be a function at the top level of its file")
    if len(node.decorator_list) != 1:
        raise CheckError(f"{where}: {node.name}: @probe must be its only decorator")
    line = start + node.lineno - 1
    source = "".join(text.splitlines(keepends=True)[node.lineno - 1 :])
    flags = __future__.annotations.compiler_flag
    code = compile("\n" * (line - 1) + source, str(path), "exec", flags, dont_inherit=True)
    for name, used in _undefined(code, node.name):
        raise CheckError(
            f"{path}:{used}: the probe {node.name} uses '{name}', which does not exist in the "
            "container: import or define it inside the function, or pass it as an argument"
        )
    return Probe(function, node.name, source, path.name, line)


def _undefined(code: types.CodeType, own: str) -> Iterator[tuple[str, int]]:
    """Global names that are neither builtins nor the function itself, with their lines."""
    for step in dis.get_instructions(code):
        is_global = step.opname in ("LOAD_GLOBAL", "LOAD_NAME") and step.argval != own
        if is_global and not hasattr(builtins, step.argval):
            line = step.positions.lineno if step.positions else None
            yield step.argval, line or code.co_firstlineno
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            yield from _undefined(inner, own)
