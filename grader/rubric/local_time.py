"""Local times of a time zone, where two days of the year are 23 and 25 hours long."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, tzinfo

from grader.text import counted


def on_clock(time: datetime, zone: tzinfo) -> datetime:
    """Attaches `zone` to a naive time; ambiguous or skipped times take the later instant.

    The later instant is the one that costs nobody anything.
    """
    both = [time.replace(tzinfo=zone, fold=fold) for fold in (0, 1)]
    return max(both, key=lambda one: one.astimezone(UTC))


def days_later(time: datetime, days: float) -> datetime:
    """Adds a number of days, and keeps the local time of day."""
    assert time.tzinfo is not None
    return on_clock(time.replace(tzinfo=None) + timedelta(days=days), time.tzinfo)


def is_after(time: datetime, other: datetime) -> bool:
    """True if `time` is later than `other`.

    Python's `>` compares local times within one zone, which is wrong for an hour in autumn.
    """
    return time.astimezone(UTC) > other.astimezone(UTC)


def days_begun(time: datetime, since: datetime) -> int:
    """Number of days begun since `since`, in its time zone; 0 if `time` is not later."""
    if not is_after(time, since):
        return 0
    assert since.tzinfo is not None
    there = time.astimezone(since.tzinfo).replace(tzinfo=None)
    return max(1, math.ceil((there - since.replace(tzinfo=None)) / timedelta(days=1)))


def moment(time: datetime) -> str:
    """A time in words: 30 November 2026, 23:59 EST. Seconds are shown if there are any."""
    clock = "%H:%M:%S" if time.second else "%H:%M"
    return f"{time.day} {time:%B %Y, {clock} %Z}"


def how_long_after(time: datetime, since: datetime) -> str:
    """The time that passed in words, exact to the second: 1 day and 20 seconds.

    Days are days of the calendar, as in `days_begun`.
    """
    assert since.tzinfo is not None
    there = time.astimezone(since.tzinfo).replace(tzinfo=None)
    passed = there - since.replace(tzinfo=None)
    if passed <= timedelta(0):   # within the hour that a clock repeats in autumn
        passed = time.astimezone(UTC) - since.astimezone(UTC)
    if passed < timedelta(seconds=1):
        return f"{passed.total_seconds():.2g} seconds"
    minutes, seconds = divmod(passed.seconds, 60)
    parts = ((passed.days, "day"), (minutes // 60, "hour"), (minutes % 60, "minute"),
             (seconds, "second"))
    *most, last = [counted(number, unit) for number, unit in parts if number]
    return f"{', '.join(most)} and {last}" if most else last
