"""What a check is: two pure functions and a model of its parameters."""

from __future__ import annotations

import builtins
import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from grader.checks.answer_key import AnswerKey, EvalInputs
from grader.records import Evidence, Outcome, Submission, Verdict
from grader.rubric.model import Criterion, Limits, Model

QuestionList = tuple[Any, ...]


class NoParams(Model):
    """A check that has nothing to set."""


@dataclass(frozen=True)
class Work:
    """A submission and the evidence on it, by question id."""

    submission: Submission
    evidence: Mapping[str, Evidence]


@dataclass(frozen=True)
class Check:
    """`ask(criterion, exam, limits)` gives questions, `judge(criterion, work, key)` a verdict.

    `needs_reference`: the reference is asked the same, and its answers are the key. `testimony`: it
    rests on what the worker alone has seen, and not on what the host computes. `thresholds`: it
    concludes by those of the profile. `by_hand`: a person gives the points.
    """

    name: str
    params: type[BaseModel]
    ask: Callable[[Criterion, EvalInputs, Limits], QuestionList]
    judge: Callable[[Criterion, Work, AnswerKey], Verdict]
    needs_reference: bool = False
    self_reported: bool = False
    thresholds: bool = False
    by_hand: bool = False


NOT_SHOWN = "What the code printed here is not shown: it ran on what stays hidden until the end."

_WHAT_TO_DO = {
    "not_found": "Add it, or rename what you have; the starter shows the names.",
    "exception": "Run the file on its own and mend the error that it shows.",
    "exited": "Remove calls such as exit() or quit(), which end the program before it can answer.",
    "crashed": "Run the file on its own; a crash below Python is mostly an index out of range.",
    "time_limit": "Look for a loop that does not end, or for work done at import.",
    "memory_limit": "Keep less in memory: lists of losses that hold graphs, or data copied often.",
    "process_limit": "Start fewer processes and threads; a DataLoader needs two or four workers.",
    "disk_limit": "Write less: one checkpoint in place of one per epoch, and no copy of the data.",
    "files_limit": "Close what you open: `with open(...) as file` does it by itself.",
    "bad_answer": "Return what the starter's docstring says.",
}
_WHAT_HAPPENED = {
    "not_found": "This was not found",
    "exception": "The code raised an exception",
    "exited": "The program ended before it answered",
    "crashed": "The program crashed",
    "time_limit": "The time limit was reached",
    "memory_limit": "The memory limit was reached",
    "process_limit": "The limit on processes and threads was reached",
    "disk_limit": "The limit on what can be written to disk was reached",
    "files_limit": "The limit on open files was reached",
    "bad_answer": "The answer cannot be used",
}


def without_answer(
    criterion: Criterion, outcome: Outcome, asked: str, *, hidden: bool = False
) -> Verdict:
    """The verdict when a question this criterion rests on was not answered.

    The harness's own failure is never a zero: it is `not_scored`. Of a question with `hidden`
    networks or images, nothing that the student's code said is passed on: it could tell of them.
    """
    seen: dict[str, Any] = {"outcome": outcome.kind, "seconds": outcome.seconds}
    if hidden:
        seen["output"] = NOT_SHOWN
    else:
        seen |= {"traceback": outcome.traceback} if outcome.traceback else {}
        seen |= {"output": outcome.output[-4000:]} if outcome.output else {}
    if outcome.owner == "harness":
        reason = f"This could not be graded, through no fault of yours: {outcome.message}"
        return Verdict(criterion.id, "not_scored", 0.0, reason, asked=asked, seen=seen)
    reason = f"{what_happened(outcome)}."
    if hidden:
        reason = f"On data that is not shown to you: {in_short(outcome)}."
    return Verdict(
        criterion.id,
        "failed",
        0.0,
        reason.replace("..", "."),
        asked=asked,
        next_step=_WHAT_TO_DO[outcome.kind],
        seen=seen,
    )


def what_happened(outcome: Outcome) -> str:
    """How a question ended that was not answered, in words for the student."""
    if outcome.owner == "harness":
        return outcome.message
    loading = outcome.phase == "load" and outcome.kind != "not_found"
    what = _WHAT_HAPPENED[outcome.kind] + " while your file was being loaded" * loading
    return f"{what}: {outcome.message}" if outcome.message else what


def raised(outcome: Outcome, error: Mapping[str, str]) -> Outcome:
    """The outcome of a question that was answered although an exception ended the script, seen as
    that exception: for where the answer is of no use."""
    return dataclasses.replace(
        outcome, kind="exception", message=error["message"], traceback=error["traceback"]
    )


def with_notes(verdict: Verdict, submission: Submission) -> Verdict:
    """Where nothing was found because no code was: why, as it was seen when it was unpacked."""
    has_code = any(file.lower().endswith(".py") for file in submission.files)
    if verdict.seen.get("outcome") != "not_found" or has_code or not submission.notes:
        return verdict
    return dataclasses.replace(verdict, reason=" ".join((verdict.reason, *submission.notes)))


def with_doubt(verdict: Verdict, submission: Submission) -> Verdict:
    """For a check that rests on testimony: a person looks first where the submission's code reaches
    for what could forge it. What it would have earned is kept for that person.
    """
    if verdict.status not in ("passed", "partial") or not submission.remarks:
        return verdict
    reason = (
        "This was seen from within the process that your code ran in, and your code reaches for "
        f"what could change that: a person looks at it. ({'; '.join(submission.remarks)})"
    )
    seen = {**verdict.seen, "would_earn": verdict.fraction, "without_doubt": verdict.reason}
    return dataclasses.replace(
        verdict, status="needs_marking", fraction=0.0, reason=reason, seen=seen
    )


def in_short(outcome: Outcome) -> str:
    """How a hidden question ended, without a word of what the student's code said there.

    An exception's name is told if it is one of Python's: a class of the student's own may be named
    after what it has seen.
    """
    what = _WHAT_HAPPENED[outcome.kind]
    what = what[0].lower() + what[1:]
    if outcome.kind != "exception":
        return what
    # "file.py, line 3: ValueError: what the code says of it"
    for name in outcome.message.split(": ")[:2]:
        known = getattr(builtins, name, None)
        if isinstance(known, type) and issubclass(known, BaseException):
            return f"{what}, {name}"
    return what


def graded(
    criterion: Criterion, fraction: float, reason: str, **details: Any
) -> Verdict:
    """A verdict whose status follows from the fraction of the points."""
    fraction = min(1.0, max(0.0, fraction))
    status = "passed" if fraction >= 1 - 1e-9 else "partial" if fraction > 1e-9 else "failed"
    return Verdict(criterion.id, status, fraction, reason, **details)  # type: ignore[arg-type]  # one of the words
