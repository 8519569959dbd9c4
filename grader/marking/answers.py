"""Reads the answers of a class from the gradebook: everything that may be marked by hand."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from grader.grading.history import open_history
from grader.grading.marks import Position, answer_digest
from grader.grading.past_grades import PastGrade, past_run
from grader.grading.points import grade
from grader.marking.code import code_of
from grader.records import CriterionGrade, Submission
from grader.reports.grades_file import json_safe
from grader.rubric.model import Criterion, Rubric

_PICTURE = re.compile(r"!\[|<img\b|\\includegraphics\b|\battachment:", re.IGNORECASE)

State = Literal["waiting", "marked", "conflict", "disputed", "by the check"]


@dataclass(frozen=True)
class StudentAnswer:
    """One student's answer to one criterion.

    `key` and `number` identify the answer and reveal nothing about the student. `row` is the result
    of the check; `place` says which marks and flags it has by now. Answers with the same `content`
    are marked together; "" stands for an answer that is marked alone.
    """

    key: str
    number: int
    criterion: Criterion
    submission: Submission
    row: CriterionGrade
    digest: str
    content: str = ""
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

    def read(self, out: Path, salt: str, present: Rubric | None) -> None:
        """Read what has changed since the last call.

        Args:
            out: the results folder.
            salt: makes the keys of the answers unguessable from names.
            present: the rubric whose options, questions and model answers replace those of the last
                run's; None for the last run's.
        """
        with open_history(out) as history:
            now = past_run(history)
            if now.run.number != self.run or self.rubric is None:
                self.rubric = _for_markers(now.rubric, present)
                self.run, self.students = now.run.number, {}
            counting = {work for one in now.attempts.values() for work in one.counting}
            latest = {work: one for work, one in history.latest().items() if work in counting}
            self.students = {work: self.students[work] for work in latest if work in self.students}
            moments = {run: past_run(history, run) for run in {run for _, run in latest.values()}}
            for student, (grading, run) in latest.items():
                if self.students.get(student, (0,))[0] != grading:
                    standing = moments[run].grade_of_submission(student)
                    answers = _answers(self.rubric, standing, salt, out) if standing else []
                    self.students[student] = grading, answers

    def by_criterion(self) -> dict[str, list[StudentAnswer]]:
        """Answers by criterion, numbered in the order of their keys, which hides the names."""
        found: dict[str, list[StudentAnswer]] = {}
        everyone = [one for _, answers in self.students.values() for one in answers]
        for one in sorted(everyone, key=lambda one: one.key):
            same = found.setdefault(one.criterion.id, [])
            same.append(dataclasses.replace(one, number=len(same) + 1))
        return found


def _answers(rubric: Rubric, standing: PastGrade, salt: str, out: Path) -> list[StudentAnswer]:
    """One student's answers with the results of the checks."""
    submission, by_id = standing.grade.submission, {one.id: one for one in rubric.criteria}
    verdicts = {name: one.verdict for name, one in standing.held.items()}
    code = _code_digest(submission, out)
    return [
        StudentAnswer(
            _digest(salt, row.verdict.criterion, submission.student)[:16], 0,
            by_id[row.verdict.criterion], submission, row,
            answer_digest(submission, verdicts[row.verdict.criterion]),
            content_of(row, submission, code),
        )
        for row in grade(rubric, submission, list(verdicts.values())).criteria
    ]  # fmt: skip


def content_of(row: CriterionGrade, submission: Submission, code: str) -> str:
    """A digest of all that decides a mark, by which identical answers are found.

    It is of the text without its white space, of the PDF, or of the code and the verdict on it. A
    text beside a picture, or a file that nobody read, may be alike where the answers are not.
    """
    verdict = row.verdict
    text = verdict.seen.get("answer")
    if isinstance(text, str) and text:
        if submission.unread or _PICTURE.search(text):
            return ""
        return _digest("text", *text.split())
    if verdict.seen.get("pdf"):
        return _digest("PDF", str(verdict.seen["sha256"])) if verdict.seen.get("sha256") else ""
    if not code or not verdict.attempted:
        return ""
    seen = json.dumps(json_safe(verdict.seen), sort_keys=True)
    told = "\0".join([verdict.reason, seen, *submission.remarks])
    return _digest(verdict.status, str(row.points), without_names(submission)(told), code)


def _code_digest(submission: Submission, out: Path) -> str:
    """A digest of the code without the files' names and trailing spaces; "" if it is not known."""
    files = code_of(out, submission.digest)
    texts = ["\n".join(line.rstrip() for line in file.lines).rstrip() for file in files]
    return _digest(*texts) if texts else ""


def without_names(submission: Submission) -> Callable[[str], str]:
    """A function that replaces the names of a submission's students and files by "(name)"."""
    ours = _names(submission)
    stems = {file.rpartition("/")[2].rpartition(".")[0] for file in submission.files}
    telling = [stem for stem in stems if any(one.casefold() in stem.casefold() for one in ours)]
    return _hiding(re.escape(one) for one in sorted({*ours, *telling}, key=len, reverse=True))


def code_without_names(submission: Submission) -> Callable[[str], str]:
    """A function that replaces the students' names in code, where they are words of their own."""
    return _hiding(rf"(?<!\w){re.escape(one)}(?!\w)" for one in _names(submission))


def _names(submission: Submission) -> list[str]:
    own = {submission.student, *submission.owners, submission.source.name}
    return sorted((one for one in own if len(one) > 2), key=len, reverse=True)


def _hiding(patterns: Iterable[str]) -> Callable[[str], str]:
    pattern = re.compile("|".join(patterns), re.IGNORECASE)
    return (lambda text: pattern.sub("(name)", text)) if pattern.pattern else lambda text: text


def _for_markers(rubric: Rubric, present: Rubric | None) -> Rubric:
    """The rubric with the texts for markers that it has at present."""
    texts = {
        one.id: {"options": one.options, "question": one.question, "model_answer": one.model_answer}
        for one in (present.criteria if present is not None else ())
    }
    criteria = [one.model_copy(update=texts.get(one.id, {})) for one in rubric.criteria]
    return rubric.model_copy(update={"criteria": tuple(criteria)})


def in_order(answers: Sequence[StudentAnswer], marker: str) -> list[StudentAnswer]:
    """Answers in this marker's own order, so no student is always the last to be marked."""
    return sorted(answers, key=lambda one: _digest(marker, one.key))


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
