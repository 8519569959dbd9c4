"""Turns verdicts into a grade: points, dependencies, late penalty, cap."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal

from grader.grading.late_penalty import lateness
from grader.grading.marks import Mark, position_of
from grader.records import CriterionGrade, Grade, Submission, Verdict
from grader.rubric.model import Criterion, Rubric

BY_HAND = "Graded manually."


def grade(
    rubric: Rubric,
    submission: Submission,
    verdicts: Sequence[Verdict],
    seconds: float = 0.0,
    marks: Sequence[Mark] = (),
) -> Grade:
    """Return the grade for the criteria that have a verdict.

    Args:
        rubric: its points, dependencies, late policy and cap apply.
        submission: the submission; the grade is for its first owner.
        verdicts: criteria without one do not count towards the grade's maximum.
        seconds: the time that grading took.
        marks: marks that people gave; one for the answer that a verdict is about replaces it.

    Raises ValueError for a verdict whose fraction is not within 0 and 1.
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
    """Return the grade for one owner of the submission, with that student's late penalty."""
    late = lateness(rubric.late, student, graded.submission)
    earned = sum(row.points for row in graded.criteria if row.points is not None)
    penalty = earned * late.share
    return dataclasses.replace(
        graded,
        student=student,
        score=_score(rubric, earned - penalty),
        late_penalty=round(penalty, 4),
        notes=(*graded.submission.notes, *late.notes, *_rounding_note(rubric, earned - penalty)),
    )


def possible(rubric: Rubric, graded: Grade) -> float:
    """Return the score if every criterion that is not graded yet earned full points."""
    late = lateness(rubric.late, graded.student, graded.submission)
    most = sum(row.max if row.points is None else row.points for row in graded.criteria)
    return _score(rubric, most * (1 - late.share))


def _score(rubric: Rubric, points: float) -> float:
    return round(_capped(rubric, _rounded(rubric, points)), 4)


def _rounded(rubric: Rubric, points: float) -> float:
    """Round to a multiple of the rubric's step; a half goes up, in the student's favour."""
    if rubric.rounding is None:
        return points
    step = Decimal(str(rubric.rounding))
    steps = Decimal(str(round(points, 6))) / step
    return float(steps.to_integral_value(ROUND_HALF_UP) * step)


def _rounding_note(rubric: Rubric, points: float) -> list[str]:
    """Explain a score that is not the sum of the points."""
    if rubric.rounding is None or abs(_rounded(rubric, points) - points) < 1e-4:
        return []
    return [f"The score is {points:.4g} points, rounded to a multiple of {rubric.rounding:g}."]


def _capped(rubric: Rubric, score: float) -> float:
    return min(max(0.0, score), rubric.cap)


def _marked(submission: Submission, verdict: Verdict, marks: Sequence[Mark]) -> Verdict:
    """Return the verdict of the mark that counts, or the check's own if there is no mark.

    Conflicting marks make it `needs_marking`, whatever the check's verdict is.
    """
    place = position_of(marks, submission, verdict)
    if place.conflict:
        reason = "Two people marked this differently, so it will be marked again."
        return dataclasses.replace(verdict, status="needs_marking", fraction=0.0, reason=reason)
    mark = place.mark
    if mark is None or mark.points is None:
        return verdict
    fraction = min(1.0, mark.points / mark.max)
    by_hand = {
        "by": mark.marker, "at": mark.at, "points": mark.points, "of": mark.max,
        "instead_of": f"{verdict.result}: {verdict.reason}",
    }  # fmt: skip
    return dataclasses.replace(
        verdict,
        status="passed" if fraction == 1 else "partial" if fraction else "failed",
        fraction=fraction,
        reason=f"{mark.text}\n\n{BY_HAND}".strip(),
        next_step="",
        attempted=True,
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
    if not verdict.attempted:
        return verdict   # its own reason says more
    for other in criterion.depends_on:
        row = rows.get(other)
        if row is None or row.verdict.status == "needs_marking" or row.points:
            continue
        if row.verdict.status == "not_scored":
            reason = f"Not scored, because '{row.title}' could not be scored yet."
            return dataclasses.replace(verdict, status="not_scored", fraction=0.0, reason=reason)
        reason = f"This requires '{row.title}', which earned no points."
        return dataclasses.replace(verdict, status="failed", fraction=0.0, reason=reason)
    return verdict

