"""Reads the answers of a class from the gradebook: everything that may be marked by hand."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from grader.grading.history import open_history
from grader.grading.marks import Position, answer_digest
from grader.grading.past_grades import PastGrade, past_run
from grader.grading.points import grade
from grader.records import CriterionGrade, Submission
from grader.rubric.model import Criterion, Option, Rubric

State = Literal["waiting", "marked", "conflict", "disputed", "by the check"]


@dataclass(frozen=True)
class StudentAnswer:
    """One student's answer to one criterion.

    `key` and `number` identify the answer and reveal nothing about the student. `row` is the result
    of the check; `place` says which marks and flags it has by now.
    """

    key: str
    number: int
    criterion: Criterion
    submission: Submission
    row: CriterionGrade
    digest: str
    place: Position = field(default_factory=Position)

    @property
    def student(self) -> str:
        return self.submission.student

    @property
    def name(self) -> str:
        return f"Answer {self.number}"

    @property
    def state(self) -> State:
        if self.place.conflict:
            return "conflict"
        if self.place.disputes:
            return "disputed"
        if self.place.mark is not None:
            return "marked"
        return "waiting" if self.row.points is None else "by the check"


@dataclass
class ClassAnswers:
    """The answers in each student's last grading, without any marks.

    While a run goes on, students that it has not graded yet keep their earlier answers.
    """

    rubric: Rubric | None = None
    run: int = 0
    students: dict[str, tuple[int, list[StudentAnswer]]] = field(default_factory=dict)

    def read(self, out: Path, salt: str, options: Mapping[str, tuple[Option, ...]]) -> None:
        """Read what has changed since the last call.

        Args:
            out: the results folder.
            salt: makes the keys of the answers unguessable from names.
            options: options by criterion, in place of those of the last run's rubric.
        """
        with open_history(out) as history:
            now = past_run(history)
            if now.run.number != self.run or self.rubric is None:
                self.rubric = _with_options(now.rubric, options)
                self.run, self.students = now.run.number, {}
            counting = {work for one in now.attempts.values() for work in one.counting}
            latest = {work: one for work, one in history.latest().items() if work in counting}
            self.students = {work: self.students[work] for work in latest if work in self.students}
            moments = {run: past_run(history, run) for run in {run for _, run in latest.values()}}
            for student, (grading, run) in latest.items():
                if self.students.get(student, (0,))[0] != grading:
                    standing = moments[run].grade_of_submission(student)
                    answers = _answers(self.rubric, standing, salt) if standing else []
                    self.students[student] = grading, answers

    def by_criterion(self) -> dict[str, list[StudentAnswer]]:
        """Answers by criterion, numbered in the order of their keys, which hides the names."""
        found: dict[str, list[StudentAnswer]] = {}
        everyone = [one for _, answers in self.students.values() for one in answers]
        for one in sorted(everyone, key=lambda one: one.key):
            same = found.setdefault(one.criterion.id, [])
            same.append(dataclasses.replace(one, number=len(same) + 1))
        return found


def _answers(rubric: Rubric, standing: PastGrade, salt: str) -> list[StudentAnswer]:
    """One student's answers with the results of the checks."""
    submission, by_id = standing.grade.submission, {one.id: one for one in rubric.criteria}
    verdicts = {name: one.verdict for name, one in standing.held.items()}
    return [
        StudentAnswer(
            _digest(salt, row.verdict.criterion, submission.student)[:16], 0,
            by_id[row.verdict.criterion], submission, row,
            answer_digest(submission, verdicts[row.verdict.criterion]),
        )
        for row in grade(rubric, submission, list(verdicts.values())).criteria
    ]  # fmt: skip


def _with_options(rubric: Rubric, options: Mapping[str, tuple[Option, ...]]) -> Rubric:
    criteria = [
        one.model_copy(update={"options": options.get(one.id, one.options)})
        for one in rubric.criteria
    ]
    return rubric.model_copy(update={"criteria": tuple(criteria)})


def in_order(answers: Sequence[StudentAnswer], marker: str) -> list[StudentAnswer]:
    """Answers in this marker's own order, so no student is always the last to be marked."""
    return sorted(answers, key=lambda one: _digest(marker, one.key))


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
