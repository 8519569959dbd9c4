"""Grade -> Row: what the report needs of one student, small enough to hold a class of any size."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from grader.records import CriterionGrade, Grade, Status
from grader.text import plain_line

# Why a person should look, in the order in which they should.
FlagKind = Literal[
    "not_scored", "doubt", "remark", "disagreement", "waiting", "caution", "note"
]


@dataclass(frozen=True)
class Mark:
    """One criterion. `reason` is kept where something is lost or missing; `outcome` where the code
    gave no answer. `place` counts from 1, as the sections of the student's page do."""

    criterion: str
    place: int
    status: Status
    points: float | None
    max: float
    reason: str = ""
    outcome: str = ""

    @property
    def share(self) -> float | None:
        return None if self.points is None else self.points / self.max


@dataclass(frozen=True)
class Flag:
    """Something that a person should look at, in a criterion or in the whole submission ("")."""

    kind: FlagKind
    text: str
    criterion: str = ""


@dataclass(frozen=True)
class Training:
    """What a training came to: both are the host's own figures."""

    seconds: float
    accuracy: float


@dataclass(frozen=True)
class Row:
    student: str
    score: float
    max: float
    state: Literal["graded", "needs_marking", "not_scored"]
    seconds: float
    marks: tuple[Mark, ...]
    flags: tuple[Flag, ...] = ()
    training: Training | None = None
    refused: str = ""

    def mark(self, criterion: str) -> Mark | None:
        return next((one for one in self.marks if one.criterion == criterion), None)


def row_of(grade: Grade) -> Row:
    trainings = (_training(one.verdict.seen) for one in grade.criteria)
    return Row(
        student=grade.student,
        score=grade.score,
        max=grade.max,
        state=grade.state,
        seconds=grade.seconds,
        marks=tuple(_mark(place, one) for place, one in enumerate(grade.criteria, start=1)),
        flags=tuple(_flags(grade)),
        training=next((one for one in trainings if one is not None), None),
        refused=plain_line(grade.submission.refused or ""),
    )


def _mark(place: int, one: CriterionGrade) -> Mark:
    verdict = one.verdict
    reason = "" if verdict.status == "passed" else plain_line(verdict.reason)
    outcome = verdict.seen.get("outcome")
    said = plain_line(outcome, 40) if isinstance(outcome, str) else ""
    return Mark(verdict.criterion, place, verdict.status, one.points, one.max, reason, said)


def _flags(grade: Grade) -> Iterator[Flag]:
    for one in grade.criteria:
        verdict, reason = one.verdict, plain_line(one.verdict.reason)
        if verdict.status == "not_scored":
            yield Flag("not_scored", reason, verdict.criterion)
        elif verdict.status == "needs_marking":
            # What it would have earned is kept where a check has doubts about what it was told.
            kind: FlagKind = "doubt" if "would_earn" in verdict.seen else "waiting"
            yield Flag(kind, reason, verdict.criterion)
        if verdict.seen.get("disagrees") is True:
            yield Flag("disagreement", _disagreement(verdict.seen), verdict.criterion)
        for caution in verdict.run.cautions if verdict.run is not None else ():
            yield Flag("caution", plain_line(caution.what), verdict.criterion)
    yield from (Flag("remark", plain_line(text)) for text in grade.submission.remarks)
    yield from (Flag("note", plain_line(text)) for text in grade.notes)


def _disagreement(seen: Mapping[str, Any]) -> str:
    figures = [_finite(seen.get(key)) for key in ("reported_accuracy", "validation_accuracy")]
    said, computed = ("nothing" if one is None else f"{one:.1%}" for one in figures)
    return f"The code reports {said} on the validation images, the grader computes {computed}."


def _training(seen: Mapping[str, Any]) -> Training | None:
    seconds, accuracy = _finite(seen.get("seconds")), _finite(seen.get("hidden_accuracy"))
    return None if seconds is None or accuracy is None else Training(seconds, accuracy)


def _finite(value: Any) -> float | None:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if number and math.isfinite(value) else None
