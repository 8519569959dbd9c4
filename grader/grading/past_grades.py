"""How a student stood after a run: the verdicts that held then, and the marks that they made."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from grader.checks.check import NoParams
from grader.errors import UsageError
from grader.grading.attempts import Attempts, attempts_of, award
from grader.grading.history import History, Kept, Run
from grader.grading.marks import Mark
from grader.grading.points import grade
from grader.records import Conditions, Grade, Submission
from grader.rubric.model import Rubric


@dataclass(frozen=True)
class Standing:
    """`grade` by the rubric of the `run`; `held` has the verdicts behind it, by criterion, and
    `marks` what people had said by then."""

    run: Run
    conditions: Conditions
    grade: Grade
    held: Mapping[str, Kept]
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True)
class Moment:
    """A run of a results folder, with what it graded by."""

    history: History
    run: Run
    conditions: Conditions

    @cached_property
    def rubric(self) -> Rubric:
        """As it was, for its points and its policies; its checks' parameters stay apart."""
        criteria: list[dict[str, Any]] = [
            dict(criterion, params=NoParams()) for criterion in self.conditions.rubric["criteria"]
        ]
        return Rubric.model_validate({**self.conditions.rubric, "criteria": criteria})

    @cached_property
    def works(self) -> Mapping[str, Submission]:
        return self.history.works(self.run.number)

    @cached_property
    def attempts(self) -> Mapping[str, Attempts]:
        """What each student had handed in by then, alone or with others."""
        return attempts_of(self.works.values(), self.rubric.attempts)

    def standing(self, student: str) -> Standing | None:
        """None for a student who had no marks by then, or none by the rubric of then."""
        own = self.attempts.get(student)
        found = {work: one for work in (own.counting if own else ())
                 if (one := self.of_work(work)) is not None}
        if own is None or not found:
            return None
        graded = {work: one.grade for work, one in found.items()}
        given = award(self.rubric, student, own, graded)
        return dataclasses.replace(found[given.submission.student], grade=given)

    def of_work(self, student: str) -> Standing | None:
        """The same of one thing that was handed in, by what it is called, for its first owner."""
        came = [one for one in self.history.verdicts(student) if one.run <= self.run.number]
        held = _held(came, self.run.conditions)
        if not held:
            return None
        latest = max(held.values(), key=lambda one: one.number).submission
        if self.works[student].digest == latest.digest:
            latest = self.works[student]   # when it came, and whose it is, as it was known last
        verdicts = [one.verdict for one in held.values()]
        took = sum({one.grading: one.seconds for one in held.values()}.values())
        marks = [one for one in self.history.marks(student) if one.run <= self.run.number]
        found = grade(self.rubric, latest, verdicts, round(took, 1), marks)
        return Standing(self.run, self.conditions, found, held, tuple(marks))


def moment(history: History, number: int | None = None) -> Moment:
    """The run with this number, by default the last. Raises UsageError for one that there is not,
    and where nobody kept what it graded by."""
    runs = history.runs()
    if not runs:
        raise UsageError(f"{history.folder}: no run has begun there yet")
    number = max(runs) if number is None else number
    if number not in runs:
        raise UsageError(
            f"{history.folder}: there is no run {number}; there are 1 to {max(runs)}"
        )
    # Before conditions were kept, nobody knows what a criterion was worth: as much as the next
    # that is known.
    known = sorted(runs.values(), key=lambda run: (run.number < number, abs(run.number - number)))
    conditions = next((run.conditions for run in known if run.conditions is not None), None)
    if conditions is None:
        raise UsageError(
            f"{history.folder} was graded before runs kept what they grade by; grade the class "
            "once more into this folder with this grader, and its verdicts can be explained"
        )
    return Moment(history, runs[number], conditions)


def _held(came: Iterable[Kept], conditions: Conditions | None) -> dict[str, Kept]:
    """As the gradebook has it: on the files that were graded last, the last verdict that holds
    under the run's fingerprints; `not_scored` where there is no other."""
    came = list(came)
    files = came[-1].submission.digest if came else ""
    held: dict[str, Kept] = {}
    for one in came:
        name, status = one.verdict.criterion, one.verdict.status
        wanted = conditions is None or conditions.fingerprints.get(name) == one.fingerprint
        if one.submission.digest != files or not wanted:
            continue
        if status != "not_scored" or name not in held:
            held[name] = one
    return held
