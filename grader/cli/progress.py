"""Shows the progress of a run: a live table in a terminal, plain lines in a pipe or in CI."""

from __future__ import annotations

import threading
import time
from collections import deque
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import TracebackType

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from grader.cli.heartbeat import Clock, Heartbeat, in_words
from grader.cli.options import print_line
from grader.records import Grade
from grader.reports.student.status_words import STATE_WORDS
from grader.run.jobs import NOT_BEGUN
from grader.text import counted, plain_line

_ROWS = 18        # of submissions that are done, as far as the terminal has room
_AROUND = 4       # other lines of the table
_BAR = 24         # characters
_NAMED = 4        # submissions in a line on what runs
_AT_ONCE = 1.0    # seconds; what took less was known already and says nothing about the others
_ENOUGH = 2       # submissions from which the time that is left can be estimated


@dataclass(frozen=True)
class _Running:
    """A submission in hand: what it is at, since when, and since when it is in hand."""

    what: str
    since: float
    began: float


class Progress(AbstractContextManager["Progress"]):
    """A `grader.run.grade_class.Watcher` for a terminal. Its methods may be called from threads.

    Args:
        console: Where it is shown.
        clock: Seconds since any moment.
    """

    def __init__(self, console: Console, clock: Clock = time.monotonic) -> None:
        self._console, self._clock, self._total = console, clock, 0
        self._lock = threading.RLock()   # Ctrl-C may come while this thread has it
        self._running: dict[str, _Running] = {}
        self._done: deque[Grade] = deque(maxlen=_ROWS)
        self._count = self._worked = 0
        self._opened = clock()
        self._first: float | None = None   # when the first submission was begun
        self._live = Live(console=console, refresh_per_second=4, get_renderable=self._table)
        self.heartbeat = Heartbeat(self._speak, clock)

    def __enter__(self) -> Progress:
        self.heartbeat.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.heartbeat.__exit__(kind, value, trace)
        if self._console.is_terminal:
            self._live.stop()

    def begin(self, total: int) -> None:
        """Expect `total` submissions, and show the table from now on."""
        self._total = total
        if self._console.is_terminal:
            self._live.start()

    def say(self, text: str) -> None:
        """Print a line above the table."""
        self.heartbeat.heard()
        print_line(self._console, text, "dim")

    def tell(self, student: str, what: str) -> None:
        """Show what a submission is at."""
        now = self._clock()
        with self._lock:
            before = self._running.get(student)
            self._running[student] = _Running(what, now, before.began if before else now)
            if self._first is None and what not in NOT_BEGUN:
                self._first = now

    def done(self, grade: Grade) -> None:
        """Show a submission's grade."""
        with self._lock:
            running = self._running.pop(grade.student, None)
            self._done.append(grade)
            self._count += 1
            self._worked += running is None or self._clock() - running.began >= _AT_ONCE
            count = self._count
        if not self._console.is_terminal:
            self.heartbeat.heard()
            self._console.print(
                Text(
                    f"[{count}/{self._total}] {plain_line(grade.student)}: "
                    f"{STATE_WORDS[grade.state]}, {grade.score:g} of {grade.max:g}, "
                    f"{grade.seconds:.1f} s"
                ),
                soft_wrap=True,
            )

    @property
    def begun(self) -> tuple[str, ...]:
        """The submissions that run now and are finished even if the run is stopped."""
        with self._lock:
            return tuple(name for name, one in self._running.items() if one.what not in NOT_BEGUN)

    def _speak(self) -> None:
        """Print what is being waited for, where no table shows it."""
        if not self._live.is_started:
            print_line(self._console, self._waiting(), "dim")

    def _waiting(self) -> str:
        now = self._clock()
        with self._lock:
            running = list(self._running.items())
        if not running:
            what = "Writing the results" if self._total == self._count > 0 else "Getting ready"
            return f"{what} ({now - self._opened:.0f} s)"
        named = [f"{plain_line(name)} ({plain_line(one.what)}, {now - one.since:.0f} s)"
                 for name, one in running[:_NAMED]]
        more = f" and {len(running) - _NAMED} more" if len(running) > _NAMED else ""
        return f"Waiting for {', '.join(named)}{more}; {self._so_far()}"

    def _so_far(self) -> str:
        """How many are done, and an estimate of the time for the others."""
        with self._lock:
            left = self._total - self._count
            text = f"{self._count} of {counted(self._total, 'submission')} done"
            if self._first is None or self._worked < _ENOUGH or not left:
                return text
            # Those that run are half done, on average.
            left_over = left - len(self.begun) / 2
            seconds = (self._clock() - self._first) / self._worked * left_over
        return f"{text}, about {in_words(seconds)} left"

    def _table(self) -> Group:
        table = Table(box=None, pad_edge=False)
        for name in ("submission", "state"):
            table.add_column(name, overflow="ellipsis", no_wrap=True, ratio=1)
        for name in ("points", "seconds"):
            table.add_column(name, justify="right", no_wrap=True)
        with self._lock:
            now = self._clock()
            room = max(1, self._console.height - _AROUND - len(self._running))
            for grade in list(self._done)[-room:]:
                table.add_row(
                    Text(plain_line(grade.student)),
                    STATE_WORDS[grade.state],
                    f"{grade.score:g} of {grade.max:g}",
                    f"{grade.seconds:.1f}",
                )
            for student, one in self._running.items():
                seconds = f"{now - one.began:.0f}"
                table.add_row(
                    Text(plain_line(student)), Text(plain_line(one.what), "dim"), "", seconds
                )
        bar = ProgressBar(total=max(1, self._total), completed=self._count, width=_BAR)
        end = Table.grid(padding=(0, 1))
        end.add_row(bar, Text(self._so_far(), "bold"))
        return Group(table, end)
