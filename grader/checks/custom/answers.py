"""Reads the answers to an instructor's probes, for the `judge` that asked for them."""

from __future__ import annotations

from typing import Any

from grader import packing, wire
from grader.checks.answer_key import AnswerKey
from grader.checks.check import Work
from grader.records import Outcome


class Unanswered(Exception):
    """Raised inside `judge` when a question has no usable answer; the loader makes the verdict."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.message)
        self.outcome = outcome


def answer(work: Work, question: str, *, finite: bool = True) -> Any:
    """The value that the probe returned for this submission.

    Without an answer, or with NaN or infinity in it, `judge` ends here: the criterion earns
    nothing, and the student reads what happened. The value comes from a process that runs the
    student's code, so it may be forged.

    Args:
        work: The submission, as `judge` gets it.
        question: Id of the question.
        finite: Pass False to accept NaN and infinity.

    Returns:
        Numbers, text, lists, tuples, sets, dicts and numpy arrays, as the probe returned them;
        tensors arrive as arrays.
    """
    evidence = work.evidence[question]
    if not evidence.outcome.answered:
        raise Unanswered(evidence.outcome)
    value = packing.unpack(evidence.value, evidence.blobs)   # validated when it arrived
    problem = packing.not_finite(value) if finite else ""
    if problem:
        raise Unanswered(Outcome(wire.BAD_ANSWER, "student", problem, evidence.outcome.seconds))
    return value


def expected(key: AnswerKey, question: str) -> Any:
    """The value that the probe returned for the reference solution.

    Args:
        key: The answer key, as `judge` gets it.
        question: Id of the question. Its check must have `needs_reference=True`.

    Returns:
        Data of the same kinds as `answer` returns.

    Raises:
        NoKey: The reference solution has no answer; this stops the run.
        KeyLost: The grader failed to ask the reference solution.
    """
    return packing.unpack(key.value(question), key.blobs(question))
