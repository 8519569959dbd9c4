"""Reduces a grade to the row that the class report needs: small, so a class may be of any size."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from grader.grading.late_penalty import Lateness
from grader.records import CriterionGrade, Grade, Result
from grader.submissions.roster import Person
from grader.text import plain_line

# Why an instructor should look at a result; the most urgent kind comes first.
FlagKind = Literal[
    "not_scored", "slow", "doubt", "remark", "waiting", "disagreement", "caution", "note"
]
# Of these, nothing waits for a person.
OBSERVATIONS: tuple[FlagKind, ...] = ("disagreement", "caution", "note")
ON_TIME = Lateness()


@dataclass(frozen=True)
class Cell:
    """A student's result for one criterion.

    `place` is the criterion's number on the student's page, from 1. `reason` is empty for a pass.
    `outcome` says how the code ended if it gave no answer. `by_hand`: a person gave the points.
    """

    criterion: str
    place: int
    status: Result
    points: float | None
    max: float
    reason: str = ""
    outcome: str = ""
    by_hand: bool = False

    @property
    def lost(self) -> float:
        """Points lost; 0 while the points are not known."""
        return 0.0 if self.points is None else self.max - self.points

    @property
    def share(self) -> float | None:
        return None if self.points is None else self.points / self.max


@dataclass(frozen=True)
class Flag:
    """A result that an instructor should look at. `criterion` is "" for the whole submission."""

    kind: FlagKind
    text: str
    criterion: str = ""


@dataclass(frozen=True)
class TrainingResult:
    """Seconds and accuracy of a training, both measured by the host."""

    seconds: float
    accuracy: float


@dataclass(frozen=True)
class StudentRow:
    """The results of one student.

    `refused` says why a submission was not opened. `name`, `section` and `grader` are the roster's,
    "" if it does not say. `days_late` and `late_penalty` (points) are the student's own.
    """

    student: str
    score: float
    max: float
    state: Literal["graded", "needs_marking", "not_scored"]
    seconds: float
    cells: tuple[Cell, ...]
    flags: tuple[Flag, ...] = ()
    training: TrainingResult | None = None
    refused: str = ""
    name: str = ""
    section: str = ""
    grader: str = ""
    days_late: int = 0
    late_penalty: float = 0.0

    def cell(self, criterion: str) -> Cell | None:
        """The result for a criterion; None if there is none or `criterion` is ""."""
        return next((one for one in self.cells if one.criterion == criterion), None)


def row_of(
    grade: Grade, person: Person | None = None, late: Lateness = ON_TIME
) -> StudentRow:
    """Reduce a student's grade to their row.

    Args:
        grade: the student's grade.
        person: the student in the class's roster; None if the roster does not have them.
        late: the student's own lateness; a column has it, so its notes are left out.
    """
    trainings = (_training(one.verdict.seen) for one in grade.criteria)
    return StudentRow(
        student=grade.student,
        score=grade.score,
        max=grade.max,
        state=grade.state,
        seconds=grade.seconds,
        cells=tuple(_cell(place, one) for place, one in enumerate(grade.criteria, start=1)),
        flags=tuple(_flags(grade, late)),
        training=next((one for one in trainings if one is not None), None),
        refused=plain_line(grade.submission.refused or ""),
        name=plain_line(person.name, 100) if person is not None else "",
        section=plain_line(person.section, 40) if person is not None else "",
        grader=plain_line(person.grader, 40) if person is not None else "",
        days_late=late.days,
        late_penalty=grade.late_penalty,
    )


def _cell(place: int, one: CriterionGrade) -> Cell:
    verdict = one.verdict
    reason = "" if verdict.status == "passed" else plain_line(verdict.reason)
    outcome = verdict.seen.get("outcome")
    ended = plain_line(outcome, 40) if isinstance(outcome, str) else ""
    return Cell(verdict.criterion, place, verdict.result, one.points, one.max, reason, ended,
                "marked" in verdict.seen)


def _flags(grade: Grade, late: Lateness) -> Iterator[Flag]:
    for one in grade.criteria:
        verdict, reason = one.verdict, plain_line(one.verdict.reason)
        if verdict.status == "not_scored":
            yield Flag("not_scored", reason, verdict.criterion)
        elif verdict.status == "needs_marking":
            # A check that doubts what the code reported keeps the points that it would give.
            kind: FlagKind = "doubt" if "would_earn" in verdict.seen else "waiting"
            if verdict.seen.get("unfinished") is True:   # a training that time ended
                kind = "slow"
            yield Flag(kind, reason, verdict.criterion)
        if verdict.seen.get("disagrees") is True:
            yield Flag("disagreement", _disagreement(verdict.seen), verdict.criterion)
        for caution in verdict.run.cautions if verdict.run is not None else ():
            yield Flag("caution", plain_line(caution.what), verdict.criterion)
    yield from (Flag("remark", plain_line(text)) for text in grade.submission.remarks)
    told = late.notes if late.days else ()
    yield from (Flag("note", plain_line(text)) for text in grade.notes if text not in told)


def _disagreement(seen: Mapping[str, Any]) -> str:
    figures = [_finite(seen.get(key)) for key in ("reported_accuracy", "validation_accuracy")]
    reported, computed = ("nothing" if one is None else f"{one:.1%}" for one in figures)
    return f"The code reports {reported} on the validation images, the grader computes {computed}."


def _training(seen: Mapping[str, Any]) -> TrainingResult | None:
    seconds, accuracy = _finite(seen.get("seconds")), _finite(seen.get("hidden_accuracy"))
    return None if seconds is None or accuracy is None else TrainingResult(seconds, accuracy)


def _finite(value: Any) -> float | None:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if number and math.isfinite(value) else None
