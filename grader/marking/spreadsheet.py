"""Writes a CSV file with a row per answer that needs marking, and reads it back.

Spreadsheet programs change the file's form and decimal points by country; all common ones are read.
Rows may be sorted; rows without points are skipped. Either all other rows are stored or, if one is
wrong, none.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from grader.errors import UsageError
from grader.marking.answers import StudentAnswer, in_order
from grader.marking.new_marks import NewMark, NotAllowed, check_mark
from grader.marking.payloads import answer_text
from grader.marking.service import MarkingService, conflict_message
from grader.rubric.csv_table import read_table
from grader.text import neutral, plain, plain_line, write_text

COLUMNS = ("id", "criterion", "number", "answer", "max", "points", "comment", "version")
_NEEDED = ("id", "criterion", "points", "comment", "version")
_NUMBER = re.compile(r"\d+(?:[.,]\d{1,4})?")
_LONGEST = 30_000   # characters in a cell; Excel takes 32,767


@dataclass(frozen=True)
class _FilledRow:
    """A row with points or a comment, and the line where it begins."""

    line: int
    cells: dict[str, str]


def write_csv(service: MarkingService, path: Path, marker: str, *, names: bool) -> int:
    """Write a row per answer that needs marking; returns their number.

    Args:
        marker: decides the order of the rows.
        names: whether to add a column with the students' names.
    """
    head = [*COLUMNS, "student"] if names else list(COLUMNS)
    written = io.StringIO(newline="")
    writer = csv.writer(written)
    writer.writerow(head)
    rows = 0
    for criterion, answers in service.everything():
        for one in in_order(answers, marker):
            if one.state == "waiting":
                text = answer_text(service, one, names=names)[:_LONGEST]
                cells = [one.key, criterion.id, one.name, "\n".join(map(neutral, text.split("\n"))),
                         f"{criterion.points:g}", "", "", _version(one)]
                writer.writerow([*cells, neutral(one.student)] if names else cells)
                rows += 1
    # Without a byte order mark Excel assumes an encoding by country.
    write_text(path, ["\ufeff", written.getvalue()])
    return rows


def read_csv(service: MarkingService, path: Path, marker: str) -> int:
    """Store the marks in a CSV file; returns how many are new.

    Raises UsageError, with a line per faulty row, if any row is faulty; then it stores none.
    """
    known = {one.key: one for _, answers in service.everything() for one in answers}
    marks: list[tuple[StudentAnswer, str, NewMark, int]] = []
    errors: list[str] = []
    lines: dict[str, int] = {}
    for row in _rows(path):
        try:
            answer, new = _read(row, known)
            if answer.key in lines:
                raise NotAllowed(f"the same answer is also in line {lines[answer.key]}")
            lines[answer.key] = row.line
            if not _is_stored(answer, marker, new):
                _check_version(row, answer)
                check_mark(answer, new)
                marks.append((answer, marker, new, answer.place.version))
        except NotAllowed as error:
            errors.append(f"{path}:{row.line}: {error}")
    if errors:
        raise UsageError("\n".join([*errors, "No mark of this file was stored."]))
    service.mark_all(marks)
    return len(marks)


def _read(row: _FilledRow, known: dict[str, StudentAnswer]) -> tuple[StudentAnswer, NewMark]:
    cells = row.cells
    answer = known.get(cells["id"].strip())
    if answer is None or answer.criterion.id != cells["criterion"].strip():
        found = plain_line(f"{cells['id']} of {cells['criterion']}", 80)
        raise NotAllowed(f"id: there is no answer {found}; leave the columns id, criterion and "
                         "version as --csv-out wrote them")
    points = cells["points"].strip()
    if not _NUMBER.fullmatch(points):
        found = f"found '{plain_line(points, 40)}'" if points else "missing beside a comment"
        raise NotAllowed(f"points: {found}; expected a number from 0 to "
                         f"{answer.criterion.points:g}")
    comment = plain(cells["comment"]).strip()
    return answer, NewMark(float(points.replace(",", ".")), comment=comment)


def _check_version(row: _FilledRow, answer: StudentAnswer) -> None:
    number, _, digest = row.cells["version"].strip().partition("-")
    if digest != _version(answer).partition("-")[2]:
        raise NotAllowed(f"{answer.name}: the student submitted another answer after --csv-out; "
                         "write a new CSV for it")
    if number != str(answer.place.version):
        raise NotAllowed(f"{conflict_message(answer)}, after --csv-out, and is not overwritten: "
                         "remove this row, or mark the answer on the page")


def _is_stored(answer: StudentAnswer, marker: str, new: NewMark) -> bool:
    """True if an earlier reading of the file has stored this mark."""
    mark = answer.place.mark
    return mark is not None and (mark.marker, mark.points, mark.text) == (
        marker, new.points, new.comment
    )


def _version(answer: StudentAnswer) -> str:
    return f"{answer.place.version}-{answer.digest[:12]}"


def _rows(path: Path) -> Iterator[_FilledRow]:
    """Yield the rows with points or a comment. Raises UsageError for another CSV."""
    for line, cells in read_table(path, _NEEDED, expected="the file that --csv-out wrote"):
        if cells["points"] or cells["comment"]:
            yield _FilledRow(line, cells)
