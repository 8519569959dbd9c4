"""Compares the marks of sample submissions with `expected.yaml`, which lies beside the samples.

    STUDENT:
      about: what this sample stands for
      points: {CRITERION: points, ...}      # null: needs manual grading
"""

from __future__ import annotations

from pathlib import Path

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


def differences(path: Path, grades: list[Grade]) -> list[str]:
    """Describe each mark that differs from `expected.yaml` in a line; [] if none does."""
    expected = load_expected(path)
    found = [f"{name}: expected in {path}, but not graded"
             for name in sorted(set(expected) - {grade.student for grade in grades})]
    for grade in grades:
        if grade.student not in expected:
            found.append(f"{grade.student}: {path} has no expected marks")
            continue
        wanted = expected[grade.student].points
        for row in grade.criteria:
            name = row.verdict.criterion
            if name not in wanted:
                found.append(f"{grade.student}, {name}: {path} has no expected points")
            elif not _same(row.points, wanted[name]):
                found.append(f"{grade.student}, {name}: expected {_shown(wanted[name])}, got "
                             f"{_shown(row.points)} ({row.verdict.reason})")
    return found


def _same(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) < 0.005


def _shown(points: float | None) -> str:
    return "needs manual grading" if points is None else f"{points:g}"
