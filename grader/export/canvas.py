"""Grades as a CSV that Canvas's gradebook imports.

Canvas knows students by its own numbers, so its exported gradebook is the roster: the same rows,
in the same order, with one column filled in. Header and second row ("Points Possible") are as
Canvas writes them itself ("Gradebook Export" and "Import Grades" in its Instructor Guide).
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.errors import UsageError
from grader.export.canvas_students import KEY, Row, tell
from grader.reports.saved_grades import SavedGrade, SavedGrades
from grader.submissions.canvas import (
    ID,
    LOGIN,
    POSSIBLE,
    SECTION,
    SIS,
    STUDENT,
    read_gradebook,
)
from grader.submissions.roster import Person, Roster
from grader.text import folded, neutral

_KEPT = (STUDENT, ID, SIS, LOGIN, SECTION)
_NUMBERED = re.compile(r"(.+) \(\d+\)", re.DOTALL)   # Canvas's heading of an assignment


@dataclass(frozen=True)
class CanvasFile:
    """A CSV for Canvas, and the students that need attention.

    Attributes:
        text: the CSV.
        strangers: keys of students with grades who have no row.
        blank: keys of students whose score is not complete yet.
        absent: names, as in Canvas, of students without a submission.
        unclear: rows of Canvas's, which are left blank, and keys of students: their names are the
            same, and no number or login tells which is which.
        assignment: the heading of the points' column.
    """

    text: str
    strangers: tuple[str, ...]
    blank: tuple[str, ...]
    absent: tuple[str, ...]
    unclear: tuple[str, ...] = ()
    assignment: str = ""

    @property
    def numbered(self) -> bool:
        """True if Canvas knows by the heading which assignment it is."""
        return _NUMBERED.fullmatch(self.assignment) is not None


def canvas_csv(
    saved: SavedGrades, roster: Roster, gradebook: Path | None, assignment: str,
    students: Collection[str] | None = None,
) -> CanvasFile:
    """Return the grades as a CSV with a row per student of Canvas's.

    Args:
        saved: the grades. A score that is not complete is left blank, which changes nothing in
            Canvas.
        roster: the class's roster, which may know students' logins, numbers and addresses.
        gradebook: the file that Canvas exports, whose rows are used; None stands for a row per
            student whose number in Canvas the roster knows.
        assignment: the column's heading. With Canvas's number in it, `Homework 2 (123)`, the points
            go into that assignment. Without it, the gradebook's column of this name is taken, with
            its number; if there is none, or more than one, Canvas asks.
        students: keys of the students whose rows are written; None stands for all.

    Raises UsageError for a gradebook that is not Canvas's, and if no student's number is known.
    """
    rows = _of_roster(roster) if gradebook is None else read_gradebook(gradebook)
    grades = {one.student: one for one in saved.submissions}
    assignment = _numbered(assignment, rows)
    if students is not None:
        rows = _of(students, rows, roster)
    told = tell(rows, [roster.by_student.get(key, Person(key)) for key in grades])
    kept = [name for name in _KEPT if name in rows[0]] if rows else list(_KEPT)
    written = io.StringIO(newline="")
    writer = csv.writer(written)
    writer.writerow([*kept, neutral(assignment)])
    writer.writerow([f"    {POSSIBLE}", *[""] * (len(kept) - 1), f"{saved.rubric.maximum:g}"])
    absent: list[str] = []
    for number, row in enumerate(rows):
        grade = grades.get(told.students.get(number, ""))
        if grade is None and number not in told.unclear_rows:
            absent.append(row[STUDENT])
        writer.writerow([*(neutral(row[name]) for name in kept), _score(grade)])
    met = [grades[key] for key in told.students.values()]
    blank = tuple(one.student for one in met if one.final is None)
    strangers = tuple(sorted(grades.keys() - {*told.students.values()} - told.unclear))
    unclear = (*(f"{rows[number][STUDENT]} ({rows[number][ID]})"
                 for number in sorted(told.unclear_rows)), *sorted(told.unclear))
    return CanvasFile(written.getvalue(), strangers, blank, tuple(absent), unclear, assignment)


def _numbered(assignment: str, rows: Sequence[Row]) -> str:
    """Return the gradebook's heading of this assignment, with Canvas's number."""
    headings = [name for name in (rows[0] if rows else ()) if (found := _NUMBERED.fullmatch(name))
                and folded(found[1]) == folded(assignment)]
    return headings[0] if len(headings) == 1 else assignment


def _of(students: Collection[str], rows: list[dict[str, str]], roster: Roster
        ) -> list[dict[str, str]]:
    """Return the rows of these students, and those that cannot be told from theirs."""
    told = tell(rows, roster.people)
    kept = {number for number, key in told.students.items() if key in students}
    kept |= told.unclear_rows if told.unclear.intersection(students) else frozenset()
    return [row for number, row in enumerate(rows) if number in kept]


def _of_roster(roster: Roster) -> list[dict[str, str]]:
    rows = [
        {KEY: one.student, STUDENT: one.name or one.student, ID: one.canvas_id, SIS: one.sid,
         LOGIN: one.login, SECTION: one.section}
        for one in roster.people if one.canvas_id
    ]  # fmt: skip
    if not rows:
        raise UsageError(
            "no student's number in Canvas is known; name the file that Canvas's gradebook exports "
            "with --roster, or import the submissions with `grader import canvas` and grade that "
            "folder"
        )
    return rows


def _score(grade: SavedGrade | None) -> str:
    return "" if grade is None or grade.final is None else f"{grade.final:g}"
