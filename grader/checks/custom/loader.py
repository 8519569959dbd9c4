"""Loads an instructor's checks from the Python files that a rubric names.

The files run on the host with all rights. Mistakes in them are reported with file and line, before
a submission is graded if possible.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import inspect
import re
import sys
import traceback
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from grader.checks.answer_key import AnswerKey, EvalInputs, NoKey
from grader.checks.check import Check, QuestionList, Work, not_scored, without_answer
from grader.checks.custom.answers import Unanswered
from grader.checks.files_read import FilesRead, Read, noting, unchanged
from grader.errors import CheckError, GraderError
from grader.records import Verdict
from grader.rubric.model import Criterion, Limits

_NAME = re.compile(r"[a-z][a-z0-9_]*")


def checks_in(path: Path) -> tuple[Check, ...]:
    """The checks at the top level of a file, wrapped so that their failures cost no marks.

    Raises CheckError, with the line, for a file or a check that cannot be used.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise CheckError(f"{path}: cannot be read: {error.strerror}") from None
    checks, read = _checks_in(path, text)
    if not unchanged(read):   # a table that the file loads, say
        _checks_in.cache_clear()
        checks, _ = _checks_in(path, text)
    return checks


@functools.cache
def _checks_in(path: Path, text: bytes) -> tuple[tuple[Check, ...], Read]:
    """The checks, and digests of the files that the file read while it was loaded."""
    read = FilesRead(path.parent)
    with noting(read):
        module = _imported(path, text)
    found = [value for value in vars(module).values() if isinstance(value, Check)]
    unique = list(dict.fromkeys(found))
    if not unique:
        raise CheckError(
            f'{path}: no check in it; add one: CHECK = Check("name", Params, ask, judge)'
        )
    for check in unique:
        _validate(path, check)
    return tuple(_wrapped(path, check, read) for check in unique), read.digests(str(path))


def function_in(path: Path, name: str) -> Callable[..., Any]:
    """A function at the top of an instructor's file; CheckError if there is none."""
    found = getattr(_module(path, path.read_bytes()), name, None)
    if not callable(found):
        raise CheckError(f"{path}: there is no function {name}() at its top level")
    return found  # type: ignore[no-any-return]  # anything callable


@functools.cache
def _module(path: Path, text: bytes) -> types.ModuleType:
    return _imported(path, text)


def _imported(path: Path, text: bytes) -> types.ModuleType:
    name = f"grader_own_{path.stem}_{hashlib.sha256(text).hexdigest()[:12]}"
    module = types.ModuleType(name)
    module.__file__ = str(path)
    sys.modules[name] = module   # dataclasses and pydantic models look up their module there
    try:
        exec(compile(text, str(path), "exec", dont_inherit=True), vars(module))
    except CheckError:
        raise   # a probe is wrong; the message has the line
    except SyntaxError as error:
        raise CheckError(f"{path}:{error.lineno}: not valid Python: {error.msg}") from None
    except BaseException as error:
        raise CheckError(f"{_place(path, error)}: {type(error).__name__}: {error}") from None
    return module


def _validate(path: Path, check: Check) -> None:
    where = f"{path}: the check '{check.name}'"
    if not _NAME.fullmatch(check.name):
        raise CheckError(f"{where}: a name has only lower-case letters, digits and _")
    if not (isinstance(check.params, type) and issubclass(check.params, BaseModel)):
        raise CheckError(f"{where}: its parameters must be a class that derives from Model")
    taken = sorted(set(check.params.model_fields) & set(Criterion.model_fields))
    if taken:
        raise CheckError(
            f"{where}: every criterion has a key '{taken[0]}'; rename the parameter"
        )
    wanted = {"ask": "criterion, inputs, limits", "judge": "criterion, work, key"}
    for verb, names in wanted.items():
        function = getattr(check, verb)
        try:
            inspect.signature(function).bind(*names.split(", "))
        except (TypeError, ValueError):
            line = getattr(getattr(function, "__code__", None), "co_firstlineno", 1)
            raise CheckError(
                f"{path}:{line}: '{check.name}': {verb} must accept the call {verb}({names})"
            ) from None


def _wrapped(path: Path, check: Check, loaded: FilesRead) -> Check:
    """A copy of the check whose own errors cost no student a mark.

    An error in `ask` stops the run, one in `judge` leaves the criterion `not_scored`. A verdict
    names the files that the check read, and `loaded` those that were read before.
    """
    asked = FilesRead(path.parent)

    def ask(criterion: Criterion, inputs: EvalInputs, limits: Limits) -> QuestionList:
        with noting(asked):
            return _located(path, lambda: tuple(check.ask(criterion, inputs, limits)))

    def judge(criterion: Criterion, work: Work, key: AnswerKey) -> Verdict:
        judged = FilesRead(path.parent)
        with noting(judged):
            verdict = judge_safely(criterion, work, key)
        read = {
            name: digest for one in (loaded, asked, judged)
            for name, digest in one.digests(str(path)).items()
        }
        seen = {**verdict.seen, "read": read} if read else verdict.seen
        return dataclasses.replace(verdict, seen=seen)

    def judge_safely(criterion: Criterion, work: Work, key: AnswerKey) -> Verdict:
        try:
            return _valid(criterion, check.judge(criterion, work, key))
        except Unanswered as missing:
            return without_answer(
                criterion, missing.outcome, criterion.title,
                hidden=criterion.visibility != "visible",
            )  # fmt: skip
        except NoKey:
            raise
        except Exception as error:
            # The error's text may quote hidden data, so students see only its type and line.
            where = _place(Path(path.name), error, path)
            problem = f"the check failed on this answer ({type(error).__name__} at {where})"
            seen = {"judge": "".join(traceback.format_exception(error))[-4000:]}
            return not_scored(criterion, problem, seen=seen)

    return dataclasses.replace(check, ask=ask, judge=judge)


def _valid(criterion: Criterion, verdict: Any) -> Verdict:
    if not isinstance(verdict, Verdict):
        raise TypeError(f"judge returned a {type(verdict).__name__}, expected a Verdict")
    if verdict.criterion != criterion.id or not 0 <= verdict.fraction <= 1:
        raise ValueError(f"a verdict on {verdict.criterion} with {verdict.fraction} of the points")
    return verdict


def _located(path: Path, ask: Callable[[], QuestionList]) -> QuestionList:
    """Calls `ask`; its errors become a CheckError with the line."""
    try:
        return ask()
    except GraderError:
        raise
    except Exception as error:
        raise CheckError(f"{_place(path, error)}: {type(error).__name__}: {error}") from None


def _place(shown: Path, error: BaseException, path: Path | None = None) -> str:
    """The innermost line of the file in the error's traceback, as FILE:LINE."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == str(path or shown)]
    return f"{shown}:{lines[-1]}" if lines else str(shown)
