"""Tells the events of a training, to the session's own history and to its supervisor."""

from __future__ import annotations

import os
from collections.abc import Callable

from grader import wire
from grader.worker.events.history import History
from grader.worker.events.kinds import Event, Malformed, written

Send = Callable[[bytes], None]   # sends a frame to the supervisor


class Recorder:
    """Tells events as they happen.

    Attributes:
        history: what follows from the events in this process; it decides nothing on its own.
        telling: an event is on its way, and nothing may interrupt that.
    """

    def __init__(self, send: Send | None = None) -> None:
        """Start a history.

        Args:
            send: sends a frame to the supervisor; None if the training is for no report.
        """
        self.history = History()
        self.telling = False
        self._send = send
        self._count = 0
        self._pid = os.getpid()   # a process that the student's code forks tells nothing

    def tell(self, *events: Event) -> None:
        """Tell events that happened just now."""
        before, self.telling = self.telling, True
        try:
            taken = [event for event in events if self._takes(event)]
            if taken and self._send is not None and os.getpid() == self._pid:
                self._count += 1
                told = [written(event) for event in taken]
                frame = {"type": wire.RECORD, "number": self._count, "events": told}
                self._send(wire.encode(frame))
        finally:
            self.telling = before

    def _takes(self, event: Event) -> bool:
        """True if the history takes the event in: it does not after the end, nor without bounds."""
        try:
            self.history.take(event)
        except Malformed:
            return False
        return True
