"""Compares the marks of mutants and variants with what they must be, and counts by criterion.

A mutant is killed if it loses points in exactly the criteria that it names, and survives if it
keeps them in one.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from grader.records import CriterionGrade, Grade

Kind = Literal["reference", "starter", "mutant", "variant"]
# A criterion's points: kept, lost, waiting for a person to mark, or not scored by our own fault.
Fate = Literal["kept", "lost", "waiting", "not scored"]
CaseOutcome = Literal["right", "wrong", "not scored"]

_Z = 1.959963984540054   # 95 % of a normal distribution lie within this many deviations


@dataclass(frozen=True)
class Case:
    """Work whose marks are known beforehand.

    Attributes:
        kind: What it is.
        name: Its name in `cases.yaml`, or its kind.
        about: What it stands for, in a line.
        loses: Ids of the criteria in which it must lose points; it must keep all others.
    """

    kind: Kind
    name: str
    about: str
    loses: frozenset[str] = frozenset()

    @property
    def key(self) -> str:
        """The name under which it is graded."""
        return self.name if self.kind in ("reference", "starter") else f"{self.kind}-{self.name}"


@dataclass(frozen=True)
class CriterionResult:
    """A case's points in one criterion; None: not scored, or waiting for a person."""

    fate: Fate
    points: float | None
    max: float
    reason: str


@dataclass(frozen=True)
class Conclusion:
    """A case with its result in each automatic criterion, and the seconds that grading took."""

    case: Case
    marks: Mapping[str, CriterionResult]
    seconds: float = 0.0

    @property
    def survived(self) -> tuple[str, ...]:
        """The criteria that it kept and must lose."""
        return tuple(name for name, mark in self.marks.items()
                     if name in self.case.loses and mark.fate == "kept")

    @property
    def lost_more(self) -> tuple[str, ...]:
        """The criteria that it lost and must keep; waiting for a person counts as lost."""
        return tuple(name for name, mark in self.marks.items()
                     if name not in self.case.loses and mark.fate in ("lost", "waiting"))

    @property
    def not_scored(self) -> tuple[str, ...]:
        return tuple(name for name, mark in self.marks.items() if mark.fate == "not scored")

    @property
    def outcome(self) -> CaseOutcome:
        if self.survived or self.lost_more:
            return "wrong"
        return "not scored" if self.not_scored else "right"

    @property
    def words(self) -> str:
        """The outcome in two or three words."""
        if self.survived:
            return "survived" if self.case.kind == "mutant" else "earned points"
        if self.lost_more:
            return "lost more" if self.case.kind == "mutant" else "lost points"
        if self.not_scored:
            return "not scored"
        return {"mutant": "killed exactly" if self.case.loses else "not charged",
                "variant": "spared", "reference": "earns everything",
                "starter": "earns nothing"}[self.case.kind]


@dataclass(frozen=True)
class Rate:
    """A proportion: `right` out of `of`."""

    right: int
    of: int

    @property
    def share(self) -> float:
        return self.right / self.of if self.of else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's score interval at 95 %; (0, 1) if there are none."""
        if not self.of:
            return 0.0, 1.0
        spread = _Z**2 / self.of
        middle = (self.share + spread / 2) / (1 + spread)
        half = _Z * math.sqrt(self.share * (1 - self.share) / self.of + spread / 4 / self.of)
        half /= 1 + spread
        return max(0.0, middle - half), min(1.0, middle + half)


@dataclass(frozen=True)
class Accuracy:
    """Sensitivity and specificity of a criterion.

    Results that were not scored count in neither rate.

    Attributes:
        criterion: Id of the criterion.
        sensitivity: Mutants that lost it, of those that must.
        specificity: Variants and mutants that kept it, of those that must.
    """

    criterion: str
    sensitivity: Rate
    specificity: Rate


def conclude(case: Case, grade: Grade, automatic: Collection[str]) -> Conclusion:
    """Compare the grade of a case with what it must lose, in the `automatic` criteria only."""
    marks = {row.verdict.criterion: _mark(case, row) for row in grade.criteria
             if row.verdict.criterion in automatic}
    return Conclusion(case, marks, grade.seconds)


def accuracies(concluded: Iterable[Conclusion], criteria: Iterable[str]) -> list[Accuracy]:
    """Count sensitivity and specificity of each criterion, over mutants and variants.

    The reference and the starter are left out: the answer key comes from the one and the other is
    empty, so neither shows how well a criterion distinguishes.
    """
    tried = [one for one in concluded if one.case.kind in ("mutant", "variant")]
    return [_accuracy(criterion, tried) for criterion in criteria]


def _accuracy(criterion: str, tried: Iterable[Conclusion]) -> Accuracy:
    fates = [(criterion in one.case.loses, one.marks[criterion].fate)
             for one in tried if criterion in one.marks]
    lost = [fate != "kept" for wrong, fate in fates if wrong and fate != "not scored"]
    kept = [fate == "kept" for wrong, fate in fates if not wrong and fate != "not scored"]
    return Accuracy(criterion, Rate(sum(lost), len(lost)), Rate(sum(kept), len(kept)))


def _mark(case: Case, row: CriterionGrade) -> CriterionResult:
    return CriterionResult(_fate(case, row), row.points, row.max, row.verdict.reason)


def _fate(case: Case, row: CriterionGrade) -> Fate:
    if row.verdict.status == "not_scored":
        return "not scored"
    if row.points is None:
        return "waiting"
    if case.kind == "starter":   # a starter must not earn even a part of the points
        return "kept" if row.points > 0 else "lost"
    return "kept" if row.points > row.max - 0.005 else "lost"
