"""Grade -> Sheet: what this student may see today, in words that are safe to look at.

Templates and the terminal get a Sheet and nothing else, so a result that is withheld can't leak
through them, not even through a template that an instructor wrote. Every text, table and picture
passes through `clean` on its way in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from grader.records import (
    ConfusionMatrix,
    CriterionGrade,
    Grade,
    LearningCurve,
    Status,
    Table,
    TrainingRun,
)
from grader.reports.student import sanitize as clean
from grader.text import plain_line

Disclosure = Literal["full", "points", "later"]

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
    run: TrainingRun | None = None

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
        notes=tuple(clean.text(note) for note in grade.notes[: clean.ITEMS]),
        now=now,
        due=due,
        run=_run(zip(grade.criteria, sections, strict=True)),
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
        asked=clean.text(verdict.asked),
        reason=clean.text(verdict.reason),
        hints=tuple(clean.text(hint) for hint in verdict.hints[: clean.ITEMS]),
        next_step=clean.text(verdict.next_step),
        tables=tuple(clean.table(table) for table in verdict.tables[: clean.ITEMS]),
        pictures=tuple(clean.picture(picture) for picture in verdict.pictures[: clean.ITEMS]),
        traceback=clean.tail(verdict.seen.get("traceback")),
        output=clean.tail(verdict.seen.get("output")),
    )


def _run(criteria: Iterable[tuple[CriterionGrade, Section]]) -> TrainingRun | None:
    """The training that the last criterion with one rests on, of those that may be seen."""
    runs = [
        criterion.verdict.run
        for criterion, section in criteria
        if criterion.verdict.run is not None and section.disclosure == "full"
    ]
    return clean.training_run(runs[-1]) if runs else None
