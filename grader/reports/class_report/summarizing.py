"""Rows -> Report: what a class came to. Pure: it draws nothing, writes nothing, knows no clock."""

from __future__ import annotations

import hashlib
import math
import statistics
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from grader.records import Status
from grader.reports.class_report.findings import Concern, Finding, concerns_of, diagnoses_of
from grader.reports.class_report.rows import Row
from grader.rubric.model import Criterion, Rubric

SLOWEST = 10
FEWEST = 10   # students of whom a correlation says something
_BINS = 15    # of the histogram, at most


@dataclass(frozen=True)
class Bin:
    """Students whose score is from `low` to below `high`, or at `high` in the last one."""

    low: float
    high: float
    final: int
    open: int   # something of theirs is still to come


@dataclass(frozen=True)
class Item:
    """One criterion over the class. `share` is the mean of the points over their maximum, of those
    who have points; None where nobody has."""

    criterion: Criterion
    counts: Mapping[Status, int]
    share: float | None
    discrimination: float | None


@dataclass(frozen=True)
class Ended:
    """A submission that was refused, or whose code ended without an answer, and at what."""

    row: Row
    outcomes: tuple[str, ...]
    criteria: tuple[str, ...]


@dataclass(frozen=True)
class Report:
    """`left` are hand-ins that the run has not graded, and `running` whether it still may.
    `aliases` has a number for everybody in the class, which tells nothing of the name."""

    title: str
    rows: tuple[Row, ...]
    bins: tuple[Bin, ...]
    items: tuple[Item, ...]
    diagnoses: tuple[Finding, ...]
    concerns: tuple[Concern, ...]
    slowest: tuple[Row, ...]
    ended: tuple[Ended, ...]
    aliases: Mapping[str, int]
    left: int
    running: bool

    @property
    def mean(self) -> float:
        return statistics.fmean(row.score for row in self.rows)

    @property
    def median(self) -> float:
        return statistics.median(row.score for row in self.rows)

    @property
    def final(self) -> int:
        return sum(row.state == "graded" for row in self.rows)

    @property
    def max(self) -> float:
        return max((row.max for row in self.rows), default=0.0)

    @property
    def trained(self) -> list[Row]:
        """Who has a training, the most accurate first."""
        rows = [row for row in self.rows if row.training is not None]
        return sorted(rows, key=lambda row: -(row.training.accuracy if row.training else 0))


def summarize(
    rubric: Rubric, rows: Iterable[Row], everyone: Collection[str], left: int, running: bool
) -> Report:
    """`everyone` are all in the class, whether they have a row or not."""
    ordered = tuple(sorted(rows, key=lambda row: row.student.casefold()))
    return Report(
        title=rubric.title,
        rows=ordered,
        bins=_bins(ordered),
        items=tuple(_item(one, ordered) for one in rubric.criteria),
        diagnoses=diagnoses_of(ordered),
        concerns=concerns_of(ordered, {one.id: one.title for one in rubric.criteria}),
        slowest=tuple(sorted((row for row in ordered if row.seconds > 0),
                             key=lambda row: -row.seconds)[:SLOWEST]),
        ended=_ended(ordered),
        aliases=_aliases({*everyone, *(row.student for row in ordered)}),
        left=left,
        running=running,
    )


def discrimination(criterion: str, rows: Sequence[Row]) -> float | None:
    """How well a criterion tells those who do well elsewhere from those who don't: the correlation
    of its share with the share of all other points, over students who have both.

    This is the item-rest (corrected item-total) correlation: the criterion is left out of the total
    that it is held against, since it would correlate with itself. See S. Henrysson, "Correction of
    item-total correlations in item analysis", Psychometrika 28 (1963), 211-218. None where it is
    not defined, because all have the same, and of too few students.
    """
    pairs = []
    for row in rows:
        mark = row.mark(criterion)
        others = [one for one in row.marks if one.criterion != criterion and one.points is not None]
        if mark is not None and mark.share is not None and others:
            earned = sum(one.points or 0.0 for one in others)
            pairs.append((mark.share, earned / sum(one.max for one in others)))
    if len(pairs) < FEWEST:
        return None
    try:
        return statistics.correlation(*zip(*pairs, strict=True))
    except statistics.StatisticsError:   # one of them is the same for everybody
        return None


def _item(criterion: Criterion, rows: Sequence[Row]) -> Item:
    marks = [mark for row in rows if (mark := row.mark(criterion.id)) is not None]
    counts = Counter(mark.status for mark in marks)
    shares = [mark.share for mark in marks if mark.share is not None]
    return Item(
        criterion,
        {status: counts[status] for status in get_args(Status)},
        statistics.fmean(shares) if shares else None,
        discrimination(criterion.id, rows),
    )


def _bins(rows: Sequence[Row]) -> tuple[Bin, ...]:
    """As wide as 1, 2 or 5 times a power of ten points, from zero to the maximum."""
    most = max((row.max for row in rows), default=0.0)
    if most <= 0:
        return ()
    power = 10 ** math.floor(math.log10(most / _BINS))
    width = next(step * power for step in (1, 2, 5, 10) if step * power * _BINS >= most)
    count = math.ceil(most / width - 1e-9)
    places = [(min(int(row.score / width + 1e-9), count - 1), row.state) for row in rows]
    final = Counter(place for place, state in places if state == "graded")
    still_open = Counter(place for place, state in places if state != "graded")
    return tuple(
        Bin(index * width, (index + 1) * width, final[index], still_open[index])
        for index in range(count)
    )


def _ended(rows: Sequence[Row]) -> tuple[Ended, ...]:
    """What a check looked for and did not find is no failure of the code's: that is a diagnosis."""
    found = []
    for row in rows:
        marks = [one for one in row.marks if one.outcome not in ("", "not_found", "bad_answer")
                 and one.status != "not_scored"]
        if row.refused or marks:
            outcomes = tuple(dict.fromkeys(one.outcome for one in marks))
            found.append(Ended(row, outcomes, tuple(one.criterion for one in marks)))
    return tuple(found)


def _aliases(students: Collection[str]) -> Mapping[str, int]:
    """In an order of its own, not that of the alphabet, and the same from one page to the next."""
    order = sorted(students, key=lambda name: hashlib.sha256(name.encode()).digest())
    return {student: number for number, student in enumerate(order, start=1)}
