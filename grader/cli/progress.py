"""Shows the progress of a run: a live table in a terminal, plain lines in a pipe or in CI."""

from __future__ import annotations

import threading
import time
from collections import deque
from contextlib import AbstractContextManager
from types import TracebackType

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from grader.records import Grade
from grader.reports.student.status_words import STATE_WORDS
from grader.text import plain_line

_ROWS = 18


class Progress(AbstractContextManager["Progress"]):
    """A `grader.run.grade_class.Watcher` for a terminal. Its methods may be called from threads."""

    def __init__(self, console: Console) -> None:
        self._console, self._total = console, 0
        self._lock = threading.Lock()
        self._running: dict[str, tuple[str, float]] = {}
        self._done: deque[Grade] = deque(maxlen=_ROWS)
        self._count = 0
        self._live = Live(console=console, refresh_per_second=4, get_renderable=self._table)

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._console.is_terminal:
            self._live.stop()

    def begin(self, total: int) -> None:
        """Expect `total` submissions, and show the table from now on."""
        self._total = total
        if self._console.is_terminal:
            self._live.start()

    def say(self, text: str) -> None:
        """Print a line above the table."""
        self._console.print(text, style="dim", markup=False, soft_wrap=True)

    def tell(self, student: str, what: str) -> None:
        """Show what a submission is at."""
        with self._lock:
            began = self._running.get(student, ("", time.monotonic()))[1]
            self._running[student] = (what, began)

    def done(self, grade: Grade) -> None:
        """Show a submission's grade."""
        with self._lock:
            self._running.pop(grade.student, None)
            self._done.append(grade)
            self._count += 1
            count = self._count
        if not self._console.is_terminal:
            self._console.print(
                Text(
                    f"[{count}/{self._total}] {plain_line(grade.student)}: "
                    f"{STATE_WORDS[grade.state]}, {grade.score:g} of {grade.max:g}, "
                    f"{grade.seconds:.1f} s"
                ),
                soft_wrap=True,
            )

    def _table(self) -> Group:
        table = Table(box=None, pad_edge=False)
        for name in ("student", "state"):
            table.add_column(name, overflow="ellipsis", no_wrap=True, ratio=1)
        for name in ("points", "seconds"):
            table.add_column(name, justify="right", no_wrap=True)
        with self._lock:
            now = time.monotonic()
            for grade in self._done:
                table.add_row(
                    Text(plain_line(grade.student)),
                    STATE_WORDS[grade.state],
                    f"{grade.score:g} of {grade.max:g}",
                    f"{grade.seconds:.1f}",
                )
            for student, (what, began) in self._running.items():
                seconds = f"{now - began:.0f}"
                table.add_row(
                    Text(plain_line(student)), Text(plain_line(what), "dim"), "", seconds
                )
            count = self._count
        return Group(table, Text(f"{count} of {self._total} done", "bold"))
