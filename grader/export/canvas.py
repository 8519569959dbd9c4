"""Grades as a CSV that Canvas's gradebook imports.

Canvas knows students by its own numbers, so its exported gradebook is the roster: the same rows,
in the same order, with one column filled in. Header and second row ("Points Possible") are as
Canvas writes them itself ("Gradebook Export" and "Import Grades" in its Instructor Guide).
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path

from grader.errors import UsageError
from grader.reports.saved_grades import SavedGrade, SavedGrades
from grader.submissions.canvas import (
    ID,
    LOGIN,
    POSSIBLE,
    SECTION,
    SIS,
    STUDENT,
    given_name_first,
    read_gradebook,
)
from grader.submissions.roster import Person, Roster
from grader.text import neutral

_KEPT = (STUDENT, ID, SIS, LOGIN, SECTION)


@dataclass(frozen=True)
class CanvasFile:
    """A CSV for Canvas, and the students that need attention.

    Attributes:
        text: the CSV.
        strangers: keys of students with grades who have no row.
        blank: keys of students whose score is not complete yet.
        absent: names, as in Canvas, of students without a submission.
    """

    text: str
    strangers: tuple[str, ...]
    blank: tuple[str, ...]
    absent: tuple[str, ...]


def canvas_csv(
    saved: SavedGrades, roster: Roster, gradebook: Path | None, assignment: str
) -> CanvasFile:
    """Return the grades as a CSV with a row per student of Canvas's.

    Args:
        saved: the grades. A score that is not complete is left blank, which changes nothing in
            Canvas.
        roster: the class's roster, which may know students' logins, numbers and addresses.
        gradebook: the file that Canvas exports, whose rows are used; None stands for a row per
            student whose number in Canvas the roster knows.
        assignment: the column's heading. With Canvas's number in it, `Homework 2 (123)`, the points
            go into that assignment; otherwise Canvas asks.

    Raises UsageError for a gradebook that is not Canvas's, and if no student's number is known.
    """
    rows = _of_roster(roster) if gradebook is None else read_gradebook(gradebook)
    found = {name: one for one in saved.submissions for name in _words(one.student, roster)}
    kept = [name for name in _KEPT if name in rows[0]]
    written = io.StringIO(newline="")
    writer = csv.writer(written)
    writer.writerow([*kept, assignment])
    writer.writerow([f"    {POSSIBLE}", *[""] * (len(kept) - 1), f"{saved.rubric.maximum:g}"])
    met: list[str] = []
    blank: list[str] = []
    absent: list[str] = []
    for row in rows:
        grade = next((found[name] for name in _names(row) if name in found), None)
        if grade is None:
            absent.append(row[STUDENT])
        else:
            met.append(grade.student)
            if grade.final is None:
                blank.append(grade.student)
        writer.writerow([*(neutral(row[name] or "") for name in kept), _score(grade)])
    strangers = [one.student for one in saved.submissions if one.student not in met]
    return CanvasFile(written.getvalue(), tuple(strangers), tuple(blank), tuple(absent))


def _of_roster(roster: Roster) -> list[dict[str, str]]:
    rows = [
        {"student": one.student, STUDENT: one.name or one.student, ID: one.canvas_id, SIS: one.sid,
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


def _words(student: str, roster: Roster) -> list[str]:
    """Return what a student may be called in Canvas, according to the roster."""
    one = roster.by_student.get(student, Person(student))
    return [name for name in map(_plain, (one.student, one.email, one.sid, one.login)) if name]


def _score(grade: SavedGrade | None) -> str:
    return "" if grade is None or grade.final is None else f"{grade.final:g}"


def _names(row: dict[str, str]) -> list[str]:
    """Return the names that a student's submission may have.

    These are login, numbers, and the name as in downloaded files (`lovelaceada`).
    """
    given = [row.get("student"), row.get(LOGIN), row.get(SIS), row[ID], row[STUDENT]]
    given += [given_name_first(row[STUDENT] or "")]
    login = (row.get(LOGIN) or "").partition("@")[0]
    return [name for name in map(_plain, [*(one or "" for one in given), login]) if name]


def _plain(name: str) -> str:
    return re.sub(r"[\W_]", "", name.casefold())
