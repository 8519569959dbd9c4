"""Verdicts -> Grade: points, dependencies, the late penalty, the cap."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence

from grader.grading.late_penalty import lateness
from grader.grading.marks import Mark, position_of
from grader.records import CriterionGrade, Grade, Submission, Verdict
from grader.rubric.model import Criterion, Rubric

BY_HAND = "A person marked this."


def grade(
    rubric: Rubric,
    submission: Submission,
    verdicts: Sequence[Verdict],
    seconds: float = 0.0,
    marks: Sequence[Mark] = (),
) -> Grade:
    """The grade for the criteria that have a verdict; the others are left out of its maximum.

    `marks` are what people have said of this student's answers; a mark of the very answer that the
    verdict is about takes its place.
    """
    by_id = {verdict.criterion: _marked(submission, verdict, marks) for verdict in verdicts}
    rows: dict[str, CriterionGrade] = {}
    for criterion in rubric.criteria:
        if criterion.id in by_id:
            verdict = _with_dependencies(criterion, by_id[criterion.id], rows)
            rows[criterion.id] = _points(criterion, verdict)
    known = Grade(
        student=submission.student,
        submission=submission,
        criteria=tuple(rows.values()),
        score=0.0,
        max=min(sum(row.max for row in rows.values()), rubric.cap),
        seconds=seconds,
    )
    return for_student(rubric, known, submission.student)


def for_student(rubric: Rubric, graded: Grade, student: str) -> Grade:
    """What was graded, as one student's: the late penalty is their own."""
    late = lateness(rubric.late, student, graded.submission)
    earned = sum(row.points for row in graded.criteria if row.points is not None)
    penalty = earned * late.share
    return dataclasses.replace(
        graded,
        student=student,
        score=round(_capped(rubric, earned - penalty), 4),
        late_penalty=round(penalty, 4),
        notes=(*graded.submission.notes, *late.notes),
    )


def possible(rubric: Rubric, graded: Grade) -> float:
    """The score of a student's grade, should all that is not known yet earn full points."""
    late = lateness(rubric.late, graded.student, graded.submission)
    most = sum(row.max if row.points is None else row.points for row in graded.criteria)
    return round(_capped(rubric, most * (1 - late.share)), 4)


def _capped(rubric: Rubric, score: float) -> float:
    return min(max(0.0, score), rubric.cap)


def _marked(submission: Submission, verdict: Verdict, marks: Sequence[Mark]) -> Verdict:
    """The verdict as a person has it, where one has looked at the answer. While two who did not
    know of each other contradict each other it waits, whatever a check has said of it."""
    place = position_of(marks, submission, verdict)
    if place.conflict:
        reason = "Two people marked this, not alike: it is looked at once more."
        return dataclasses.replace(verdict, status="needs_marking", fraction=0.0, reason=reason)
    mark = place.mark
    if mark is None or mark.points is None:
        return verdict
    fraction = min(1.0, mark.points / mark.max)
    by_hand = {
        "by": mark.marker, "at": mark.at, "points": mark.points, "of": mark.max,
        "instead_of": f"{verdict.status}: {verdict.reason}",
    }  # fmt: skip
    return dataclasses.replace(
        verdict,
        status="passed" if fraction == 1 else "partial" if fraction else "failed",
        fraction=fraction,
        reason=f"{mark.text}\n\n{BY_HAND}".strip(),
        next_step="",
        seen={**verdict.seen, "marked": by_hand},
    )


def _points(criterion: Criterion, verdict: Verdict) -> CriterionGrade:
    # `min(1.0, nan)` is 1.0: a fraction that is not a number must never become points.
    if not math.isfinite(verdict.fraction) or not 0 <= verdict.fraction <= 1:
        raise ValueError(f"{criterion.id}: a fraction of {verdict.fraction} is not within 0 and 1")
    waiting = verdict.status in ("not_scored", "needs_marking")
    points = None if waiting else round(criterion.points * verdict.fraction, 4)
    return CriterionGrade(
        verdict, criterion.title, criterion.part, criterion.visibility, criterion.points, points
    )


def _with_dependencies(
    criterion: Criterion, verdict: Verdict, rows: Mapping[str, CriterionGrade]
) -> Verdict:
    """A criterion earns nothing while one that it depends on earned nothing."""
    for other in criterion.depends_on:
        row = rows.get(other)
        if row is None or row.verdict.status == "needs_marking" or row.points:
            continue
        if row.verdict.status == "not_scored":
            reason = f"This waits for '{row.title}', which could not be scored yet."
            return dataclasses.replace(verdict, status="not_scored", fraction=0.0, reason=reason)
        reason = f"This depends on '{row.title}', which earned nothing."
        return dataclasses.replace(verdict, status="failed", fraction=0.0, reason=reason)
    return verdict

