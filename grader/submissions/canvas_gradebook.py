"""The CSV that Canvas's gradebook exports, and imports again ("Gradebook Export" and "Import
Grades" in its Instructor Guide).

    Student,ID,SIS User ID,SIS Login ID,Section,Homework 1 (7)
        Points Possible,,,,,10
    "Lovelace, Ada",11,s11,ada@example.edu,ESE 546,9

Canvas writes a mark for the byte order in front, and rows that are no students: points possible,
perhaps one that says how assignments are posted, and the one that it leaves for trying things out.
"""

from __future__ import annotations

import csv
from pathlib import Path

from grader.errors import UsageError

STUDENT, ID, SIS, LOGIN, SECTION = "Student", "ID", "SIS User ID", "SIS Login ID", "Section"
POSSIBLE = "Points Possible"
_NEEDED = (STUDENT, ID)


def read_gradebook(path: Path) -> list[dict[str, str]]:
    """The rows of students. Raises UsageError for a file that is not Canvas's."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file, restval=""))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path}: cannot be read: {error}") from None
    missing = [name for name in _NEEDED if not rows or name not in rows[0]]
    if missing:
        raise UsageError(
            f"{path}:1: no column '{missing[0]}'; expected the file that Canvas's gradebook "
            "exports (Export > Export Entire Gradebook)"
        )
    nobody = (POSSIBLE, "Student, Test")
    return [row for row in rows if row[ID] and row[STUDENT].strip() not in nobody]


def spoken(name: str) -> str:
    """A name as it is said: `Ada Lovelace` for `Lovelace, Ada`."""
    return " ".join(reversed(name.split(", ", 1)))
