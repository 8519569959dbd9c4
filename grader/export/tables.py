"""Grades as CSV: our own table, whose columns are stable, and nbgrader's and otter-grader's."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from grader.reports.grades_file import missing
from grader.reports.saved_grades import SavedGrades
from grader.submissions.roster import Person, Roster
from grader.text import neutral

# nbgrader 0.9, `nbgrader export` (nbgrader/plugins/export.py).
_NBGRADER = (
    "assignment", "duedate", "timestamp", "student_id", "last_name", "first_name", "email",
    "raw_score", "late_submission_penalty", "score", "max_score",
)  # fmt: skip


# Our table's; a column of points for each criterion follows, in the rubric's order.
_OURS = (
    "student", "name", "email", "sid", "section", "score", "max", "state", "late_penalty",
    "submitted_at", "attempt", "group", "missing", "grader",
)  # fmt: skip


def class_csv(saved: SavedGrades, roster: Roster) -> str:
    """Return our table, with a row per student, including those who handed in nothing.

    Scores that are not complete are blank. docs/exports.md describes the columns.
    """
    rows = []
    for grade in saved.submissions:
        points = {row.id: row.points for row in grade.criteria}
        rows.append([
            *_who(roster, grade.student), _number(grade.final), _number(grade.max), grade.state,
            _number(grade.late_penalty), _moment(grade.submitted_at), str(grade.attempt),
            neutral(" ".join(grade.group)),
            missing((saved.by_id[row.id].part, row.status) for row in grade.criteria),
            _grader(roster, grade.student),
            *(_number(points.get(one.id)) for one in saved.rubric.criteria),
        ])  # fmt: skip
    graded = {grade.student for grade in saved.submissions}
    for one in roster.people:
        if one.student not in graded:
            row = [*_who(roster, one.student), "", f"{saved.rubric.maximum:g}", "no_submission"]
            row += [""] * (len(_OURS) - 1 - len(row))
            rows.append([*row, neutral(one.grader), *[""] * len(saved.rubric.criteria)])
    head = [*_OURS, *(one.id for one in saved.rubric.criteria)]
    return _csv(head, sorted(rows, key=lambda row: row[0]))


def nbgrader_csv(saved: SavedGrades, roster: Roster) -> str:
    """Return the table of `nbgrader export`; a score that is not complete is blank."""
    rows = []
    for grade in saved.submissions:
        final = grade.final
        raw = None if final is None else final + grade.late_penalty
        scores = [raw, grade.late_penalty, final, grade.max]
        times = [_plain_time(saved.due), _plain_time(grade.submitted_at)]
        _, name, email, *_ = _who(roster, grade.student)
        first, _, last = name.rpartition(" ")
        who = [neutral(saved.rubric.title), *times, neutral(grade.student), last, first, email]
        rows.append([*who, *map(_number, scores)])
    return _csv(_NBGRADER, rows)


def otter_csv(saved: SavedGrades) -> str:
    """Return otter-grader 7's `final_grades.csv` (otter/grade/utils.py).

    It has points by question, and a first row with the points that are possible.
    """
    ids = sorted(criterion.id for criterion in saved.rubric.criteria)
    head = ["file", *ids, "total_points_earned", "percent_correct", "grading_status"]
    possible = [f"{saved.by_id[id].points:g}" for id in ids]
    rows = [["points-per-question", *possible, f"{saved.rubric.maximum:g}", "1", "--"]]
    for grade in saved.submissions:
        points = {row.id: row.points for row in grade.criteria}
        by_question = [_number(points.get(id)) for id in ids]
        final = grade.final
        share = None if final is None else final / grade.max
        status = grade.state if final is None else "Completed"
        rows.append([neutral(grade.student), *by_question, _number(final), _number(share), status])
    return _csv(head, rows)


def _who(roster: Roster, student: str) -> list[str]:
    one = roster.by_student.get(student, Person(student))
    return [neutral(text) for text in (one.student, one.name, one.email, one.sid, one.section)]


def _grader(roster: Roster, student: str) -> str:
    return neutral(roster.by_student.get(student, Person(student)).grader)


def _moment(time: datetime | None) -> str:
    return "" if time is None else time.astimezone(UTC).isoformat(timespec="seconds")


def _plain_time(time: datetime | None) -> str:
    """Format a time as nbgrader does: in UTC, without a zone."""
    return "" if time is None else str(time.astimezone(UTC).replace(tzinfo=None))


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _csv(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    written = io.StringIO(newline="")
    writer = csv.writer(written)
    writer.writerow(head)
    writer.writerows(rows)
    return written.getvalue()
