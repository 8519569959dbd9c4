"""Reads `grades.json` back. Every export is made from it, so exports and results always agree."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from grader.errors import UsageError
from grader.records import Result, Status, result_of

NAME = "grades.json"


class _Read(BaseModel):
    """Ignores keys of `grades.json` that no export needs."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class SavedCriterion(_Read):
    """A criterion of the rubric, as `grades.json` quotes it."""

    id: str
    title: str
    part: str
    points: float
    visibility: Literal["visible", "after_due", "hidden"]


class SavedRubric(_Read):
    title: str
    total: float
    cap: float
    criteria: tuple[SavedCriterion, ...]

    @property
    def maximum(self) -> float:
        """The most points that can be earned."""
        return min(self.cap, self.total)


class SavedResult(_Read):
    """A student's result for one criterion. `points` is None while they are not known."""

    id: str
    points: float | None
    max: float
    status: Status
    reason: str
    hints: tuple[str, ...] = ()
    attempted: bool = True

    @property
    def result(self) -> Result:
        """The status as people read it."""
        return result_of(self.status, self.attempted)


class SavedGrade(_Read):
    student: str
    score: float
    max: float
    state: Literal["graded", "needs_marking", "not_scored"]
    late_penalty: float = 0.0
    submitted_at: datetime | None = None
    attempt: int = 1
    attempts: int = 1
    group: tuple[str, ...] = ()
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    criteria: tuple[SavedResult, ...]

    @property
    def final(self) -> float | None:
        """The score; None while a criterion needs manual grading or was not scored."""
        return self.score if self.state == "graded" else None


class SavedGrades(_Read):
    """The grades of a class."""

    rubric: SavedRubric
    due: datetime | None = None
    submissions: tuple[SavedGrade, ...]

    @cached_property
    def by_id(self) -> dict[str, SavedCriterion]:
        return {criterion.id: criterion for criterion in self.rubric.criteria}


def read_saved(out: Path) -> SavedGrades:
    """Read the grades in the results folder `out`. Raises UsageError if that fails."""
    path = out / NAME
    try:
        return SavedGrades.model_validate_json(path.read_bytes())
    except OSError as error:
        raise UsageError(
            f"{path}: {error.strerror}; run `grader run SUBMISSIONS --out {out}` first"
        ) from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(step) for step in first["loc"]) or "the file"
        raise UsageError(
            f"{path}: {where}: {first['msg']}; run `grader run` again to rewrite the file"
        ) from None


def student_of(saved: SavedGrades, student: str) -> SavedGrade:
    """Find one student's grade. Raises UsageError for an unknown student."""
    for grade in saved.submissions:
        if grade.student == student:
            return grade
    names = ", ".join(grade.student for grade in saved.submissions[:20])
    raise UsageError(f"no student '{student}' in {NAME}; there are {names or 'none'}")
