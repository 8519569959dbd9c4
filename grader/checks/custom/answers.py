"""What probes of an instructor's own have answered, for the `judge` that asked for it."""

from __future__ import annotations

from typing import Any

from grader import packing, wire
from grader.checks.answer_key import AnswerKey
from grader.checks.check import Work
from grader.records import Evidence, Outcome


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
    """What the probe returned for the reference; its check says `needs_reference=True`."""
    return packing.unpack(key.value(question), key.blobs(question))


def _value(evidence: Evidence, finite: bool) -> Any:
    if not evidence.outcome.answered:
        raise Unanswered(evidence.outcome)
    value = packing.unpack(evidence.value, evidence.blobs)   # has been looked at when it came
    wrong = packing.not_finite(value) if finite else ""
    if wrong:
        raise Unanswered(Outcome(wire.BAD_ANSWER, "student", wrong, evidence.outcome.seconds))
    return value
