"""The interface of a check: a model of its parameters, `ask` and `judge`.

Both functions are pure: `ask` says which questions the worker answers with the student's code,
`judge` concludes on the host from the answers.
"""

from __future__ import annotations

import builtins
import dataclasses
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from grader import wire
from grader.checks.answer_key import AnswerKey, EvalInputs
from grader.records import Evidence, Outcome, Submission, Verdict
from grader.rubric.model import Criterion, Limits, Model
from grader.submissions.left_out import shown
from grader.submissions.suffixes import is_archive, is_code

QuestionList = tuple[Any, ...]


class NoParams(Model):
    """Parameters of a check that takes none."""


@dataclass(frozen=True)
class Work:
    """A submission and the evidence about it.

    Attributes:
        submission: What the student handed in, unpacked.
        evidence: The answers to the check's questions, by question id.
    """

    submission: Submission
    evidence: Mapping[str, Evidence]


@dataclass(frozen=True)
class Check:
    """A way to grade a criterion; a rubric names it under `check`.

    Attributes:
        name: Lower-case letters, digits and `_`.
        params: Model of the parameters that a criterion gives to the check.
        ask: Called as `ask(criterion, inputs, limits)`; returns the questions.
        judge: Called as `judge(criterion, work, key)`; returns the verdict. `grader explain` shows
            its docstring.
        needs_reference: The reference solution gets the same questions, and `key` has its answers.
        self_reported: The verdict rests on values that only the student's process can measure, so
            a person reviews submissions with code outside the allowlist, which could change them.
        known_to_worker: The worker's own modules know the answer, or facts that could take it
            away, so a person reviews submissions whose code could reach them.
        thresholds: `judge` uses the thresholds of the profile.
        by_hand: A person gives the points.
        further: Called as `further(criterion, work, key, limits)` until it returns no question. It
            returns what to ask after these answers: another training near a threshold.
    """

    name: str
    params: type[BaseModel]
    ask: Callable[[Criterion, EvalInputs, Limits], QuestionList]
    judge: Callable[[Criterion, Work, AnswerKey], Verdict]
    needs_reference: bool = False
    self_reported: bool = False
    known_to_worker: bool = False
    thresholds: bool = False
    by_hand: bool = False
    further: Callable[[Criterion, Work, AnswerKey, Limits], QuestionList] | None = None


NOT_YOURS = "That is no mistake of yours: a person looks at your code."
CALLS_EXIT = "the code called exit("   # as the worker says it, of the student's own line
NOT_SHOWN = "The output is not shown here, because the code ran on hidden data."
NOT_RUN_HERE = "Your code could not be run here"   # something is not installed

_NEXT_STEPS = {
    "not_found": "Add it, or rename what you have to the name that is expected.",
    "exception": "Run the file on its own and fix the error above.",
    "exited": "Find out what ends the program early, and let it run to its end.",
    "crashed": "Run the file on its own; an index out of range is the usual cause of such a crash.",
    "time_limit": "Look for a loop that does not end, or for work done at import.",
    "memory_limit": "Keep less in memory: lists of losses that hold graphs, or data copied often.",
    "process_limit": "Start fewer processes and threads; a DataLoader needs two or four workers.",
    "disk_limit": "Write less: keep one checkpoint, not one per epoch, and do not copy the data.",
    "files_limit": "Close the files that you open; `with open(...) as file` does it for you.",
    "bad_answer": "Return what the homework asks for, in the form that is expected.",
}
_HAPPENED = {
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
    "environment": NOT_RUN_HERE,
}


def graded(criterion: Criterion, fraction: float, reason: str, **details: Any) -> Verdict:
    """A verdict whose status follows from the share of the points.

    Args:
        criterion: The criterion that is judged.
        fraction: Share of the criterion's points, clipped to 0..1. 1 is `passed`, 0 is `failed`,
            anything between is `partial`.
        reason: The sentence that the student reads.
        **details: Other fields of `Verdict`, such as `asked`, `next_step`, `hints` and `tables`.
    """
    fraction = min(1.0, max(0.0, fraction))
    status = "passed" if fraction >= 1 - 1e-9 else "partial" if fraction > 1e-9 else "failed"
    return Verdict(criterion.id, status, fraction, reason, **details)  # type: ignore[arg-type]  # one of the words


