"""Grade -> Sheet: what this student may see today, in words that are safe to look at.

Templates and the terminal get a Sheet and nothing else, so a result that is withheld can't leak
through them, not even through a template that an instructor wrote. Every text passes through
`grader.plaintext` on its way in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from grader.plaintext import plain, plain_line, plain_tail
from grader.records import (
    ConfusionMatrix,
    CriterionGrade,
    Grade,
    LearningCurve,
    Series,
    Status,
    Table,
)

Disclosure = Literal["full", "points", "later"]

_GAP = re.compile(r"\n\s*\n")

# What a page can bear; a student's table or list may be of any size.
ROWS, COLUMNS, ITEMS, CLASSES, POINTS = 200, 16, 50, 100, 2000

_NUMBER = re.compile(r"[-+]?\d[\d,.]*(?:e[-+]?\d+)?\s*%?|-?|nan|[-+]?inf", re.IGNORECASE)


@dataclass(frozen=True)
class Section:
    """One criterion. Of a result that comes `later` it holds neither status nor points."""

    anchor: str
    title: str
    part: str
    disclosure: Disclosure
    max: float
    points: float | None = None
    status: Status | None = None
    asked: str = ""
    reason: str = ""
    hints: tuple[str, ...] = ()
    next_step: str = ""
    tables: tuple[Table, ...] = ()
    pictures: tuple[LearningCurve | ConfusionMatrix, ...] = ()
    traceback: str = ""
    output: str = ""


@dataclass(frozen=True)
class Sheet:
    """All of it. While results are withheld (`complete` is false), `score` and `max` are of the
    criteria shown and know no late penalty: a total would give the rest away.
    """

    student: str
    homework: str
    sections: tuple[Section, ...]
    score: float
    max: float
    complete: bool
    late_penalty: float
    late: bool
    notes: tuple[str, ...]
    now: datetime
    due: datetime | None

    @property
    def statuses(self) -> frozenset[Status]:
        return frozenset(section.status for section in self.sections if section.status)

    @property
    def waiting(self) -> bool:
        """Points are still to come, from a person or from another run."""
        return bool(self.statuses & {"needs_marking", "not_scored"})


def make_sheet(grade: Grade, homework: str, now: datetime, due: datetime | None) -> Sheet:
    """What may be seen at `now`; both times with a zone. Without a due date it never passes."""
    passed_due = due is not None and now >= due
    sections = tuple(
        _section(f"criterion-{number}", criterion, _disclosure(criterion.visibility, passed_due))
        for number, criterion in enumerate(grade.criteria, start=1)
    )
    shown = [section for section in sections if section.disclosure != "later"]
    complete = len(shown) == len(sections)
    return Sheet(
        student=plain_line(grade.student, 100),
        homework=plain_line(homework),
        sections=sections,
        score=grade.score if complete else sum(section.points or 0.0 for section in shown),
        max=grade.max if complete else sum(section.max for section in shown),
        complete=complete,
        late_penalty=grade.late_penalty if complete else 0.0,
        late=grade.late_penalty > 0,
        notes=tuple(_text(note) for note in grade.notes[:ITEMS]),
        now=now,
        due=due,
    )


def numeric_columns(table: Table) -> tuple[bool, ...]:
    """Which columns hold numbers only, to be set flush right; never the first, which names rows."""
    return tuple(
        index > 0
        and all(_NUMBER.fullmatch(row[index]) for row in table.rows if index < len(row))
        for index in range(len(table.columns))
    )


def number(value: float) -> str:
    """Points as people write them: 5, 2.5, 33.33."""
    return f"{round(value, 2) + 0.0:.10g}"


def moment(time: datetime) -> str:
    return f"{time.day} {time:%B %Y, %H:%M %Z}"


def _disclosure(visibility: str, passed_due: bool) -> Disclosure:
    if visibility == "visible" or (visibility == "after_due" and passed_due):
        return "full"
    return "later" if visibility == "after_due" else "points"


def _section(anchor: str, criterion: CriterionGrade, disclosure: Disclosure) -> Section:
    title, part = plain_line(criterion.title), plain_line(criterion.part, 40)
    if disclosure == "later":
        return Section(anchor, title, part, disclosure, criterion.max)
    verdict = criterion.verdict
    if disclosure == "points":
        return Section(
            anchor, title, part, disclosure, criterion.max, criterion.points, verdict.status
        )
    return Section(
        anchor=anchor,
        title=title,
        part=part,
        disclosure=disclosure,
        max=criterion.max,
        points=criterion.points,
        status=verdict.status,
        asked=_text(verdict.asked),
        reason=_text(verdict.reason),
        hints=tuple(_text(hint) for hint in verdict.hints[:ITEMS]),
        next_step=_text(verdict.next_step),
        tables=tuple(_table(table) for table in verdict.tables[:ITEMS]),
        pictures=tuple(_picture(picture) for picture in verdict.pictures[:ITEMS]),
        traceback=_tail(verdict.seen.get("traceback")),
        output=_tail(verdict.seen.get("output")),
    )


def _text(text: str) -> str:
    return _GAP.sub("\n\n", plain(text)).strip()


def _tail(text: Any) -> str:
    return plain_tail(text) if isinstance(text, str) else ""


def _table(table: Table) -> Table:
    """Every row as long as the header, whatever the data was."""
    columns = _cells(table.columns, min(len(table.columns), COLUMNS))
    rows = [_cells(row, len(columns)) for row in table.rows[:ROWS]]
    if len(table.rows) > ROWS:
        rows.append(_cells((f"… and {len(table.rows) - ROWS} more rows",), len(columns)))
    return Table(plain_line(table.title), columns, tuple(rows))


def _cells(cells: tuple[str, ...], width: int) -> tuple[str, ...]:
    return tuple(plain_line(str(cell), 200) for cell in (*cells, *[""] * width)[:width])


def _picture(picture: LearningCurve | ConfusionMatrix) -> LearningCurve | ConfusionMatrix:
    title = plain_line(picture.title, 200)
    if isinstance(picture, LearningCurve):
        return LearningCurve(title, _series(picture.loss), _series(picture.accuracy))
    classes = tuple(plain_line(str(name), 40) for name in picture.classes[:CLASSES])
    width = len(classes)
    counts = tuple(
        tuple(max(0, count) for count in (*row, *[0] * width)[:width])
        for row in (*picture.counts, *[()] * width)[:width]
    )
    return ConfusionMatrix(title, classes, counts)


def _series(series: Iterable[Series]) -> tuple[Series, ...]:
    """A few lines of a few points; what lies between is left out evenly."""
    kept = []
    for line in tuple(series)[:8]:
        step = -(-len(line.points) // POINTS) or 1
        kept.append(Series(plain_line(line.label, 24), line.points[::step]))
    return tuple(kept)
