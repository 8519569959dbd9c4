"""Shows a student what `grader check` is at. It prints to stderr, so that stdout has the result."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager
from types import TracebackType

from rich.console import Console
from rich.markup import escape

from grader.cli.heartbeat import Clock, Heartbeat
from grader.cli.options import print_line
from grader.run.grade_class import Unwatched
from grader.text import plain_line


class Checking(Unwatched, AbstractContextManager["Checking"]):
    """A `grader.run.grade_class.Watcher`: a line that changes in a terminal, else a line at times.

    Args:
        console: Where it is shown.
        clock: Seconds since any moment.
    """

    def __init__(self, console: Console, clock: Clock = time.monotonic) -> None:
        self._console, self._clock = console, clock
        self._what, self._since = "getting ready", clock()
        self._status = console.status(self._line(), refresh_per_second=4)
        self.heartbeat = Heartbeat(self._speak, clock)

    def __enter__(self) -> Checking:
        self.heartbeat.__enter__()
        if self._console.is_terminal:
            self._status.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.heartbeat.__exit__(kind, value, trace)
        self._status.stop()

    def note(self, text: str) -> None:
        """Print a line. What `say` is called with, which instructors should know, is not shown."""
        print_line(self._console, text)

    def tell(self, student: str, what: str) -> None:
        """Show what the check is at."""
        self._what, self._since = plain_line(what), self._clock()
        self._status.update(escape(self._line()))

    def _speak(self) -> None:
        if self._console.is_terminal:
            self._status.update(escape(self._line()))
        else:
            print_line(self._console, self._line(), "dim")

    def _line(self) -> str:
        seconds = self._clock() - self._since
        return f"Checking your work: {self._what}" + f" ({seconds:.0f} s)" * (seconds >= 1)
