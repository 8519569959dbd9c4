"""Grades as the tables of other autograders, column by column as they write them themselves."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from grader.export.grades import neutral
from grader.export.saved import Saved

# nbgrader 0.9, `nbgrader export` (nbgrader/plugins/export.py).
_NBGRADER = (
    "assignment", "duedate", "timestamp", "student_id", "last_name", "first_name", "email",
    "raw_score", "late_submission_penalty", "score", "max_score",
)  # fmt: skip


def nbgrader_csv(saved: Saved) -> str:
    """A row per student; no score while it is not known in full."""
    rows = []
    for grade in saved.submissions:
        final = grade.final
        raw = None if final is None else final + grade.late_penalty
        scores = [raw, grade.late_penalty, final, grade.max]
        who = [neutral(saved.rubric.title), "", "", neutral(grade.student), "", "", ""]
        rows.append([*who, *map(_number, scores)])
    return _csv(_NBGRADER, rows)


def otter_csv(saved: Saved) -> str:
    """As otter-grader 7's `final_grades.csv` (otter/grade/utils.py): points by question, and a
    first row with those possible."""
    ids = sorted(criterion.id for criterion in saved.rubric.criteria)
    head = ["file", *ids, "total_points_earned", "percent_correct", "grading_status"]
    possible = [f"{saved.by_id[id].points:g}" for id in ids]
    rows = [["points-per-question", *possible, f"{saved.rubric.cap:g}", "1", "--"]]
    for grade in saved.submissions:
        points = {row.id: row.points for row in grade.criteria}
        by_question = [_number(points.get(id)) for id in ids]
        final = grade.final
        share = None if final is None else final / grade.max
        status = grade.state if final is None else "Completed"
        rows.append([neutral(grade.student), *by_question, _number(final), _number(share), status])
    return _csv(head, rows)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _csv(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    written = io.StringIO(newline="")
    writer = csv.writer(written)
    writer.writerow(head)
    writer.writerows(rows)
    return written.getvalue()
