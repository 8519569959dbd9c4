"""`grader check --watch`: waits for saves and shows what each has come to, until Ctrl-C.

Editors save in many ways: they write in place, twice, or put another file in the old one's place.
So what counts is whether the contents are others than before.
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
from grader.run.recheck import Broken, Checked, Desk, open_desk
from grader.submissions.own_work import ANSWERS, own_work
from grader.text import plain_line

_STEP_MS = 20        # after the last of several changes; a save is seldom one
_LOOK_SECONDS = 0.5  # on Windows, Ctrl-C does not interrupt a wait


@dataclass(frozen=True)
class Saved:
    """Something that belongs to the work has changed."""


Event = Saved | Checked | Broken


@dataclass
class Screen:
    """What is shown of each round: all of it on a clean screen, or in a pipe what is new. Who wants
    JSON gets a line for each round, and `console` nothing."""

    console: Console
    file: Path
    json: Callable[[str], None] | None
    titles: Mapping[str, str]
    _before: dict[str, tuple[Any, ...]] = field(default_factory=dict)

    def result(self, checked: Checked) -> None:
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
        if self.json is None:
            self.console.print(plain_line(text, 300), style="dim", markup=False)

    def _changes(self, grade: Grade) -> list[str]:
        """A line for each criterion that is another than before, and remembers how it is now."""
        lines = []
        for one in grade.criteria:
            now = (one.verdict.status, one.points, one.verdict.reason, one.verdict.hints)
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
        yield f"{moment}, after {checked.seconds:.1f} s{'' if changed else ': nothing has changed'}"
        if checked.pending:
            names = ", ".join(self.titles[name] for name in checked.pending)
            yield f"Training for: {names}. The next save ends that."
        yield f"Watching {self.file.name}; Ctrl-C leaves."


def watch(
    rubric: Rubric, file: Path, options: RunOptions, console: Console,
    as_json: Callable[[str], None] | None,
) -> int:
    """Check now and after every save, until Ctrl-C. `as_json` is given a line for each round, in
    place of the console. Raises the error of a round that no work can mend."""
    own_work(file)   # it has to be there to begin with
    events: queue.Queue[Event] = queue.Queue()
    titles = {one.id: one.title for one in rubric.criteria}
    screen = Screen(console, file, as_json, titles)
    screen.note(f"Checking {file.name} for the first time, which takes a while ...")
    signal.signal(signal.SIGTERM, signal.default_int_handler)   # an editor ends it as Ctrl-C does
    with (
        suppress(KeyboardInterrupt),
        _noticing(file, events),
        open_desk(rubric, options.criteria, options.seed, file, events.put) as desk,
    ):
        _keep_checking(desk, screen, file, events)
    return 0


def _keep_checking(desk: Desk, screen: Screen, file: Path, events: queue.Queue[Event]) -> None:
    contents = _contents(file)
    desk.begin()
    while True:
        try:
            event = events.get(timeout=_LOOK_SECONDS)
        except queue.Empty:
            continue
        match event:
            case Saved():
                now = _contents(file)
                if now is None:
                    screen.note(f"{file.name} is not there; waiting for it ...")
                elif now != contents:
                    desk.begin()
                contents = now
            case Checked(round=number) if number == desk.round:
                screen.result(event)
            case Broken(round=number, error=error) if number == desk.round:
                raise error


@contextmanager
def _noticing(file: Path, events: queue.Queue[Event]) -> Iterator[None]:
    """Puts `Saved` among the events whenever something of the work changes."""
    place = file.resolve()
    stop = threading.Event()
    folder = place.is_dir()
    clutter = DefaultFilter()

    def matters(change: Change, path: str) -> bool:
        return clutter(change, path) if folder else Path(path).name in (place.name, ANSWERS)

    def notice() -> None:
        # The folder that a file is in: the file itself may be replaced by another.
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
    """A digest of the work; None while it is not there. Of a folder a new one each time: what
    changed in it has been looked at."""
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
    """The result on one line, with what is still trained for and how long it took."""
    told = json.loads(submission_json(checked.grade))
    told |= {"pending": list(checked.pending), "checked_in": round(checked.seconds, 3)}
    return json.dumps(told, allow_nan=False)


def _words(status: str, points: float | None) -> str:
    return status.replace("_", " ") + ("" if points is None else f" {points:g}")
