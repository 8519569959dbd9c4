"""What Canvas's "Download Submissions" leaves: files named after student, numbers and file.

    lovelaceada_123_4567_hw2.py             name, number of the student, number of the file, file
    lovelaceada_LATE_123_4568_hw2-1.py      late, and handed in again: Canvas appended the -1

Canvas downloads the files of the last attempt only. Where earlier downloads lie beside it, or are
imported, there are several. It writes no time into a name, only that a submission was late.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from pathlib import Path

from grader.errors import UsageError
from grader.submissions.layout import Upload, Someone
from grader.submissions.student_names import owner

STUDENT, ID, SIS, LOGIN, SECTION = "Student", "ID", "SIS User ID", "SIS Login ID", "Section"
POSSIBLE = "Points Possible"
_NEEDED = (STUDENT, ID)
_AGAIN = re.compile(r"-\d{1,3}(?=(\.[^.]*)?$)")


def uploads(files: Sequence[Path]) -> list[Upload]:
    """What one student handed in, from the first attempt to the last: a file that Canvas numbered,
    since it has come before, begins another. The files' own numbers say what came before."""
    names = {owner(file.name).file for file in files}
    rounds: list[list[Path]] = [[]]
    seen: set[str] = set()
    for file in sorted(files, key=lambda file: owner(file.name).number):
        told = owner(file.name).file
        name = first_name(told, names)
        if name in seen and name != told:
            rounds.append([])
            seen.clear()
        seen.add(name)
        rounds[-1].append(file)
    return [_upload(found, number) for number, found in enumerate(rounds, start=1)]


def first_name(name: str, beside: set[str]) -> str:
    """What a file was called before Canvas numbered it. One that is called hw2-1.py by its author
    keeps its name, as far as that can be told: hw2.py is not there."""
    plain = _AGAIN.sub("", name)
    return plain if plain in beside else name


def file_names(files: Sequence[Path]) -> dict[Path, str]:
    """What files of one attempt were called by their author. Canvas numbers the code that is handed
    in anew, and no script imports `params-1`."""
    told = [owner(file.name).file for file in files]
    names: dict[Path, str] = {}
    for file in files:
        name = owner(file.name).file
        numbered = owner(file.name).number and name.lower().endswith(".py")
        plain = _AGAIN.sub("", name) if numbered else name
        alike = [other for other in told if _AGAIN.sub("", other) == plain]
        name = plain if len(alike) == 1 else name
        names[file] = file.name if name in names.values() else name
    return names


def _upload(files: list[Path], attempt: int) -> Upload:
    told = [owner(file.name) for file in files]
    group = told[0].group or ""
    who = Someone(group, told[0].student, canvas_id=group.removeprefix("canvas "))
    numbers = " ".join(str(one.number) for one in told)
    in_order = tuple(sorted(files, key=lambda file: file.name))
    late = any(one.late for one in told)
    return Upload((who,), in_order, attempt, late=late, origin=f"canvas {numbers}")


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