def not_attempted(criterion: Criterion, why: str, **details: Any) -> Verdict:
    """The verdict on a part that is blank or was not handed in; `details` as for `graded`."""
    reason = f"Not attempted: {why}"
    return Verdict(criterion.id, "failed", 0.0, reason, attempted=False, **details)


def needs_marking(criterion: Criterion, reason: str, **details: Any) -> Verdict:
    """A verdict that leaves the points to a person; `details` as for `graded`."""
    return Verdict(criterion.id, "needs_marking", 0.0, reason, **details)


def not_scored(criterion: Criterion, problem: str, **details: Any) -> Verdict:
    """The verdict where the grader itself failed: no points yet, and never a zero."""
    reason = f"This could not be graded, through no fault of yours: {problem}"
    return Verdict(criterion.id, "not_scored", 0.0, reason, **details)


def without_answer(
    criterion: Criterion, outcome: Outcome, asked: str, *, hidden: bool = False,
    in_any_form: bool = False,
) -> Verdict:
    """The verdict when a question that the criterion rests on has no answer.

    Args:
        criterion: The criterion that is judged.
        outcome: How the question ended.
        asked: What was asked, as the student reads it.
        hidden: The question had hidden networks or images. Nothing that the student's code printed
            or raised is passed on then, since it could reveal them.
        in_any_form: The answer may be a script of any form, so if no code for it is found, then
            nobody wrote it. A function that is not found may have another name.
    """
    seen: dict[str, Any] = {
        "outcome": outcome.kind, "seconds": outcome.seconds, "cause": _cause(outcome),
    }  # fmt: skip
    if hidden:
        seen["output"] = NOT_SHOWN
    else:
        seen |= {"traceback": outcome.traceback} if outcome.traceback else {}
        seen |= {"output": outcome.output[-4000:]} if outcome.output else {}
    if outcome.owner == "harness":
        return not_scored(criterion, outcome.message, asked=asked, seen=seen)
    if in_any_form and outcome.kind == wire.NOT_FOUND and outcome.phase == "load":
        why = f"no code for this was found. Expected: {outcome.message}."
        return not_attempted(criterion, why.replace("..", "."), asked=asked,
                             next_step=_NEXT_STEPS[outcome.kind], seen=seen)
    if is_stub(outcome):
        place = "your code" if hidden else outcome.message.partition(": ")[0]
        why = f"{place} still raises NotImplementedError, in place of an answer."
        return not_attempted(criterion, why, asked=asked, seen=seen)
    reason = f"{what_happened(outcome)}."
    if hidden:
        reason = f"On hidden data: {in_short(outcome)}."
    if outcome.owner == "environment":
        return needs_marking(criterion, f"{reason} {NOT_YOURS}", asked=asked, seen=seen)
    return graded(criterion, 0.0, reason.replace("..", "."), asked=asked,
                  next_step=_next_step(outcome, hidden=hidden), seen=seen)


def _cause(outcome: Outcome) -> str:
    """A digest of how a question ended. Questions that one error left unanswered have the same.

    It reveals nothing of what a hidden question's error says.
    """
    return hashlib.sha256(f"{outcome.kind} {outcome.message}".encode()).hexdigest()[:16]


def _next_step(outcome: Outcome, *, hidden: bool) -> str:
    if outcome.kind == wire.EXITED and CALLS_EXIT in outcome.message:
        return "Remove that call of exit(): it ends the program before it can answer."
    if outcome.kind == wire.EXCEPTION and hidden:
        return "Try your code on other networks and inputs than those of the homework."
    return _NEXT_STEPS[outcome.kind]


def is_stub(outcome: Outcome) -> bool:
    """True if a function of the starter was left as it is: all it does is `raise`."""
    lines = [line.strip() for line in outcome.traceback.splitlines()]
    frames = [line for line in lines if line.startswith('File "')]
    raised = len(lines) > 2 and lines[-1].startswith("NotImplementedError")
    return raised and len(frames) == 1 and lines[1].startswith("raise NotImplementedError")


