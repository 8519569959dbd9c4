"""Files of an instructor's own that a rubric names: what they hold at their top that is a Check.

They are the instructor's and run here, on the host. Whatever is wrong with one is told with file
and line before anybody is graded.
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
from grader.checks.check import Check, QuestionList, Work, without_answer
from grader.checks.custom.answers import Unanswered
from grader.errors import CheckError, GraderError
from grader.records import Verdict
from grader.rubric.model import Criterion, Limits

_NAME = re.compile(r"[a-z][a-z0-9_]*")


def checks_in(path: Path) -> tuple[Check, ...]:
    """The checks of a file, each made safe for a class. Raises CheckError, with the line."""
    try:
        return _checks_in(path, path.read_bytes())
    except OSError as error:
        raise CheckError(f"{path}: cannot be read: {error.strerror}") from None


@functools.cache
def _checks_in(path: Path, text: bytes) -> tuple[Check, ...]:
    module = _imported(path, text)
    found = [value for value in vars(module).values() if isinstance(value, Check)]
    unique = list(dict.fromkeys(found))
    if not unique:
        raise CheckError(
            f'{path}: no check in it; at its top stands CHECK = Check("name", Params, ask, judge)'
        )
    for check in unique:
        _examine(path, check)
    return tuple(_guarded(path, check) for check in unique)


def _imported(path: Path, text: bytes) -> types.ModuleType:
    name = f"grader_own_{path.stem}_{hashlib.sha256(text).hexdigest()[:12]}"
    module = types.ModuleType(name)
    module.__file__ = str(path)
    sys.modules[name] = module   # dataclasses and models look their own module up
    try:
        exec(compile(text, str(path), "exec", dont_inherit=True), vars(module))
    except CheckError:
        raise   # of a probe, and it names the line
    except SyntaxError as error:
        raise CheckError(f"{path}:{error.lineno}: not valid Python: {error.msg}") from None
    except BaseException as error:
        raise CheckError(f"{_place(path, error)}: {type(error).__name__}: {error}") from None
    return module


def _examine(path: Path, check: Check) -> None:
    what = f"{path}: the check '{check.name}'"
    if not _NAME.fullmatch(check.name):
        raise CheckError(f"{what}: a name is made of lower-case letters, digits and _")
    if not (isinstance(check.params, type) and issubclass(check.params, BaseModel)):
        raise CheckError(f"{what}: its parameters are a class that derives from Model")
    taken = sorted(set(check.params.model_fields) & set(Criterion.model_fields))
    if taken:
        raise CheckError(f"{what}: '{taken[0]}' is a key of every criterion; name it otherwise")
    wanted = {"ask": "criterion, exam, limits", "judge": "criterion, work, key"}
    for verb, names in wanted.items():
        function = getattr(check, verb)
        try:
            inspect.signature(function).bind(*names.split(", "))
        except (TypeError, ValueError):
            line = getattr(getattr(function, "__code__", None), "co_firstlineno", 1)
            raise CheckError(
                f"{path}:{line}: '{check.name}': {verb} is called as {verb}({names})"
            ) from None


def _guarded(path: Path, check: Check) -> Check:
    """The same check, that fails for everybody or for one criterion, and never for a mark."""

    def ask(criterion: Criterion, inputs: EvalInputs, limits: Limits) -> QuestionList:
        return _or_told(path, lambda: tuple(check.ask(criterion, inputs, limits)))

    def judge(criterion: Criterion, work: Work, key: AnswerKey) -> Verdict:
        try:
            return _sound(criterion, check.judge(criterion, work, key))
        except Unanswered as missing:
            return without_answer(
                criterion, missing.outcome, criterion.title,
                hidden=criterion.visibility != "visible",
            )  # fmt: skip
        except NoKey:
            raise
        except Exception as error:
            # Its words may quote what is hidden; its place is the instructor's to look at.
            where = _place(Path(path.name), error, path)
            reason = (
                "This could not be graded, through no fault of yours: the check failed on this "
                f"answer ({type(error).__name__} at {where})"
            )
            seen = {"judge": "".join(traceback.format_exception(error))[-4000:]}
            return Verdict(criterion.id, "not_scored", 0.0, reason, seen=seen)

    return dataclasses.replace(check, ask=ask, judge=judge)


def _sound(criterion: Criterion, verdict: Any) -> Verdict:
    if not isinstance(verdict, Verdict):
        raise TypeError(f"judge returned a {type(verdict).__name__}; a Verdict was expected")
    if verdict.criterion != criterion.id or not 0 <= verdict.fraction <= 1:
        raise ValueError(f"a verdict on {verdict.criterion} with {verdict.fraction} of the points")
    return verdict


def _or_told(path: Path, ask: Callable[[], QuestionList]) -> QuestionList:
    try:
        return ask()
    except GraderError:
        raise
    except Exception as error:
        raise CheckError(f"{_place(path, error)}: {type(error).__name__}: {error}") from None


def _place(shown: Path, error: BaseException, path: Path | None = None) -> str:
    """The innermost line of the file at which it was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == str(path or shown)]
    return f"{shown}:{lines[-1]}" if lines else str(shown)
