"""Chooses which attempt counts for each student.

A group's submission is graded once and counts for every member, each with their own late penalty.
The last attempt counts, or the best, as the rubric says.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, Protocol

from grader.grading.points import for_student, possible
from grader.records import Grade
from grader.rubric.model import Rubric


class AnySubmission(Protocol):
    """One attempt, unpacked or not: a HandIn or a Submission. `student` is its name."""

    @property
    def student(self) -> str: ...
    @property
    def owners(self) -> tuple[str, ...]: ...
    @property
    def submitted_at(self) -> datetime | None: ...
    @property
    def attempt(self) -> int: ...


@dataclass(frozen=True)
class Attempts:
    """The names of a student's attempts, first to last.

    `counting` are those that may count; `group` has all members if any attempt was a group's.
    """

    submissions: tuple[str, ...]
    counting: tuple[str, ...]
    group: tuple[str, ...] = ()


class Awards:
    """Yields a student's grade once every attempt that may count is graded, and not earlier.

    An earlier grade could still rise, but would be taken as final.
    """

    def __init__(self, rubric: Rubric, submissions: Iterable[AnySubmission]) -> None:
        self._rubric = rubric
        self._attempts = attempts_of(submissions, rubric.attempts)
        self._of: dict[str, list[str]] = {}   # students by attempt
        for student, one in self._attempts.items():
            for name in one.counting:
                self._of.setdefault(name, []).append(student)
        self._graded: dict[str, Grade] = {}
        self._left = set(self._attempts)

    @property
    def counting(self) -> Collection[str]:
        """The names of attempts that may count for a student; no others need grading."""
        return self._of.keys()

    def students(self, submissions: Iterable[AnySubmission]) -> set[str]:
        """Return the students for whom one of the submissions may count."""
        return {student for one in submissions for student in self._of.get(one.student, ())}

    def add(self, graded: Grade) -> Iterator[Grade]:
        """Take the grade of one attempt; yield grades of students that are complete now."""
        added = graded.submission.student
        self._graded[added] = graded
        for student in self._of.get(added, ()):
            if student in self._left and self._graded.keys() >= {*self._attempts[student].counting}:
                self._left.remove(student)
                yield self._award(student)
        for name in [*self._graded]:
            if not self._left.intersection(self._of.get(name, ())):
                del self._graded[name]   # no other student needs it

    def _award(self, student: str) -> Grade:
        return award(self._rubric, student, self._attempts[student], self._graded)


def award(
    rubric: Rubric, student: str, own: Attempts, graded: Mapping[str, Grade]
) -> Grade:
    """Return a student's grade: that of the attempt that counts, with notes that say which.

    Args:
        rubric: its late policy is applied to each attempt for this student.
        student: the student's key.
        own: the student's attempts.
        graded: grades by name of attempt; at least one that may count must be among them.
    """
    found = [for_student(rubric, graded[name], student)
             for name in own.counting if name in graded]
    # An attempt that is not fully graded may still become the best, unless another one already has
    # all that it could reach.
    best = max(reversed(found), key=lambda one: (possible(rubric, one), one.score))
    number, last = own.submissions.index(best.submission.student) + 1, rubric.attempts == "last"
    notes = [*best.notes]
    if own.group:
        notes.append(f"Group submission of {', '.join(own.group)}.")
    if len(own.submissions) > 1:
        which = f"Attempt {number} of {len(own.submissions)} counts: the "
        if last and len(own.counting) == 1:
            notes.append(f"{which}last one.")
        else:
            so_far = " of those graded so far" if len(found) < len(own.counting) else ""
            why = " (it is not known which attempt is the last)" if last else ""
            notes.append(f"{which}best one after late penalties{so_far}{why}.")
    return dataclasses.replace(best, notes=tuple(notes), attempt=number,
                               attempts=len(own.submissions), group=own.group)


def attempts_of(
    submissions: Iterable[AnySubmission], which: Literal["last", "best"]
) -> dict[str, Attempts]:
    """Return each student's attempts, alone or in a group.

    With `which` "last", all attempts may count if it is unknown which of them is the last.
    """
    by_student: dict[str, list[AnySubmission]] = {}
    for one in submissions:
        for student in one.owners:
            by_student.setdefault(student, []).append(one)
    return {student: _attempts(found, which) for student, found in by_student.items()}


def _attempts(found: list[AnySubmission], which: Literal["last", "best"]) -> Attempts:
    timed = all(one.submitted_at is not None for one in found)
    numbers = [one.attempt for one in found]
    in_order = sorted(found, key=_time if timed else _number)
    keys = tuple(one.student for one in in_order)
    last_is_known = timed or len(set(numbers)) == len(numbers)
    counting = keys[-1:] if which == "last" and last_is_known else keys
    together = {owner: None for one in found for owner in one.owners if len(one.owners) > 1}
    return Attempts(keys, counting, tuple(together))


def _time(one: AnySubmission) -> tuple[datetime, int]:
    return (one.submitted_at or datetime.min).astimezone(UTC), one.attempt


def _number(one: AnySubmission) -> int:
    return one.attempt
