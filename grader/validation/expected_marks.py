"""Compares the marks of sample submissions with `expected.yaml`, which lies beside the samples.

    STUDENT:
      about: what this sample stands for
      points: {CRITERION: points, ...}      # null: needs manual grading
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from grader.errors import UsageError
from grader.records import Grade
from grader.rubric.model import Model


class Sample(Model):
    about: str
    points: dict[str, float | None]


def load_expected(path: Path) -> dict[str, Sample]:
    """Load expected marks by student. Raises UsageError if the file is missing or malformed."""
    try:
        return TypeAdapter(dict[str, Sample]).validate_python(YAML(typ="safe").load(path))
    except (OSError, UnicodeDecodeError, YAMLError, ValidationError) as error:
        raise UsageError(f"{path}: {error}") from None


@dataclass(frozen=True)
class SampleMark:
    """A sample's points in one criterion, and those that `expected.yaml` names.

    None stands for manual grading. Without an expectation `expected` is "not named".
    """

    expected: float | Literal["not named"] | None
    got: float | None
    max: float
    reason: str

    @property
    def right(self) -> bool:
        """The points are those that were expected."""
        return self.expected != "not named" and _same(self.got, self.expected)


@dataclass(frozen=True)
class SampleMarks:
    """A sample with its points by criterion; `about` is "" if `expected.yaml` does not name it."""

    student: str
    about: str
    marks: Mapping[str, SampleMark]

    @property
    def right(self) -> bool:
        """All points are those that were expected."""
        return all(mark.right for mark in self.marks.values())


def sample_marks(path: Path, grades: Iterable[Grade]) -> tuple[SampleMarks, ...]:
    """Put each sample's points beside those that `expected.yaml` names, in the order of names."""
    expected, found = load_expected(path), []
    for grade in sorted(grades, key=lambda one: one.student.casefold()):
        sample = expected.get(grade.student)
        wanted = sample.points if sample else {}
        marks = {
            row.verdict.criterion: SampleMark(
                wanted.get(row.verdict.criterion, "not named"), row.points, row.max,
                row.verdict.reason,
            )
            for row in grade.criteria
        }
        found.append(SampleMarks(grade.student, sample.about if sample else "", marks))
    return tuple(found)


def differences(path: Path, grades: Iterable[Grade]) -> list[str]:
    """Describe each mark that differs from `expected.yaml` in a line; [] if none does."""
    expected, graded = load_expected(path), sample_marks(path, grades)
    found = [f"{name}: expected in {path}, but not graded"
             for name in sorted(set(expected) - {one.student for one in graded})]
    for one in graded:
        if one.student not in expected:
            found.append(f"{one.student}: {path} has no expected marks")
            continue
        for name, mark in one.marks.items():
            if mark.expected == "not named":
                found.append(f"{one.student}, {name}: {path} has no expected points")
            elif not mark.right:
                found.append(f"{one.student}, {name}: expected {points_in_words(mark.expected)}, "
                             f"got {points_in_words(mark.got)} ({mark.reason})")
    return found


def _same(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) < 0.005


def points_in_words(points: float | None) -> str:
    """Write points as 2.5; None stands for manual grading."""
    return "needs manual grading" if points is None else f"{points:g}"
