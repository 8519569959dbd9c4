"""Canvas's two exports: the files of "Download Submissions", and the gradebook's CSV.

    lovelaceada_123_4567_hw2.py             name, number of the student, number of the file, file
    lovelaceada_LATE_123_4568_hw2-1.py      late, and submitted again: Canvas appended the -1
    hoppergrace_77_text.html                a text, or _link.html: typed in, without a file

A download has the files of the last attempt only; several downloads in one folder have more. The
names say that a submission was late but have no time. The gradebook is imported again by Canvas
("Gradebook Export" and "Import Grades" in its Instructor Guide):

    Student,ID,SIS User ID,SIS Login ID,Section,Homework 1 (7)
        Points Possible,,,,,10
    "Lovelace, Ada",11,s11,ada@example.edu,ESE 546,9

It starts with a byte order mark, and has rows for the points possible and for a test student.
"""

from __future__ import annotations

import hashlib
import itertools
import re
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePath

from grader.rubric.csv_table import read_table
from grader.submissions.layout import Submitter, Upload
from grader.submissions.safe_writer import kind
from grader.submissions.student_names import owner

STUDENT, ID, SIS, LOGIN, SECTION = "Student", "ID", "SIS User ID", "SIS Login ID", "Section"
POSSIBLE = "Points Possible"
_AGAIN = re.compile(r"-\d{1,3}(?=(\.[^.]*)?$)")


def uploads(files: Sequence[Path]) -> list[Upload]:
    """Split one student's files into attempts, first to last.

    Canvas's numbers of files give the order. A file that Canvas renamed to hw2-1.py, because hw2.py
    came before, begins another attempt.
    """
    names = {owner(file.name).file for file in files}
    rounds: list[list[Path]] = [[]]
    seen: set[str] = set()
    for file in sorted(files, key=lambda file: owner(file.name).number):
        named = owner(file.name).file
        name = name_before_numbering(named, names)
        if name in seen and name != named:
            rounds.append([])
            seen.clear()
        seen.add(name)
        rounds[-1].append(file)
    return [_upload(found, number) for number, found in enumerate(rounds, start=1)]


def name_before_numbering(name: str, beside: set[str]) -> str:
    """Return a file's name before Canvas appended a number.

    If hw2.py is not among the files `beside` it, hw2-1.py is taken for the author's own name.
    """
    plain = _AGAIN.sub("", name)
    return plain if plain in beside else name


def file_names(files: Sequence[Path]) -> dict[Path, str]:
    """Return the names that the author gave to the files of one attempt.

    Canvas numbers code that is submitted again, but scripts import `params` and not `params-1`.
    """
    given = [owner(file.name).file for file in files]
    names: dict[Path, str] = {}
    for file in files:
        name = owner(file.name).file
        numbered = owner(file.name).number and name.lower().endswith(".py")
        plain = _AGAIN.sub("", name) if numbered else name
        alike = [other for other in given if _AGAIN.sub("", other) == plain]
        name = plain if len(alike) == 1 else name
        names[file] = next(one for one in _choices(name, file) if one not in names.values())
    return names


def _choices(name: str, file: Path) -> Iterator[str]:
    """Yield names for a file, the best first; in one spelling, so that none replaces another."""
    yield name
    whole = PurePath(unicodedata.normalize("NFC", file.name))
    yield whole.name
    for number in itertools.count(2):
        yield f"{whole.stem}_{number}{whole.suffix}"


def _upload(files: list[Path], attempt: int) -> Upload:
    owners = [owner(file.name) for file in files]
    group = owners[0].group or ""
    who = Submitter(group, owners[0].student, canvas_id=group.removeprefix("canvas "))
    numbers = " ".join(str(one.number) for one in owners)
    origin = f"canvas {numbers}" if all(one.number for one in owners) else _typed(files)
    in_order = tuple(sorted(files, key=lambda file: file.name))
    late = any(one.late for one in owners)
    return Upload((who,), in_order, attempt, late=late, origin=origin)


def _typed(files: list[Path]) -> str:
    """Return a name for a text or a link, which has no number: another text is another attempt."""
    digest = hashlib.sha256()
    for file in files:
        if kind(file) == "file":
            digest.update(file.read_bytes())
    return f"canvas-entry {digest.hexdigest()[:12]}"


def read_gradebook(path: Path) -> list[dict[str, str]]:
    """Return the gradebook's rows of students. Raises UsageError for any other file."""
    expected = "the file that Canvas's gradebook exports (Export > Export Entire Gradebook)"
    rows = read_table(path, (STUDENT, ID), (SIS, LOGIN, SECTION), expected)
    return [row for _, row in rows if row[ID] and row[STUDENT] not in (POSSIBLE, "Student, Test")]


def given_name_first(name: str) -> str:
    """Return `Ada Lovelace` for `Lovelace, Ada`."""
    return " ".join(reversed(name.split(", ", 1)))
