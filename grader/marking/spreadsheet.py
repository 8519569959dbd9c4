"""Marking in a spreadsheet: a CSV with a row per answer that waits, and the same file read back.

Who has opened it in between may have changed its separators, its encoding's mark and its decimal
points: spreadsheets do, by country. Its rows may be sorted, and those without points are left
alone. All the others are kept or, where one of them is wrong, none.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from grader.errors import UsageError
from grader.files import replace
from grader.marking import payloads as cards
from grader.marking.answers import Answer, in_order
from grader.marking.service import Desk, Given, NotAllowed, changed, check
from grader.text import neutral, plain, plain_line

COLUMNS = ("id", "criterion", "number", "answer", "max", "points", "comment", "version")
_NEEDED = ("id", "criterion", "points", "comment", "version")
_NUMBER = re.compile(r"\d+(?:[.,]\d{1,4})?")
_LONGEST = 30_000   # characters in a cell; Excel takes 32,767


@dataclass(frozen=True)
class _Row:
    """A row that is filled in, and the line where it begins."""

    line: int
    cells: dict[str, str]


def write_sheet(desk: Desk, path: Path, marker: str, *, names: bool) -> int:
    """One row per answer that waits; returns how many there are."""
    head = [*COLUMNS, "student"] if names else list(COLUMNS)
    written = io.StringIO(newline="")
    writer = csv.writer(written)
    writer.writerow(head)
    rows = 0
    for criterion, answers in desk.everything():
        for one in in_order(answers, marker):
            if one.state == "waiting":
                text = cards.in_words(desk, one, names=names)[:_LONGEST]
                cells = [one.key, criterion.id, one.name, "\n".join(map(neutral, text.split("\n"))),
                         f"{criterion.points:g}", "", "", _version(one)]
                writer.writerow([*cells, neutral(one.student)] if names else cells)
                rows += 1
    # Excel takes a file that does not begin like this for one in the encoding of its country.
    replace(path, ["\ufeff", written.getvalue()])
    return rows


def read_sheet(desk: Desk, path: Path, marker: str) -> int:
    """Keep the marks in a CSV; returns how many are new. Raises UsageError, with a line for each
    row that cannot be kept, and then keeps none."""
    known = {one.key: one for _, answers in desk.everything() for one in answers}
    marks: list[tuple[Answer, str, Given, int]] = []
    errors: list[str] = []
    lines: dict[str, int] = {}
    for row in _rows(path):
        try:
            answer, given = _read(row, known)
            if answer.key in lines:
                raise NotAllowed(f"the same answer stands in line {lines[answer.key]}")
            lines[answer.key] = row.line
            if not _is_there(answer, marker, given):
                _check_version(row, answer)
                check(answer, given)
                marks.append((answer, marker, given, answer.place.version))
        except NotAllowed as error:
            errors.append(f"{path}:{row.line}: {error}")
    if errors:
        raise UsageError("\n".join([*errors, "No mark of this file was kept."]))
    desk.mark_all(marks)
    return len(marks)


def _read(row: _Row, known: dict[str, Answer]) -> tuple[Answer, Given]:
    cells = row.cells
    answer = known.get(cells["id"].strip())
    if answer is None or answer.criterion.id != cells["criterion"].strip():
        found = plain_line(f"{cells['id']} of {cells['criterion']}", 80)
        raise NotAllowed(f"id: there is no answer {found}; leave the columns id, criterion and "
                         "version as --csv-out wrote them")
    points = cells["points"].strip()
    if not _NUMBER.fullmatch(points):
        found = f"found '{plain_line(points, 40)}'" if points else "there is a comment and none"
        raise NotAllowed(f"points: {found}; expected a number from 0 to "
                         f"{answer.criterion.points:g}")
    comment = plain(cells["comment"]).strip()
    return answer, Given(float(points.replace(",", ".")), comment=comment)


def _check_version(row: _Row, answer: Answer) -> None:
    number, _, digest = row.cells["version"].strip().partition("-")
    if digest != _version(answer).partition("-")[2]:
        raise NotAllowed(f"{answer.name} was handed in anew since --csv-out, with another answer; "
                         "write a new CSV for it")
    if number != str(answer.place.version):
        raise NotAllowed(f"{changed(answer)}, after --csv-out; nothing is written over: remove "
                         "this row, or mark that answer on the page")


def _is_there(answer: Answer, marker: str, given: Given) -> bool:
    """The file was read before."""
    mark = answer.place.mark
    return mark is not None and (mark.marker, mark.points, mark.text) == (
        marker, given.points, given.comment
    )


def _version(answer: Answer) -> str:
    return f"{answer.place.version}-{answer.digest[:12]}"


def _rows(path: Path) -> Iterator[_Row]:
    """The rows with points or a comment in them."""
    text = _text(path)
    skipped = 1 if re.match(r"sep=.\r?\n", text) else 0   # Excel's own line on what separates
    text = text.partition("\n")[2] if skipped else text
    first = text.partition("\n")[0]
    separator = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    head: list[str] = []
    line = 1 + skipped
    try:
        for cells in reader:
            begins, line = line, reader.line_num + 1 + skipped
            if not head:
                head = [cell.strip().casefold() for cell in cells]
                _check_head(path, head, begins)
            elif any(cell.strip() for cell in cells):
                row = dict(zip(head, [*cells, *[""] * len(head)], strict=False))
                if row["points"].strip() or row["comment"].strip():
                    yield _Row(begins, row)
    except csv.Error as error:
        raise UsageError(f"{path}:{line}: this is no CSV: {error}") from None
    if not head:
        raise UsageError(f"{path}:1: the file is empty; --csv-out writes one")


def _check_head(path: Path, head: list[str], line: int) -> None:
    for name in _NEEDED:
        if head.count(name) != 1:
            raise UsageError(
                f"{path}:{line}: there must be one column '{name}', and there are "
                f"{head.count(name)}; expected the file that --csv-out wrote"
            )


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    utf16 = content[:2] in (b"\xff\xfe", b"\xfe\xff")   # Excel's "Unicode text"
    try:
        return content.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise UsageError(
            f"{path}:{line}: not text in UTF-8; save it as 'CSV UTF-8' in your spreadsheet"
        ) from None
