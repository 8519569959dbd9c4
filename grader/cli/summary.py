"""The last lines of `grader run`, its exit codes, and what Ctrl-C does."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from rich.console import Console

from grader.api import Results
from grader.reports.progress import progress
from grader.text import counted, plain_line

GRADED, NOT_ALL, STOPPED = 0, 1, 130   # exit codes


def conclude(console: Console, ran: Results, out: Path) -> int:
    """Print what became of the class and what to do next; return the exit code."""
    states = [one.state for one in ran.students]
    waiting, lost = states.count("needs_marking"), states.count("not_scored")
    graded = counted(len(states), "submission")
    console.print(f"{graded} graded. Marks: {out / 'grades.csv'}. Feedback: {out / 'feedback'}. "
                  f"Class report: {out / 'report.html'}.", markup=False, soft_wrap=True)
    if ran.unknown:
        console.print(f"{counted(ran.unknown, 'other submission')} not graded by this rubric yet. "
                      "Run without --only to grade all.")
    if waiting:
        needs = "needs" if waiting == 1 else "need"
        console.print(f"{counted(waiting, 'submission')} {needs} manual grading: run "
                      "`grader mark`.")
    for line in [] if ran.faults else progress(out):
        console.print(line, markup=False, soft_wrap=True)
    suspicious = sum(bool(one.submission.remarks) for one in ran.students)
    if suspicious:
        console.print(f"{counted(suspicious, 'submission')} with code beyond what homework needs; "
                      "a person decides what it could forge. See 'remarks' in "
                      f"{out / 'grades.json'}.", markup=False, soft_wrap=True)
    if lost:
        _complain(console, f"{counted(lost, 'submission')} could not be scored because the "
                  "grader or this machine failed. No student lost points. The reasons are in "
                  f"{out / 'grades.json'}. Fix them and run the same command again, without "
                  "--fresh.")
    for line in ran.faults:
        _complain(console, plain_line(line))
    if ran.faults:
        _complain(console, "Free disk space or fix what is named above, then run the same command "
                  "again, without --fresh. It grades and writes what is missing.")
    if ran.left:
        _complain(console, f"Stopped: {counted(ran.left, 'submission')} not begun. Run the same "
                  "command again, without --fresh, to continue.")
        return STOPPED
    return NOT_ALL if lost or ran.faults else GRADED


@contextmanager
def finishing(stop: threading.Event, say: Callable[[str], None]) -> Iterator[None]:
    """Handle Ctrl-C: the first sets `stop`, so that running work finishes; a second interrupts."""

    def handle(number: int, frame: FrameType | None) -> None:
        if stop.is_set() or number == signal.SIGTERM:
            stop.set()
            raise KeyboardInterrupt
        stop.set()
        say("Finishing what runs; nothing new begins. Press Ctrl-C again to stop at once.")

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    except KeyboardInterrupt:
        say("What was graded is kept. Run the same command again, without --fresh, to continue.")
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _complain(console: Console, text: str) -> None:
    console.print(text, style="red", markup=False, soft_wrap=True)
