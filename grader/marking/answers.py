"""The answers of a class, as runs have left them: what there is to mark."""

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
class Answer:
    """One student's answer to one criterion. `key` names it and tells nothing of whose it is, nor
    does `number`. `row` is what the check made of it, `place` where it stands by now."""

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
class Answers:
    """What runs have left, before any person looked at it: of each student the last grading, and
    the answers in it. While a run is at work, who has not had their turn is there as they were."""

    rubric: Rubric | None = None
    run: int = 0
    students: dict[str, tuple[int, list[Answer]]] = field(default_factory=dict)

    def read(self, out: Path, salt: str, options: Mapping[str, tuple[Option, ...]]) -> None:
        """Again, where it has changed."""
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

    def by_criterion(self) -> dict[str, list[Answer]]:
        """Numbered by their keys, so that a number tells no more than a key."""
        found: dict[str, list[Answer]] = {}
        everyone = [one for _, answers in self.students.values() for one in answers]
        for one in sorted(everyone, key=lambda one: one.key):
            same = found.setdefault(one.criterion.id, [])
            same.append(dataclasses.replace(one, number=len(same) + 1))
        return found


def _answers(rubric: Rubric, standing: PastGrade, salt: str) -> list[Answer]:
    """One student's, with what the checks say of each."""
    submission, by_id = standing.grade.submission, {one.id: one for one in rubric.criteria}
    verdicts = {name: one.verdict for name, one in standing.held.items()}
    return [
        Answer(
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


def in_order(answers: Sequence[Answer], marker: str) -> list[Answer]:
    """Each marker goes through a criterion in an order of their own, so that nobody is always the
    last, when patience is at its end."""
    return sorted(answers, key=lambda one: _digest(marker, one.key))


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
