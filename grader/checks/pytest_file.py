"""Check `pytest`: the tests of an instructor's file, each worth its points."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from grader import wire
from grader.checks.answer_key import AnswerKey, EvalInputs
from grader.checks.check import (
    NOT_YOURS,
    Check,
    Work,
    graded,
    needs_marking,
    not_attempted,
    not_scored,
)
from grader.checks.files_read import of_named
from grader.errors import CheckError
from grader.records import Question, Table, Verdict
from grader.rubric.model import Criterion, Limits, Model

_SHOWN = 4   # failures whose messages are in the reason; the table has all of them
_WORDS = {"passed": "passed", "failed": "failed", "not_scored": "not scored"}


class Params(Model):
    """Which tests are run."""

    file: Path = Field(description="of tests; relative to the rubric")


def ask(criterion: Criterion, inputs: EvalInputs, limits: Limits) -> tuple[Question, ...]:
    """One question for the whole file; its tests ask further questions while they run."""
    file = criterion.params.file  # type: ignore[attr-defined]  # validated as Params by the rubric
    args = {"tests": hashlib.sha256(file.read_bytes()).hexdigest()}
    if criterion.data:
        args["data"] = " ".join(map(of_named, criterion.data))
    name = _id(file)
    return (Question(name, "pytest", args, name, limits.seconds, tests=file),)


def judge(criterion: Criterion, work: Work, key: AnswerKey) -> Verdict:
    """The share of the tests' points whose tests pass.

    Skipped tests do not count. If the grader failed to run a test, the criterion is not scored; if
    a test fails for something that is missing here, a person marks the criterion.
    """
    file = criterion.params.file  # type: ignore[attr-defined]  # validated as Params by the rubric
    evidence = work.evidence[_id(file)]
    tests = [test for test in evidence.value["tests"] if test["status"] != "skipped"]
    tables, seen = (_table(tests),) if tests else (), dict(evidence.value)
    lost = [_sentence(test) for test in tests if test["status"] == "not_scored"]
    if lost or evidence.outcome.owner == "harness":
        problem = lost[0] if lost else evidence.outcome.message
        return not_scored(criterion, problem, tables=tables, seen=seen)
    lacking = [_sentence(test) for test in tests if test["status"] == "failed" and _lacks(test)]
    if lacking:
        return needs_marking(
            criterion, f"{lacking[0]} {NOT_YOURS}", asked=criterion.title, tables=tables, seen=seen
        )
    points = sum(test["points"] for test in tests)
    if not points:
        raise CheckError(f"{file}: none of its tests is worth a point")
    passed = [test for test in tests if test["status"] == "passed"]
    earned = sum(test["points"] for test in passed)
    reason = " ".join([f"{len(passed)} of {len(tests)} tests pass.", *_failures(tests)])
    if not earned and not evidence.value.get("attempted", True):
        why = "every function that the tests call still raises NotImplementedError."
        return not_attempted(criterion, why, asked=criterion.title, tables=tables, seen=seen)
    return graded(
        criterion, earned / points, reason, asked=criterion.title, tables=tables, seen=seen
    )


def _id(file: Path) -> str:
    """The question's id, which goes into the container and must not show the file's name."""
    return f"tests/{hashlib.sha256(str(file).encode()).hexdigest()[:8]}"


def _lacks(test: Mapping[str, Any]) -> bool:
    return any(kind == wire.ENVIRONMENT for _, kind, _ in test["calls"])


def _failures(tests: Sequence[Mapping[str, Any]]) -> list[str]:
    failed = [test for test in tests if test["status"] == "failed"]
    shown = [_sentence(test) for test in failed if not test["hidden"]]
    more = len(shown) - _SHOWN
    return [*shown[:_SHOWN], *([f"The table has {more} more."] if more > 0 else [])]


def _sentence(test: Mapping[str, Any]) -> str:
    """The title of a test and the first line of its message; the table has the whole message."""
    if test["hidden"]:
        return "a hidden test could not be run."
    first = (test["message"].splitlines() or ["it failed"])[0]
    return f"{test['title'].rstrip('.')}: {first.rstrip('.')}."


def _table(tests: Sequence[Mapping[str, Any]]) -> Table:
    rows, number = [], 0
    for test in tests:
        number += test["hidden"]
        title = f"hidden test {number}" if test["hidden"] else test["title"]
        earned = test["points"] if test["status"] == "passed" else 0
        points = f"{earned:g} of {test['points']:g}"
        message = "" if test["hidden"] else test["message"]
        rows.append((title, _WORDS[test["status"]], points, message))
    return Table("Tests", ("test", "result", "points", "message"), tuple(rows))


CHECK = Check("pytest", Params, ask, judge)
