"""The last lines of `grader run`, its exit codes, and what Ctrl-C does."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from rich.console import Console

from grader.api import Results
from grader.cli.options import print_line
from grader.records import Grade
from grader.reports.progress import progress
from grader.reports.student.status_words import STATE_WORDS
from grader.text import counted, plain_line

GRADED, NOT_ALL, STOPPED = 0, 1, 130   # exit codes


def conclude(console: Console, ran: Results, out: Path) -> int:
    """Print what became of the class and what to do next; return the exit code."""
    by_state = {state: [one for one in ran.students if one.state == state] for state in STATE_WORDS}
    waiting, lost = _submissions(by_state["needs_marking"]), _submissions(by_state["not_scored"])
    submissions, students = _submissions(ran.students), len(ran.students)
    graded = counted(submissions, "submission")
    if students != submissions:   # groups
        graded += f" of {counted(students, 'student')}"
    print_line(console, f"{graded} graded. Marks: {out / 'grades.csv'}. "
               f"Feedback: {out / 'feedback'}. Class report: {out / 'report.html'}.")
    if ran.unknown:
        print_line(console, f"{counted(ran.unknown, 'other student')} not graded by this rubric "
                   "yet. Run without --only to grade all.")
    if waiting:
        needs = "needs" if waiting == 1 else "need"
        print_line(console, f"{counted(waiting, 'submission')} {needs} manual grading: run "
                   "`grader mark`.")
    for line in [] if ran.faults else progress(out):
        print_line(console, line)
    suspicious = _submissions(one for one in ran.students if one.submission.remarks)
    if suspicious:
        print_line(console, f"{counted(suspicious, 'submission')} with code beyond what homework "
                   "needs; a person decides what it could forge. See 'remarks' in "
                   f"{out / 'grades.json'}.")
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


def _submissions(grades: Iterable[Grade]) -> int:
    """Count submissions: the students of a group share one."""
    return len({one.submission.student for one in grades})


@contextmanager
def finishing(
    stop: threading.Event, say: Callable[[str], None], begun: Callable[[], object], after: str
) -> Iterator[None]:
    """Handle Ctrl-C: the first sets `stop`, so that running work finishes; a second interrupts.

    Args:
        stop: Set at the first Ctrl-C.
        say: Prints a line.
        begun: Returns what has begun and will be finished: a number, or words.
        after: Printed after an interrupt: what is kept, and how to go on.
    """

    def handle(signal_: int, frame: FrameType | None) -> None:
        if stop.is_set() or signal_ == signal.SIGTERM:
            stop.set()
            say("Stopping now.")
            raise KeyboardInterrupt
        stop.set()
        what = f"Finishing {running}; nothing" if (running := begun()) else "Nothing"
        say(f"{what} new begins. Press Ctrl-C again to stop at once.")

    try:
        with _on_signals(handle):
            yield
    except KeyboardInterrupt:
        say(after)
        raise


@contextmanager
def stopping(say: Callable[[str], None]) -> Iterator[None]:
    """Handle Ctrl-C where nothing is worth finishing: say so at once, and interrupt."""

    def handle(number: int, frame: FrameType | None) -> None:
        say("Stopping now.")
        raise KeyboardInterrupt

    with _on_signals(handle):
        yield


@contextmanager
def _on_signals(handle: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, handle) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _complain(console: Console, text: str) -> None:
    print_line(console, text, "red")
