"""The late policy, applied to one student: when they are due, what lateness costs, and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from grader.records import Submission
from grader.rubric.late_policy import Extension, Late
from grader.rubric.local_time import days_begun, days_later, is_after, moment


@dataclass(frozen=True)
class Lateness:
    """The share of the points earned that it costs, 0 to 1, and what the student reads of it."""

    share: float = 0.0
    notes: tuple[str, ...] = ()


def due_of(late: Late, student: str) -> datetime:
    """The student's own due date, which an extension may have moved."""
    due, extension = late.moment(late.due), extension_of(late, student)
    if extension is None:
        return due
    if extension.due is not None:
        return late.moment(extension.due)
    return _plus_minutes(days_later(due, extension.days), 60 * extension.hours)


def extension_of(late: Late, student: str) -> Extension | None:
    return next((one for one in late.granted if one.student == student), None)


def lateness(late: Late | None, student: str, submission: Submission) -> Lateness:
    """What a student loses of a submission, by their own due date: of a group's too."""
    if late is None:
        return Lateness()
    due, at = due_of(late, student), submission.submitted_at
    extended: tuple[str, ...] = ()
    if extension_of(late, student) is not None:
        extended = (f"By an extension this is due on {moment(due)}.",)
    if at is None:
        said = "It is marked as late, but when" if submission.marked_late else "When"
        return Lateness(0.0, (*extended, f"{said} it was handed in is not known; no late penalty "
                                         "was taken."))
    deadline = _plus_minutes(due, late.grace_minutes)
    days = days_begun(at, deadline)
    if days == 0:
        return Lateness(0.0, extended)
    share, why = min(1.0, days * late.per_day), ""
    if days > late.max_days:
        share, why = 1.0, f" More than {_days(late.max_days)} late earns nothing."
    elif late.until is not None and is_after(at, last := max(late.moment(late.until), deadline)):
        share, why = 1.0, f" After {moment(last)} nothing is earned."
    grace = f" and {late.grace_minutes:g} minutes of grace" if late.grace_minutes else ""
    came = moment(at.astimezone(due.tzinfo))
    return Lateness(share, (
        *extended, f"Late by {_days(days)}: {share:.0%} taken off.",
        f"Handed in on {came}; due on {moment(due)}{grace}.{why}",
    ))  # fmt: skip


def _plus_minutes(time: datetime, minutes: float) -> datetime:
    """By the moment, and on the same clock."""
    later = time.timestamp() + 60 * minutes
    return datetime.fromtimestamp(later, time.tzinfo)


def _days(count: int) -> str:
    return f"{count} day{'s' * (count != 1)}"
