"""Grades of what was handed in -> grades of students.

What several hand in together is graded once and is everybody's, each with their own late penalty.
Of several attempts the last one counts, or the best, as the rubric says.
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
    """What was handed in as one: a hand-in, or a submission. `student` is what it is called."""

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
    """What a student has handed in, from the first to the last, and which of it may count."""

    submissions: tuple[str, ...]
    counting: tuple[str, ...]
    group: tuple[str, ...] = ()


class Awards:
    """Works on their way to students: a student's grade is given when all of theirs that may count
    are graded, and not before: what may still be more would be taken for final."""

    def __init__(self, rubric: Rubric, works: Iterable[AnySubmission]) -> None:
        self._rubric = rubric
        self._attempts = attempts_of(works, rubric.attempts)
        self._of: dict[str, list[str]] = {}   # students by work
        for student, one in self._attempts.items():
            for work in one.counting:
                self._of.setdefault(work, []).append(student)
        self._graded: dict[str, Grade] = {}
        self._left = set(self._attempts)

    @property
    def counting(self) -> Collection[str]:
        """The works that may count for somebody: no others need be graded."""
        return self._of.keys()

    def students(self, works: Iterable[AnySubmission]) -> set[str]:
        """Those for whom one of the works may count."""
        return {student for work in works for student in self._of.get(work.student, ())}

    def add(self, graded: Grade) -> Iterator[Grade]:
        """The students whose grades are complete now."""
        work = graded.submission.student
        self._graded[work] = graded
        for student in self._of.get(work, ()):
            if student in self._left and self._graded.keys() >= {*self._attempts[student].counting}:
                self._left.remove(student)
                yield self._award(student)
        for name in [*self._graded]:
            if not self._left.intersection(self._of.get(name, ())):
                del self._graded[name]   # nobody waits for it

    def _award(self, student: str) -> Grade:
        return award(self._rubric, student, self._attempts[student], self._graded)


def award(
    rubric: Rubric, student: str, own: Attempts, graded: Mapping[str, Grade]
) -> Grade:
    """A student's grade, by what is graded by now of their works."""
    found = [for_student(rubric, graded[work], student)
             for work in own.counting if work in graded]
    # One that is not known in full, through nobody's fault perhaps, may still be the best; one that
    # can only come up to what another has for sure holds nothing up.
    best = max(reversed(found), key=lambda one: (possible(rubric, one), one.score))
    number, last = own.submissions.index(best.submission.student) + 1, rubric.attempts == "last"
    notes = [*best.notes]
    if own.group:
        notes.append(f"Handed in together by {', '.join(own.group)}.")
    if len(own.submissions) > 1:
        which = f"Attempt {number} of {len(own.submissions)} counts: the "
        if last and len(own.counting) == 1:
            notes.append(f"{which}last one.")
        else:
            so_far = " of those that are graded so far" if len(found) < len(own.counting) else ""
            why = ", since nobody knows which is the last" if last else ""
            notes.append(f"{which}best after the late penalty of each{so_far}{why}.")
    return dataclasses.replace(best, notes=tuple(notes), attempt=number,
                               attempts=len(own.submissions), group=own.group)


def attempts_of(
    works: Iterable[AnySubmission], which: Literal["last", "best"]
) -> dict[str, Attempts]:
    """What each student has handed in, alone or with others. Where nobody knows what came last, any
    may count, and the best does."""
    by_student: dict[str, list[AnySubmission]] = {}
    for work in works:
        for student in work.owners:
            by_student.setdefault(student, []).append(work)
    return {student: _attempts(found, which) for student, found in by_student.items()}


def _attempts(found: list[AnySubmission], which: Literal["last", "best"]) -> Attempts:
    timed = all(work.submitted_at is not None for work in found)
    numbers = [work.attempt for work in found]
    in_order = sorted(found, key=_time if timed else _number)
    keys = tuple(work.student for work in in_order)
    last_is_known = timed or len(set(numbers)) == len(numbers)
    counting = keys[-1:] if which == "last" and last_is_known else keys
    together = {owner: None for work in found for owner in work.owners if len(work.owners) > 1}
    return Attempts(keys, counting, tuple(together))


def _time(work: AnySubmission) -> tuple[datetime, int]:
    return (work.submitted_at or datetime.min).astimezone(UTC), work.attempt


def _number(work: AnySubmission) -> int:
    return work.attempt
