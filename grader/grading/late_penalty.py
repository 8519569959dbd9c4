"""Applies the late policy to one student: due date, late penalty, and the reason for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from grader.records import Submission
from grader.rubric.late_policy import Extension, Late
from grader.rubric.local_time import days_begun, days_later, how_long_after, is_after, moment
from grader.text import counted


@dataclass(frozen=True)
class Lateness:
    """The late penalty as a share of the points earned, 0 to 1, and notes for the student.

    `days` are the days begun after the student's own deadline.
    """

    share: float = 0.0
    notes: tuple[str, ...] = ()
    days: int = 0


def due_of(late: Late, student: str) -> datetime:
    """Return the student's own due date, with their extension if they have one."""
    due, extension = late.moment(late.due), extension_of(late, student)
    if extension is None:
        return due
    if extension.due is not None:
        return late.moment(extension.due)
    return _plus_minutes(days_later(due, extension.days), 60 * extension.hours)


def extension_of(late: Late, student: str) -> Extension | None:
    """Return the student's extension; None if they have none."""
    return next((one for one in late.granted if one.student == student), None)


def lateness(late: Late | None, student: str, submission: Submission) -> Lateness:
    """Return a student's late penalty for a submission, by their own due date.

    A member of a group has their own penalty, too. Without a policy or a time there is none.
    """
    if late is None:
        return Lateness()
    due, at = due_of(late, student), submission.submitted_at
    extended: tuple[str, ...] = ()
    if extension_of(late, student) is not None:
        extended = (f"You have an extension until {moment(due)}.",)
    if at is None:
        late_mark = "This is marked as late, but its" if submission.marked_late else "The"
        unknown = f"{late_mark} submission time is not known, so there is no late penalty."
        return Lateness(0.0, (*extended, unknown))
    deadline = _plus_minutes(due, late.grace_minutes)
    days = days_begun(at, deadline)
    if days == 0:
        return Lateness(0.0, extended)
    share, why = min(1.0, days * late.per_day), ""
    if days > late.max_days:
        share, why = 1.0, f" More than {counted(late.max_days, 'day')} late earns no points."
    elif late.until is not None and is_after(at, last := max(late.moment(late.until), deadline)):
        share, why = 1.0, f" Nothing is earned after {moment(last)}."
    grace = f" and {late.grace_minutes:g} minutes of grace" if late.grace_minutes else ""
    came, after = moment(at.astimezone(due.tzinfo)), how_long_after(at, deadline)
    return Lateness(share, (
        *extended, f"Late by {counted(days, 'day')}: {share:.0%} penalty.",
        f"Submitted on {came}, due on {moment(due)}{grace}: {after} late.{why}",
    ), days)  # fmt: skip


def _plus_minutes(time: datetime, minutes: float) -> datetime:
    """Add minutes of real time, across clock changes, and keep the zone."""
    later = time.timestamp() + 60 * minutes
    return datetime.fromtimestamp(later, time.tzinfo)
