"""A student's grade as of a past run, recomputed from the gradebook."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from grader.checks.check import NoParams
from grader.errors import UsageError
from grader.grading.attempts import Attempts, attempts_of, award
from grader.grading.history import History, RunRecord, StoredVerdict
from grader.grading.marks import Mark
from grader.grading.points import grade
from grader.records import Conditions, Grade, Submission
from grader.rubric.model import Rubric


@dataclass(frozen=True)
class PastGrade:
    """A grade by the rubric of a past run.

    Attributes:
        held: the verdicts that made the grade, by criterion.
        marks: all marks that people had given to this submission by then.
    """

    run: RunRecord
    conditions: Conditions
    grade: Grade
    held: Mapping[str, StoredVerdict]
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True)
class PastRun:
    """A run of a results folder, with the conditions that it graded by."""

    history: History
    run: RunRecord
    conditions: Conditions

    @cached_property
    def rubric(self) -> Rubric:
        """The run's rubric, with its points and policies but without its checks' parameters."""
        criteria: list[dict[str, Any]] = [
            dict(criterion, params=NoParams()) for criterion in self.conditions.rubric["criteria"]
        ]
        return Rubric.model_validate({**self.conditions.rubric, "criteria": criteria})

    @cached_property
    def submissions(self) -> Mapping[str, Submission]:
        """Every submission that lay in the class folder in this run, by its name."""
        known, present = self.history.submissions(self.run.number), self.conditions.present
        return {name: one for name, one in known.items() if present is None or name in present}

    @cached_property
    def attempts(self) -> Mapping[str, Attempts]:
        """The attempts of each student by then, alone or in a group."""
        return attempts_of(self.submissions.values(), self.rubric.attempts)

    def grade_of(self, student: str) -> PastGrade | None:
        """Return the student's grade; None if no verdict on their work held in this run."""
        own = self.attempts.get(student)
        found = {name: one for name in (own.counting if own else ())
                 if (one := self.grade_of_submission(name)) is not None}
        if own is None or not found:
            return None
        graded = {name: one.grade for name, one in found.items()}
        given = award(self.rubric, student, own, graded)
        return dataclasses.replace(found[given.submission.student], grade=given)

    def grade_of_submission(self, name: str) -> PastGrade | None:
        """Return the grade of one submission, for its first owner; None if no verdict held."""
        latest = self.submissions.get(name)
        if latest is None:
            return None
        came = [one for one in self.history.verdicts(name) if one.run <= self.run.number]
        held = _held(came, latest.digest, self.run.conditions)
        if not held:
            return None
        verdicts = [one.verdict for one in held.values()]
        took = sum({one.grading: one.seconds for one in held.values()}.values())
        marks = [one for one in self.history.marks(name) if one.run <= self.run.number]
        found = grade(self.rubric, latest, verdicts, round(took, 1), marks)
        return PastGrade(self.run, self.conditions, found, held, tuple(marks))


def past_run(history: History, number: int | None = None) -> PastRun:
    """Return the run with this number; None stands for the last run.

    A run from before conditions were stored gets those of the next run that has them. Raises
    UsageError if there is no such run, or if no run has stored conditions.
    """
    runs = history.runs()
    if not runs:
        raise UsageError(f"{history.folder}: this folder has no runs yet")
    number = max(runs) if number is None else number
    if number not in runs:
        raise UsageError(
            f"{history.folder}: there is no run {number}; expected a number from 1 to {max(runs)}"
        )
    known = sorted(runs.values(), key=lambda run: (run.number < number, abs(run.number - number)))
    conditions = next((run.conditions for run in known if run.conditions is not None), None)
    if conditions is None:
        raise UsageError(
            f"{history.folder}: its runs did not store their rubric, so their verdicts can't be "
            "explained; grade the class into this folder again with this version of the grader"
        )
    return PastRun(history, runs[number], conditions)


def _held(
    came: Iterable[StoredVerdict], files: str, conditions: Conditions | None
) -> dict[str, StoredVerdict]:
    """Select the verdicts that held, by the same rule as `Gradebook.known`.

    They are about the files with the digest `files` and have the run's fingerprints. The last one
    on a criterion counts; `not_scored` counts only if there is no other.
    """
    held: dict[str, StoredVerdict] = {}
    for one in came:
        name, status = one.verdict.criterion, one.verdict.status
        wanted = conditions is None or conditions.fingerprints.get(name) == one.fingerprint
        if one.submission.digest != files or not wanted:
            continue
        if status != "not_scored" or name not in held:
            held[name] = one
    return held