def what_happened(outcome: Outcome) -> str:
    """Describes to the student how a question without an answer ended."""
    if outcome.owner == "harness":
        return outcome.message
    loading = outcome.phase == "load" and outcome.kind not in ("not_found", "environment")
    text = _HAPPENED[outcome.kind] + " while your file was being loaded" * loading
    return f"{text}: {outcome.message}" if outcome.message else text


def in_short(outcome: Outcome) -> str:
    """Describes how a hidden question ended, without any text that the student's code chose.

    An exception is named only if its class is one of Python's own: a class of the student's could
    carry hidden data in its name.
    """
    text = _HAPPENED[outcome.kind]
    text = text[0].lower() + text[1:]
    if outcome.kind != "exception":
        return text
    # The message reads "file.py, line 3: ValueError: text of the error".
    for name in outcome.message.split(": ")[:2]:
        known = getattr(builtins, name, None)
        if isinstance(known, type) and issubclass(known, BaseException):
            return f"{text}, {name}"
    return text


def as_exception(outcome: Outcome, error: Mapping[str, str]) -> Outcome:
    """The outcome of an answered question, turned into the exception that ended the script.

    For scripts that left an answer, though not a usable one, before they raised.
    """
    lacks = is_of_the_environment(error)
    return dataclasses.replace(
        outcome, kind="environment" if lacks else "exception",
        owner="environment" if lacks else "student",
        message=error["message"], traceback=error["traceback"],
    )  # fmt: skip


def is_of_the_environment(error: Mapping[str, str] | None) -> bool:
    """True if an answer's `error` would not have happened on the student's machine."""
    return error is not None and error.get("outcome") == "environment"


def with_notes(verdict: Verdict, submission: Submission) -> Verdict:
    """Adds the notes of unpacking to a "not found" of a submission without any Python file.

    Without any file at all, nothing was attempted.
    """
    if verdict.status == "failed" and not submission.files:
        why = "Not attempted: nothing was handed in that could be graded."
        return dataclasses.replace(verdict, reason=why, attempted=False)
    if verdict.seen.get("outcome") != "not_found" or submission.has_code or not submission.notes:
        return verdict
    return dataclasses.replace(verdict, reason=" ".join((verdict.reason, *submission.notes)))


def with_unread(verdict: Verdict, submission: Submission) -> Verdict:
    """Leaves lost points to a person where code was handed in that the grader could not read."""
    unread = [name for name in submission.unread if is_code(name) or is_archive(name)]
    if verdict.status not in ("failed", "partial") or not unread:
        return verdict
    reason = f"A person looks at {shown(unread[0])}, which could not be read. {verdict.reason}"
    seen = {**verdict.seen, "would_earn": verdict.fraction}
    return dataclasses.replace(
        verdict, status="needs_marking", fraction=0.0, reason=reason, seen=seen
    )


def with_doubt(
    verdict: Verdict, submission: Submission, check: Check, odd: Sequence[str] = ()
) -> Verdict:
    """Turns a verdict into `needs_marking` where the submission's code could have forged it.

    What the verdict would have earned is kept in `seen` for the person who marks. A verdict that
    earns nothing stays.

    Args:
        verdict: The check's own verdict.
        submission: Its remarks tell what its code does beyond what homework needs.
        check: Tells which remarks matter.
        odd: What is odd about the self-reported evidence.
    """
    doubts = (*submission.remarks, *odd) if check.self_reported else submission.reaching
    if not doubts or not (check.self_reported or check.known_to_worker):
        return verdict
    if verdict.status not in ("passed", "partial"):
        return verdict
    reason = (
        "This was measured in the process that ran your code, and your code does what homework "
        f"does not need and what could change the result: a person looks at it. "
        f"({'; '.join(doubts)})"
    )
    seen = {**verdict.seen, "would_earn": verdict.fraction, "without_doubt": verdict.reason}
    return dataclasses.replace(
        verdict, status="needs_marking", fraction=0.0, reason=reason, seen=seen
    )
