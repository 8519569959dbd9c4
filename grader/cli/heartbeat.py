"""Says what a command waits for when it has said nothing for a while."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType

QUIET_SECONDS = 9.0   # of silence; with the time between two looks no more than ten
_LOOK_SECONDS = 0.5

Clock = Callable[[], float]


class Heartbeat(AbstractContextManager["Heartbeat"]):
    """Calls `speak` after every `QUIET_SECONDS` in which nobody called `heard`.

    Args:
        speak: Prints what is being waited for; called from a thread.
        clock: Seconds since any moment.
    """

    def __init__(self, speak: Callable[[], None], clock: Clock = time.monotonic) -> None:
        self._speak, self._clock = speak, clock
        self._last = clock()
        self._ended = threading.Event()

    def __enter__(self) -> Heartbeat:
        threading.Thread(target=self._listen, name="heartbeat", daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()

    def heard(self) -> None:
        """Note that something was printed."""
        self._last = self._clock()

    def look(self) -> None:
        """Speak if it has been quiet for too long."""
        if self._clock() - self._last >= QUIET_SECONDS:
            self.heard()
            self._speak()

    def _listen(self) -> None:
        while not self._ended.wait(_LOOK_SECONDS):
            self.look()


def in_words(seconds: float) -> str:
    """Return a rough time in words: "40 s", "12 min", "3.5 h"."""
    if seconds < 90:
        return f"{max(10, round(seconds, -1)):.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
