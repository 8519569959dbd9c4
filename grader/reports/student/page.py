"""Reduces a grade to the page: the results that the student may see now, cleaned for display.

Templates and the terminal get a Page and nothing else. So a withheld result cannot leak, not even
through a template that an instructor wrote. Every text, table and plot passes through `sanitize`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from grader.records import (
    CriterionGrade,
    Grade,
    PhaseStrip,
    Result,
    Table,
    TrainingRun,
    Verdict,
)
from grader.reports.student import sanitize
from grader.reports.student.sections import (
    Blank,
    Cause,
    Disclosure,
    Section,
    blanks_of,
    causes_of,
)
from grader.text import plain_line

_SHORT = 3   # criteria of a short page
_NUMBER = re.compile(r"[-+]?\d[\d,.]*(?:e[-+]?\d+)?\s*%?|-?|nan|[-+]?inf", re.IGNORECASE)


@dataclass(frozen=True)
class Page:
    """Everything that the student may see.

    While results are withheld (`complete` is false), `score` and `max` count only the criteria
    shown and no late penalty: a total would give the others away.
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
    def statuses(self) -> frozenset[Result]:
        return frozenset(section.status for section in self.sections if section.status)

    @property
    def waiting(self) -> bool:
        """True if points may still be added, by manual grading or by another run."""
        return bool(self.statuses & {"needs_marking", "not_scored"})

    @property
    def passed(self) -> tuple[Section, ...]:
        """Passed criteria, which a page may fold away."""
        return tuple(one for one in self.sections if one.status == "passed")

    @property
    def noteworthy(self) -> tuple[Section, ...]:
        """All other criteria; those that cost most points come first."""
        rest = (one for one in self.sections if one.status != "passed")
        return tuple(sorted(rest, key=lambda one: -one.lost))

    @property
    def causes(self) -> tuple[Cause, ...]:
        """Errors that cost several criteria; the one that cost most points comes first."""
        return causes_of(self.noteworthy)

    @property
    def single(self) -> tuple[Section, ...]:
        """Attempted criteria that are not passed, without those of `causes`."""
        told = {one.anchor for cause in self.causes for one in cause.sections}
        return tuple(
            one for one in self.noteworthy
            if one.anchor not in told and one.status != "not_attempted"
        )

    @property
    def unattempted(self) -> tuple[Section, ...]:
        """Parts that are blank or were not handed in."""
        return tuple(one for one in self.sections if one.status == "not_attempted")

    @property
    def blanks(self) -> tuple[Blank, ...]:
        """The parts that were not attempted, by reason."""
        return blanks_of(self.unattempted)

    @property
    def main(self) -> Section | None:
        """The criterion with more points than any other and a third of all; it leads the page.

        None if there is none, if the error at the top of the page is about it, and on a short page,
        where it is in sight anyway.
        """
        ranked = sorted(self.sections, key=lambda one: -one.max)
        if len(ranked) <= _SHORT or ranked[0].max == ranked[1].max:
            return None
        first = ranked[0]
        if first.status is None or 3 * first.max < sum(one.max for one in ranked):
            return None
        return None if any(first in cause.sections for cause in self.causes[:1]) else first

    @property
    def draws_phases(self) -> bool:
        """A criterion that is not passed shows the phases of the training."""
        return any(
            isinstance(picture, PhaseStrip) for one in self.noteworthy for picture in one.pictures
        )


def make_page(grade: Grade, homework: str, now: datetime, due: datetime | None) -> Page:
    """The page that the student may see at `now`.

    Args:
        homework: the title of the homework.
        due: the due date, with a time zone like `now`. Without one, results that come after the due
            date stay withheld.
    """
    passed_due = due is not None and now >= due
    sections = tuple(
        _section(f"criterion-{number}", criterion, _disclosure(criterion.visibility, passed_due))
        for number, criterion in enumerate(grade.criteria, start=1)
    )
    shown = [section for section in sections if section.disclosure != "later"]
    complete = len(shown) == len(sections)
    return Page(
        student=plain_line(grade.student, 100),
        homework=plain_line(homework),
        sections=sections,
        score=grade.score if complete else sum(section.points or 0.0 for section in shown),
        max=grade.max if complete else sum(section.max for section in shown),
        complete=complete,
        late_penalty=grade.late_penalty if complete else 0.0,
        late=grade.late_penalty > 0,
        notes=tuple(sanitize.text(note) for note in grade.notes[: sanitize.ITEMS]),
        now=now,
        due=due,
        run=_run(zip(grade.criteria, sections, strict=True)),
    )


def numeric_columns(table: Table) -> tuple[bool, ...]:
    """True for each column that holds only numbers; never for the first, which names the rows."""
    return tuple(
        index > 0
        and all(_NUMBER.fullmatch(row[index]) for row in table.rows if index < len(row))
        for index in range(len(table.columns))
    )


def number(value: float) -> str:
    """Write points with at most two decimals: 5, 2.5, 33.33."""
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
            anchor, title, part, disclosure, criterion.max, criterion.points, verdict.result
        )
    return Section(
        anchor=anchor,
        title=title,
        part=part,
        disclosure=disclosure,
        max=criterion.max,
        points=criterion.points,
        status=verdict.result,
        asked=sanitize.text(verdict.asked),
        reason=sanitize.text(verdict.reason),
        hints=tuple(sanitize.text(hint) for hint in verdict.hints[: sanitize.ITEMS]),
        next_step=sanitize.text(verdict.next_step),
        tables=tuple(sanitize.table(table) for table in verdict.tables[: sanitize.ITEMS]),
        pictures=tuple(sanitize.picture(picture) for picture in verdict.pictures[: sanitize.ITEMS]),
        traceback=sanitize.tail(verdict.seen.get("traceback")),
        output=sanitize.tail(verdict.seen.get("output")),
        cause=_cause(verdict),
    )


def _cause(verdict: Verdict) -> str:
    """What kept a check from an answer: a digest, or the reason itself; "" if it got one."""
    ended = isinstance(verdict.seen.get("outcome"), str) or verdict.seen.get("refused") is True
    if not ended or not verdict.attempted or "marked" in verdict.seen:
        return ""
    return f"{verdict.status} {verdict.seen.get('cause') or verdict.reason}"


def _run(criteria: Iterable[tuple[CriterionGrade, Section]]) -> TrainingRun | None:
    """The training run of the last criterion that has one and may be seen in full."""
    runs = [
        criterion.verdict.run
        for criterion, section in criteria
        if criterion.verdict.run is not None and section.disclosure == "full"
    ]
    return sanitize.training_run(runs[-1]) if runs else None
