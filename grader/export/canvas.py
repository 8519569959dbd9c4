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
from grader.export.grades import neutral
from grader.export.saved import Saved, SavedGrade

STUDENT, ID, SIS, LOGIN, SECTION = "Student", "ID", "SIS User ID", "SIS Login ID", "Section"
_NEEDED = (STUDENT, ID)
_KEPT = (STUDENT, ID, SIS, LOGIN, SECTION)
_POSSIBLE = "Points Possible"


@dataclass(frozen=True)
class CanvasFile:
    """`text` to import. `strangers` are students with marks who are not in the roster, `blank`
    those in it whose score is not known in full yet, `absent` those without a submission."""

    text: str
    strangers: tuple[str, ...]
    blank: tuple[str, ...]
    absent: tuple[str, ...]


def canvas_csv(saved: Saved, roster: Path, assignment: str) -> CanvasFile:
    """`assignment` is the column's heading; with Canvas's number in it, `Homework 2 (123)`, the
    points go into that assignment, and without one Canvas asks which.

    A score that is not known in full is left blank, which changes nothing in Canvas. Raises
    UsageError for a roster that is not Canvas's.
    """
    rows = _read(roster)
    found = {name: grade for grade in saved.submissions for name in [_plain(grade.student)]}
    kept = [name for name in _KEPT if name in rows[0]]
    written = io.StringIO(newline="")
    writer = csv.writer(written)
    writer.writerow([*kept, assignment])
    writer.writerow([f"    {_POSSIBLE}", *[""] * (len(kept) - 1), f"{saved.rubric.cap:g}"])
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


def _score(grade: SavedGrade | None) -> str:
    return "" if grade is None or grade.final is None else f"{grade.final:g}"


def _read(roster: Path) -> list[dict[str, str]]:
    try:
        with roster.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{roster}: cannot be read: {error}") from None
    missing = [name for name in _NEEDED if not rows or name not in rows[0]]
    if missing:
        raise UsageError(
            f"{roster}:1: no column '{missing[0]}'; expected the file that Canvas's gradebook "
            "exports (Export > Export Entire Gradebook)"
        )
    # The points possible, and the row that Canvas leaves for students who only try things out.
    return [
        row for row in rows
        if row[ID] and (row[STUDENT] or "").strip() not in (_POSSIBLE, "Student, Test")
    ]


def _names(row: dict[str, str]) -> list[str]:
    """What a student's submission may be called after: login, numbers, and the name as it stands in
    the names of downloaded files (`lovelaceada` for `Lovelace, Ada`)."""
    given = [row.get(LOGIN), row.get(SIS), row[ID], row[STUDENT]]
    given += [" ".join(reversed((row[STUDENT] or "").split(", ")))]
    login = (row.get(LOGIN) or "").partition("@")[0]
    return [name for name in map(_plain, [*(one or "" for one in given), login]) if name]


def _plain(name: str) -> str:
    return re.sub(r"[\W_]", "", name.casefold())
