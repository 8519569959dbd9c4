"""Computes the numbers of the class report from its rows. It draws and writes nothing."""

from __future__ import annotations

import hashlib
import math
import statistics
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from grader.records import Result, Table
from grader.reports.class_report.findings import Concern, SharedReason, concerns_of, diagnoses_of
from grader.reports.class_report.rows import OBSERVATIONS, StudentRow
from grader.reports.similar_code.pairs import Pair
from grader.rubric.model import Criterion, Rubric, Threshold

SLOWEST = 10
FEWEST = 10   # students that a correlation needs
_BINS = 15    # of the histogram, at most


@dataclass(frozen=True)
class Bin:
    """Students whose score is from `low` to below `high`, or at `high` in the last one."""

    low: float
    high: float
    final: int
    open: int   # may still rise: a criterion needs manual grading or was not scored


@dataclass(frozen=True)
class CriterionSummary:
    """One criterion over the class.

    `share` is the mean of points over maximum, over the students whose points are known; None if
    there are none. `discrimination` is None where it is not defined; `error` is its standard error.
    """

    criterion: Criterion
    counts: Mapping[Result, int]
    share: float | None
    discrimination: float | None
    error: float | None = None

    @property
    def misleads(self) -> bool:
        """Students who do well elsewhere do worse here, by more than twice the standard error."""
        if self.discrimination is None or self.error is None:
            return False
        return self.discrimination + 2 * self.error < 0


@dataclass(frozen=True)
class FailedSubmission:
    """A submission that was refused or whose code ended without an answer in some criteria."""

    row: StudentRow
    outcomes: tuple[str, ...]
    criteria: tuple[str, ...]


@dataclass(frozen=True)
class ClassReport:
    """Everything that the page shows.

    `left` counts submissions that the run has not graded; `running` is true while the run goes on.
    `aliases` has a number for every student in the class, which reveals nothing about the name.
    `thresholds` are those of the accuracy. `similar` are pairs with similar code, for a person.
    """

    title: str
    rows: tuple[StudentRow, ...]
    bins: tuple[Bin, ...]
    criteria: tuple[CriterionSummary, ...]
    diagnoses: tuple[SharedReason, ...]
    concerns: tuple[Concern, ...]
    slowest: tuple[StudentRow, ...]
    failed: tuple[FailedSubmission, ...]
    aliases: Mapping[str, int]
    left: int
    running: bool
    thresholds: tuple[Threshold, ...] = ()
    similar: tuple[Pair, ...] = ()

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
    def names(self) -> Mapping[str, str]:
        """The students' names by key; the key stands with a name that two students have."""
        count = Counter(row.name for row in self.rows)
        return {
            row.student: f"{row.name} ({row.student})" if count[row.name] > 1
            else row.name or row.student
            for row in self.rows if row.name
        } | {row.student: row.student for row in self.rows if not row.name}

    @property
    def sections(self) -> tuple[str, ...]:
        """The roster's sections, sorted."""
        return tuple(sorted({row.section for row in self.rows} - {""}))

    @property
    def graders(self) -> tuple[str, ...]:
        """The roster's graders, sorted."""
        return tuple(sorted({row.grader for row in self.rows} - {""}))

    @property
    def progress(self) -> Table:
        """How far the marks of each section and of each grader are; no rows for one of a kind."""
        rows = []
        for kind, names in (("Section", self.sections), ("Grader", self.graders)):
            for name in names if len(names) > 1 else ():
                them = [row for row in self.rows if getattr(row, kind.lower()) == name]
                final = sum(row.state == "graded" for row in them)
                mean = statistics.fmean(row.score for row in them)
                rows.append((f"{kind} {name}", str(len(them)), str(final), f"{mean:.4g}"))
        return Table("Progress", ("section or grader", "students", "final", "mean"), tuple(rows))

    @property
    def has_late(self) -> bool:
        """A student was late."""
        return any(row.days_late for row in self.rows)

    @property
    def for_a_person(self) -> tuple[Concern, ...]:
        """Concerns that wait for a person."""
        return tuple(one for one in self.concerns if one.kind not in OBSERVATIONS)

    @property
    def observations(self) -> tuple[Concern, ...]:
        """Concerns that are only worth knowing."""
        return tuple(one for one in self.concerns if one.kind in OBSERVATIONS)

    @property
    def waiting(self) -> int:
        """Students of whom something waits for a person."""
        return len({link.student for one in self.for_a_person for finding in one.findings
                    for link in finding.who})

    @property
    def trained(self) -> list[StudentRow]:
        """Students with a training, the most accurate first."""
        rows = [row for row in self.rows if row.training is not None]
        return sorted(rows, key=lambda row: -(row.training.accuracy if row.training else 0))


