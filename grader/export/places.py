"""Where exports write: new folders only, and names of files that lead nowhere else."""

from __future__ import annotations

from pathlib import Path, PurePath

from grader.errors import UsageError
from grader.text import plain_line


def must_be_new(to: Path) -> None:
    """Raise UsageError for a file, and for a folder that holds something.

    What an earlier export left there would be taken for a part of this one.
    """
    if to.is_file() or (to.is_dir() and any(to.iterdir())):
        raise UsageError(f"{to} exists already; remove it, or name another path with --to")


def file_name(student: str) -> str:
    """Return a student's key as the name of a file. Raises UsageError if it is none."""
    if PurePath(student).name != student or student in (".", "..") or "\\" in student:
        raise UsageError(f"student '{plain_line(student, 80)}' in grades.json is no file name; "
                         "correct the column student of the class's roster.csv and run "
                         "`grader run` again")
    return student
