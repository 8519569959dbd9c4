"""Verdicts -> Grade: points, dependencies, the late penalty, the cap."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from grader.records import CriterionGrade, Grade, Submission, Verdict
from grader.rubric import Criterion, Late, Rubric


def grade(
    rubric: Rubric, submission: Submission, verdicts: Sequence[Verdict], seconds: float = 0.0
) -> Grade:
    """The grade for the criteria that have a verdict; the others are left out of its maximum."""
    by_id = {verdict.criterion: verdict for verdict in verdicts}
    rows: dict[str, CriterionGrade] = {}
    for criterion in rubric.criteria:
        if criterion.id in by_id:
            verdict = _with_dependencies(criterion, by_id[criterion.id], rows)
            rows[criterion.id] = _points(criterion, verdict)
    earned = sum(row.points for row in rows.values() if row.points is not None)
    penalty, note = _late(rubric.late, submission.submitted_at, earned)
    score = min(max(0.0, earned - penalty), rubric.cap)
    return Grade(
        student=submission.student,
        submission=submission,
        criteria=tuple(rows.values()),
        score=round(score, 4),
        max=min(sum(row.max for row in rows.values()), rubric.cap),
        late_penalty=round(penalty, 4),
        seconds=seconds,
        notes=(*submission.notes, *note),
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


def _late(
    late: Late | None, submitted: datetime | None, earned: float
) -> tuple[float, tuple[str, ...]]:
    """Points lost for lateness, and a note that says how they came about."""
    if late is None:
        return 0.0, ()
    if submitted is None:
        return 0.0, ("The time of submission is not known; no late penalty was taken.",)
    over = submitted - (late.due + timedelta(minutes=late.grace_minutes))
    if over <= timedelta(0):
        return 0.0, ()
    days = math.ceil(over / timedelta(days=1))
    share = 1.0 if days > late.max_days else min(1.0, days * late.per_day)
    return earned * share, (f"Late by {days} day{'s' * (days > 1)}: {share:.0%} taken off.",)