def summarize(
    rubric: Rubric, rows: Iterable[StudentRow], everyone: Collection[str], left: int, running: bool,
    similar: Sequence[Pair] = (),
) -> ClassReport:
    """Summarize a class.

    Args:
        everyone: all students in the class, also those without a row.
        left: submissions that the run has not graded yet.
        running: whether the run still goes on.
        similar: pairs of submissions with similar code, as `grader similar` found them.
    """
    ordered = tuple(sorted(rows, key=lambda row: (row.name or row.student).casefold()))
    return ClassReport(
        title=rubric.title,
        rows=ordered,
        bins=_bins(ordered),
        criteria=tuple(_summary_of(one, ordered) for one in rubric.criteria),
        diagnoses=diagnoses_of(ordered),
        concerns=concerns_of(ordered, {one.id: one for one in rubric.criteria}),
        slowest=tuple(sorted((row for row in ordered if row.seconds > 0),
                             key=lambda row: -row.seconds)[:SLOWEST]),
        failed=_failed(ordered),
        aliases=_aliases({
            *everyone, *(row.student for row in ordered),
            *(one for pair in similar for one in pair.students),
        }),
        left=left,
        running=running,
        thresholds=rubric.active.thresholds if rubric.profiles else (),
        similar=tuple(similar),
    )


def discrimination(criterion: str, rows: Sequence[StudentRow]) -> float | None:
    """The correlation of a criterion's share with the share of all other points.

    It shows how well the criterion separates students who do well elsewhere from those who do not.
    This is the item-rest (corrected item-total) correlation: the total leaves the criterion out,
    since it would correlate with itself. See S. Henrysson, "Correction of item-total
    correlations in item analysis", Psychometrika 28 (1963), 211-218.

    Returns None for fewer than `FEWEST` students, and where all students have the same share.
    """
    pairs = _shares(criterion, rows)
    if len(pairs) < FEWEST:
        return None
    try:
        return statistics.correlation(*zip(*pairs, strict=True))
    except statistics.StatisticsError:   # one of the two is constant
        return None


def _shares(criterion: str, rows: Sequence[StudentRow]) -> list[tuple[float, float]]:
    """Each student's share of a criterion's points, and of all other points."""
    pairs = []
    for row in rows:
        cell = row.cell(criterion)
        others = [one for one in row.cells if one.criterion != criterion and one.points is not None]
        if cell is not None and cell.share is not None and others:
            earned = sum(one.points or 0.0 for one in others)
            pairs.append((cell.share, earned / sum(one.max for one in others)))
    return pairs


def _summary_of(criterion: Criterion, rows: Sequence[StudentRow]) -> CriterionSummary:
    cells = [cell for row in rows if (cell := row.cell(criterion.id)) is not None]
    counts = Counter(cell.status for cell in cells)
    shares = [cell.share for cell in cells if cell.share is not None]
    found = discrimination(criterion.id, rows)
    error = None
    if found is not None:   # of a correlation, for rows that are independent
        error = math.sqrt(max(0.0, 1 - found**2) / (len(_shares(criterion.id, rows)) - 2))
    return CriterionSummary(
        criterion,
        {status: counts[status] for status in get_args(Result)},
        statistics.fmean(shares) if shares else None,
        found,
        error,
    )


def _bins(rows: Sequence[StudentRow]) -> tuple[Bin, ...]:
    """Bins from zero to the maximum, each 1, 2 or 5 times a power of ten points wide."""
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


def _failed(rows: Sequence[StudentRow]) -> tuple[FailedSubmission, ...]:
    """Submissions that were refused or gave no answer. A missing function is only a diagnosis."""
    found = []
    for row in rows:
        cells = [one for one in row.cells if one.outcome not in ("", "not_found", "bad_answer")
                 and one.status != "not_scored"]
        if row.refused or cells:
            outcomes = tuple(dict.fromkeys(one.outcome for one in cells))
            criteria = tuple(one.criterion for one in cells)
            found.append(FailedSubmission(row, outcomes, criteria))
    return tuple(found)


def _aliases(students: Collection[str]) -> Mapping[str, int]:
    """Numbers in the order of the names' hashes: not alphabetical, and the same on every page."""
    order = sorted(students, key=lambda name: hashlib.sha256(name.encode()).digest())
    return {student: number for number, student in enumerate(order, start=1)}
