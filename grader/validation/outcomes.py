"""What the marks of mutants and variants say of the grader: who was killed, who survived, and how
often each criterion is right.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from grader.records import CriterionGrade, Grade

Kind = Literal["reference", "starter", "mutant", "variant"]
# Whether a criterion's points were kept or lost, wait for a person, or could not be scored.
Fate = Literal["kept", "lost", "waiting", "not scored"]
Outcome = Literal["right", "wrong", "not scored"]

_Z = 1.959963984540054   # 95 % of a normal distribution lie within so many deviations


@dataclass(frozen=True)
class Case:
    """Work whose marks are known beforehand: it loses points in exactly these criteria."""

    kind: Kind
    name: str
    about: str
    loses: frozenset[str] = frozenset()

    @property
    def key(self) -> str:
        """Its name as a student's."""
        return self.name if self.kind in ("reference", "starter") else f"{self.kind}-{self.name}"


@dataclass(frozen=True)
class Mark:
    fate: Fate
    points: float | None
    max: float
    reason: str


@dataclass(frozen=True)
class Conclusion:
    """A case with its marks, by criterion."""

    case: Case
    marks: Mapping[str, Mark]
    seconds: float = 0.0

    @property
    def survived(self) -> tuple[str, ...]:
        """The criteria that it should have lost and kept."""
        return tuple(name for name, mark in self.marks.items()
                     if name in self.case.loses and mark.fate == "kept")

    @property
    def lost_more(self) -> tuple[str, ...]:
        """The criteria that it should have kept and did not: to wait for a person is not to keep.
        """
        return tuple(name for name, mark in self.marks.items()
                     if name not in self.case.loses and mark.fate in ("lost", "waiting"))

    @property
    def not_scored(self) -> tuple[str, ...]:
        return tuple(name for name, mark in self.marks.items() if mark.fate == "not scored")

    @property
    def outcome(self) -> Outcome:
        if self.survived or self.lost_more:
            return "wrong"
        return "not scored" if self.not_scored else "right"

    @property
    def words(self) -> str:
        """What became of it, in two or three words."""
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
    """So many of so many were right."""

    right: int
    of: int

    @property
    def share(self) -> float:
        return self.right / self.of if self.of else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's score interval: 95 % of such intervals hold the true share."""
        if not self.of:
            return 0.0, 1.0
        spread = _Z**2 / self.of
        middle = (self.share + spread / 2) / (1 + spread)
        half = _Z * math.sqrt(self.share * (1 - self.share) / self.of + spread / 4 / self.of)
        half /= 1 + spread
        return max(0.0, middle - half), min(1.0, middle + half)


@dataclass(frozen=True)
class Accuracy:
    """How well a criterion tells wrong from right. Sensitivity: of the mutants that must lose it,
    those that did. Specificity: of the variants and of the mutants that must keep it, those that
    did. What was not scored is in neither."""

    criterion: str
    sensitivity: Rate
    specificity: Rate


def conclude(case: Case, grade: Grade, automatic: Collection[str]) -> Conclusion:
    """Its marks in the `automatic` criteria, seen against what it must lose."""
    marks = {row.verdict.criterion: _mark(case, row) for row in grade.criteria
             if row.verdict.criterion in automatic}
    return Conclusion(case, marks, grade.seconds)


def accuracies(concluded: Iterable[Conclusion], criteria: Iterable[str]) -> list[Accuracy]:
    """By criterion, over mutants and variants. The reference is the key itself and the starter
    holds nothing: neither shows how sharp a criterion is."""
    tried = [one for one in concluded if one.case.kind in ("mutant", "variant")]
    return [_accuracy(criterion, tried) for criterion in criteria]


def _accuracy(criterion: str, tried: Iterable[Conclusion]) -> Accuracy:
    fates = [(criterion in one.case.loses, one.marks[criterion].fate)
             for one in tried if criterion in one.marks]
    lost = [fate != "kept" for wrong, fate in fates if wrong and fate != "not scored"]
    kept = [fate == "kept" for wrong, fate in fates if not wrong and fate != "not scored"]
    return Accuracy(criterion, Rate(sum(lost), len(lost)), Rate(sum(kept), len(kept)))


def _mark(case: Case, row: CriterionGrade) -> Mark:
    return Mark(_fate(case, row), row.points, row.max, row.verdict.reason)


def _fate(case: Case, row: CriterionGrade) -> Fate:
    if row.verdict.status == "not_scored":
        return "not scored"
    if row.points is None:
        return "waiting"
    if case.kind == "starter":   # who has done nothing earns not even a part
        return "kept" if row.points > 0 else "lost"
    return "kept" if row.points > row.max - 0.005 else "lost"
