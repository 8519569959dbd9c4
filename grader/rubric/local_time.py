"""Times as people mean them: on the clock of a place, where days are 23 or 25 hours long twice a
year."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, tzinfo


def on_clock(time: datetime, zone: tzinfo) -> datetime:
    """A time that says no zone, by the clock of this one. Of an hour that the clock shows twice it
    is the second; of one that it skips, as if it had not: the later, which costs nobody anything.
    """
    both = [time.replace(tzinfo=zone, fold=fold) for fold in (0, 1)]
    return max(both, key=lambda one: one.astimezone(UTC))


def days_later(time: datetime, days: float) -> datetime:
    """So many days on: at the same hour by the clock."""
    assert time.tzinfo is not None
    return on_clock(time.replace(tzinfo=None) + timedelta(days=days), time.tzinfo)


def is_after(time: datetime, other: datetime) -> bool:
    """By the moment: two times of one zone are compared by their clock, which is wrong for an hour
    in autumn."""
    return time.astimezone(UTC) > other.astimezone(UTC)


def days_begun(time: datetime, since: datetime) -> int:
    """How many days have begun since then, by the clock of `since`; 0 until it has passed."""
    if not is_after(time, since):
        return 0
    assert since.tzinfo is not None
    there = time.astimezone(since.tzinfo).replace(tzinfo=None)
    return max(1, math.ceil((there - since.replace(tzinfo=None)) / timedelta(days=1)))


def moment(time: datetime) -> str:
    """As people write it: 30 November 2026, 23:59 EST."""
    return f"{time.day} {time:%B %Y, %H:%M %Z}"
