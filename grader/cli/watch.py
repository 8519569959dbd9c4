"""`grader check --watch`: checks again after every save, until Ctrl-C.

Editors write in place, write twice, or replace the file. A change of the contents is what counts.
"""

from __future__ import annotations

import hashlib
import json
import queue
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from watchfiles import Change, DefaultFilter
from watchfiles import watch as changes_in

from grader.cli.student_view import show
from grader.records import Grade
from grader.reports.grades_file import submission_json
from grader.rubric.model import Rubric
from grader.run.options import RunOptions
from grader.run.recheck import Broken, Checked, Rechecker, open_rechecker
from grader.submissions.discover import ANSWERS, own_work
from grader.text import plain_line

_STEP_MS = 20          # after the last of several changes; a save is seldom one change
_POLL_SECONDS = 0.5  # on Windows, Ctrl-C does not interrupt a wait


@dataclass(frozen=True)
class Saved:
    """A file of the work changed."""


Event = Saved | Checked | Broken


@dataclass
class Screen:
    """Shows each round: in full on a terminal, only changes in a pipe, or as a line of JSON."""

    console: Console
    file: Path
    json: Callable[[str], None] | None
    titles: Mapping[str, str]
    _before: dict[str, tuple[Any, ...]] = field(default_factory=dict)

    def result(self, checked: Checked) -> None:
        """Show a result."""
        if self.json is not None:
            self.json(_line(checked))
            return
        changed = self._changes(checked.grade)
        if self.console.is_terminal:
            self.console.clear()
        if self.console.is_terminal or changed:
            show(checked.grade, self.console)
        for text in (*changed, *self._state(checked, bool(changed))):
            self.note(text)

    def note(self, text: str) -> None:
        """Show a line of text, except with JSON."""
        if self.json is None:
            self.console.print(plain_line(text, 300), style="dim", markup=False)

    def _changes(self, grade: Grade) -> list[str]:
        """Return a line for each criterion that changed, and remember the new state."""
        lines = []
        for one in grade.criteria:
            now = (one.verdict.result, one.points, one.verdict.reason, one.verdict.hints)
            before = self._before.get(one.verdict.criterion)
            if now != before:
                told = _words(*now[:2])
                if before is not None and before[:2] != now[:2]:
                    told = f"{_words(*before[:2])} -> {told}"
                lines.append(f"{one.verdict.criterion}: {told}")
            self._before[one.verdict.criterion] = now
        return lines

    def _state(self, checked: Checked, changed: bool) -> Iterator[str]:
        moment = f"{datetime.now():%H:%M:%S}"
        yield f"{moment}, after {checked.seconds:.1f} s{'' if changed else ': nothing changed'}"
        if checked.pending:
            names = ", ".join(self.titles[name] for name in checked.pending)
            yield f"Still training: {names}. The next save ends it."
        yield f"Watching {self.file.name}; press Ctrl-C to leave."


def watch(
    rubric: Rubric, file: Path, options: RunOptions, console: Console,
    as_json: Callable[[str], None] | None,
) -> int:
    """Check now and after every save, until Ctrl-C; return the exit code.

    Args:
        rubric: The rubric to check by.
        file: The work.
        options: The criteria and the seed.
        console: Where results are shown.
        as_json: Called with a line of JSON per round, instead of showing it.

    Raises:
        GraderError: The rubric or the machine is at fault, so no change of the work can help.
    """
    own_work(file)   # raises if it does not exist
    events: queue.Queue[Event] = queue.Queue()
    titles = {one.id: one.title for one in rubric.criteria}
    screen = Screen(console, file, as_json, titles)
    screen.note(f"First check of {file.name}, which takes a while ...")
    signal.signal(signal.SIGTERM, signal.default_int_handler)   # an editor ends it like Ctrl-C
    with (
        suppress(KeyboardInterrupt),
        _noticing(file, events),
        open_rechecker(rubric, options.criteria, options.seed, file, events.put) as rechecker,
    ):
        _keep_checking(rechecker, screen, file, events)
    return 0


def _keep_checking(
    rechecker: Rechecker, screen: Screen, file: Path, events: queue.Queue[Event]
) -> None:
    contents = _contents(file)
    rechecker.begin()
    while True:
        try:
            event = events.get(timeout=_POLL_SECONDS)
        except queue.Empty:
            continue
        match event:
            case Saved():
                now = _contents(file)
                if now is None:
                    screen.note(f"{file.name} does not exist; waiting for it ...")
                elif now != contents:
                    rechecker.begin()
                contents = now
            case Checked(round=number) if number == rechecker.round:
                screen.result(event)
            case Broken(round=number, error=error) if number == rechecker.round:
                raise error


@contextmanager
def _noticing(file: Path, events: queue.Queue[Event]) -> Iterator[None]:
    """Add `Saved` to the events whenever a file of the work changes."""
    place = file.resolve()
    stop = threading.Event()
    folder = place.is_dir()
    clutter = DefaultFilter()

    def matters(change: Change, path: str) -> bool:
        return clutter(change, path) if folder else Path(path).name in (place.name, ANSWERS)

    def notice() -> None:
        # Watch the folder, because the file itself may be replaced.
        where = place if folder else place.parent
        for _ in changes_in(where, watch_filter=matters, step=_STEP_MS, stop_event=stop,
                            recursive=folder, raise_interrupt=False):
            events.put(Saved())

    threading.Thread(target=notice, daemon=True).start()
    try:
        yield
    finally:
        stop.set()


def _contents(file: Path) -> str | None:
    """Return a digest of the file, None if it does not exist, or a new value for a folder."""
    if file.is_dir():
        return str(object())
    try:
        digest = hashlib.sha256(file.read_bytes())
    except OSError:
        return None
    answers = file.resolve().parent / ANSWERS
    digest.update(answers.read_bytes() if answers.is_file() else b"")
    return digest.hexdigest()


def _line(checked: Checked) -> str:
    """Return the result as one line of JSON, with pending criteria and the time."""
    told = json.loads(submission_json(checked.grade))
    told |= {"pending": list(checked.pending), "checked_in": round(checked.seconds, 3)}
    return json.dumps(told, allow_nan=False)


def _words(status: str, points: float | None) -> str:
    return status.replace("_", " ") + ("" if points is None else f" {points:g}")
