"""Counts the seconds that code uses, however busy the machine is. Standard library only.

Host and worker share it: the host limits a question by it, and a session ends a training by it.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic  # taken before the student's code may put another in its place

WINDOW = 0.5    # seconds, the shortest stretch that is judged
IDLE = 0.05     # of a processor: whoever uses less does nothing, or there are 20 busy ones per core
LONGEST = 5.0   # seconds that one stretch without computing counts: this process was held up
WALL = 10       # seconds by the clock on the wall that a limit of one second allows


class Stopwatch:
    """Counts seconds from its creation on.

    A second of processor time counts as a second, divided by `threads`. Time in which the code
    computes nothing, as in a sleep, counts as well. Time in which it waits for a processor that
    others use does not count.

    Attributes:
        used: Seconds that count, as of the latest look.
        wall: Seconds that have passed, as of the latest look.

    Args:
        processor: Returns the processor time of the code so far, in seconds; None where it is not
            known. Then all time counts.
        threads: The number of threads that the code was given.
    """

    def __init__(self, processor: Callable[[], float | None], threads: int = 1) -> None:
        self.used = self.wall = 0.0
        self._processor, self._threads = processor, threads
        self.skip()

    def look(self) -> float:
        """Return `used`, brought up to date; a look within `WINDOW` of the last one changes it not.
        """
        gap, before = monotonic() - self._at, self._spent
        if gap < WINDOW:
            return self.used
        self.skip()
        spent = 0.0 if before is None or self._spent is None else self._spent - before
        seen = min(gap, LONGEST)
        self.used += seen if spent < IDLE * gap else spent / self._threads
        self.wall += max(seen, min(gap, spent))
        return self.used

    def skip(self) -> None:
        """Do not count the time since the latest look."""
        self._at, self._spent = monotonic(), self._processor()

    def is_over(self, seconds: float) -> bool:
        """True once the limit is used up, or once `WALL` times as much has passed."""
        return self.look() >= seconds or self.is_crowded(seconds)

    def is_crowded(self, seconds: float) -> bool:
        """True if the time on the wall is over and the limit is not used up."""
        return self.used < seconds and self.wall >= WALL * seconds


def unknown() -> None:
    """The processor time of what cannot be measured."""
    return
