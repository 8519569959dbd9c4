"""Probes of an instructor's own: functions whose text goes into the container, and what they say.

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
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grader import packing, wire
from grader.answer_key import AnswerKey
from grader.checks.base import Work
from grader.errors import CheckError
from grader.records import Evidence, Outcome, Question


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
        try:
            inspect.signature(self.function).bind("student", **arguments)
            packed, blobs = packing.pack(arguments)
        except (TypeError, packing.PackingError) as error:
            raise CheckError(f"{self.file}:{self.line}: {self.name} for '{id}': {error}") from None
        args = {
            "source": self.source, "name": self.name, "file": self.file, "line": self.line,
            "arguments": packed,
        }  # fmt: skip
        return Question(id, "own", args, session or id, seconds, blobs)


def probe(function: Callable[..., Any]) -> Probe:
    """Make a probe of a top-level function whose first parameter is the student. Raises CheckError
    where it would not run by itself."""
    path = Path(inspect.getsourcefile(function) or "?")
    lines, start = inspect.getsourcelines(function)
    text = textwrap.dedent("".join(lines))
    node = ast.parse(text).body[0]
    where = f"{path}:{start}"
    if not isinstance(node, ast.FunctionDef) or function.__qualname__ != function.__name__:
        raise CheckError(f"{where}: a probe is a function at the top of its file, made with def")
    if len(node.decorator_list) != 1:
        raise CheckError(f"{where}: {node.name}: @probe stands alone; other decorators stay here")
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


class Unanswered(Exception):
    """A question that a check rests on was not answered, or not with what can be used."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.message)
        self.outcome = outcome


def answer(work: Work, question: str, *, finite: bool = True) -> Any:
    """What the probe returned for this submission: plain data and numpy arrays. It is testimony.

    Where there is no answer, the criterion is concluded from that: `judge` goes no further. So it
    is where a number in the answer is NaN or infinite; `finite=False` lets those in.
    """
    return _value(work.evidence[question], finite)


def expected(key: AnswerKey, question: str) -> Any:
    """What the probe returned for the reference; its check says `needs_gold=True`."""
    return packing.unpack(key.value(question), key.blobs(question))


def _value(evidence: Evidence, finite: bool) -> Any:
    if not evidence.outcome.answered:
        raise Unanswered(evidence.outcome)
    value = packing.unpack(evidence.value, evidence.blobs)   # has been looked at when it came
    where = packing.not_finite(value) if finite else ""
    if where:
        text = f"{where} is NaN or infinite"
        raise Unanswered(Outcome(wire.BAD_ANSWER, "student", text, evidence.outcome.seconds))
    return value
