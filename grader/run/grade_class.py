"""A class graded before an instructor's eyes: progress, what is left in the results folder, and the
last lines, which say what to do next.
"""

from __future__ import annotations

import dataclasses
import gc
import signal
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

from rich.console import Console

from grader.cli.progress import Progress
from grader.grading.attempts import Awards
from grader.grading.gradebook import Gradebook
from grader.grading.points import grade
from grader.records import Grade
from grader.reports.grades_file import GradesWriter
from grader.rubric.model import Rubric
from grader.run.cache.file import CacheFile
from grader.run.event_log import EventLog
from grader.run.open import Opener, grades_of
from grader.run.results_folder import FeedbackFolder, ReportFile, in_short, keep_pdfs
from grader.submissions.discover import HandIn
from grader.text import plain_line

GRADED, NOT_ALL, STOPPED = 0, 1, 130   # exit codes
LOGS = "logs"


@dataclass(frozen=True)
class Class:
    """Whom to grade, by what, and where to leave it. `everyone` may be more than `hand_ins`."""

    rubric: Rubric
    everyone: tuple[HandIn, ...]
    hand_ins: tuple[HandIn, ...]
    out: Path
    templates: Path | None = None


@dataclass(frozen=True)
class Ran:
    """What a run came to. `faults` has a line for everything that could not be written."""

    grades: tuple[Grade, ...]
    faults: tuple[str, ...]
    left: int = 0      # hand-ins that were not begun
    unknown: int = 0   # others in the class who have no marks by this rubric


def grade_class(
    console: Console, homework: Class, options: Mapping[str, Any], book: Gradebook,
    cache: CacheFile, stop: threading.Event, opener: Opener | None = None,
) -> Ran:
    """Grade with a progress display, writing feedback as it comes and the marks at the end."""
    rubric, out = homework.rubric, homework.out
    grades: list[Grade] = []
    faults: list[str] = []
    out.mkdir(parents=True, exist_ok=True)
    gc.freeze()   # what has been imported stays: no collection looks at it again
    feedback, marks = FeedbackFolder(rubric, out, homework.templates, cache), GradesWriter(rubric)
    awards = Awards(rubric, homework.everyone)
    chosen = [item for item in homework.hand_ins if item.student in awards.counting]
    everyone = awards.students(homework.everyone)
    others = everyone - awards.students(chosen)
    report = ReportFile(rubric, out, everyone, cache)
    event_log = EventLog(out / LOGS, said(console) if options.get("verbose") else None)
    done: set[str] = set()   # what was handed in and is graded now

    def award(one: Grade) -> None:
        grades.append(in_short(one))
        faults.extend(_unwritten(f"the marks of {one.student}", partial(marks.add, one)))
        faults.extend(_unwritten(f"feedback for {one.student}", partial(feedback.write, one)))
        faults.extend(_unwritten(f"{one.student} in the report", partial(report.add, one)))

    with Progress(console, len(chosen)) as progress:
        arriving = grades_of(
            rubric, chosen, options, said(console), progress.tell, book, cache, stop, opener,
            event_log,
        )
        try:
            with closing(arriving):   # whatever ends this early ends what runs, too
                for graded in arriving:
                    done.add(graded.submission.student)
                    keep = partial(keep_pdfs, graded, out)
                    faults += _unwritten(f"the answers of {graded.student}", keep)
                    for one in awards.add(graded):
                        award(one)
                    if not others:   # else those are missing until the end
                        _unwritten("the report", partial(report.keep_up, len(chosen) - len(done)))
                    progress.done(graded)
        finally:
            earlier = set()
            for graded in _earlier(homework, awards, done, book):
                for one in awards.add(graded):
                    earlier.add(one.student)
                    marks.add(one)
                    report.add(one)
            faults += _unwritten(f"the marks in {out}", partial(marks.write, out))
            finish = partial(report.finish, len(chosen) - len(done))
            faults += _unwritten(f"the report in {out}", finish)
    unsaved = ", ".join(book.unsaved)
    if unsaved:
        faults.append(f"The verdicts on {unsaved} are not in the gradebook: {book.problem}.")
    return Ran(tuple(grades), tuple(faults), len(chosen) - len(done), len(others - earlier))


def conclude(console: Console, ran: Ran, out: Path) -> int:
    """The last lines of a run, and its exit code."""
    states = [one.state for one in ran.grades]
    waiting, lost = states.count("needs_marking"), states.count("not_scored")
    console.print(f"{len(ran.grades)} submissions graded; marks in {out / 'grades.csv'}, feedback "
                  f"in {out / 'feedback'}, the class at a glance in {out / 'report.html'}.",
                  markup=False, soft_wrap=True)
    if ran.unknown:
        console.print(f"{ran.unknown} others have no marks by this rubric yet: run without --only "
                      "to grade them.")
    if waiting:
        console.print(f"{waiting} have something for a person to mark.")
    remarked = sum(bool(one.submission.remarks) for one in ran.grades)
    if remarked:
        console.print(f"{remarked} reach for what could forge a report of their training: see "
                      f"'remarks' in {out / 'grades.json'}.", markup=False, soft_wrap=True)
    if lost:
        _complain(console, f"{lost} could not be scored because of the grader or this machine; "
                  f"nobody has lost points by it. The reasons are in {out / 'grades.json'}. Mend "
                  "what they name and run the same command again, without --fresh: it goes on with "
                  "these.")
    for line in ran.faults:
        _complain(console, plain_line(line))
    if ran.faults:
        _complain(console, "Make room, or mend what is named above, and run the same command "
                  "again, without --fresh: what is missing is graded and written then.")
    if ran.left:
        _complain(console, f"Stopped: {ran.left} submissions were not begun. Run the same command "
                  "again, without --fresh, to go on with them.")
        return STOPPED
    return NOT_ALL if lost or ran.faults else GRADED


@contextmanager
def finishing(stop: threading.Event, say: Callable[[str], None]) -> Iterator[None]:
    """The first Ctrl-C sets `stop`, so that what runs comes to its end; a second one interrupts."""

    def handle(number: int, frame: FrameType | None) -> None:
        if stop.is_set() or number == signal.SIGTERM:
            stop.set()
            raise KeyboardInterrupt
        stop.set()
        say("Finishing what runs; nothing new begins. Ctrl-C again stops at once.")

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    except KeyboardInterrupt:
        say("What was graded is kept. Run the same command again, without --fresh, to go on.")
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def said(console: Console) -> Callable[[str], None]:
    """Prints a line of what the instructor should know."""
    return lambda text: console.print(text, style="dim", markup=False, soft_wrap=True)


def _earlier(
    homework: Class, awards: Awards, graded: Collection[str], book: Gradebook
) -> Iterator[Grade]:
    """What still holds from before of what is in the class, may count and was not graded now."""
    others = {item.student: item for item in homework.everyone
              if item.student in awards.counting and item.student not in graded}
    for submission, known in book.of(others):
        item = others[submission.student]
        # Keys follow from who is in the folder: the same one may have been somebody else's.
        if submission.source.name == item.sources[0].name:
            now = dataclasses.replace(
                submission, submitted_at=item.submitted_at, members=item.members,
                attempt=item.attempt, marked_late=item.marked_late,
            )
            verdicts, given = [*known.verdicts.values()], book.marks(submission.student)
            yield grade(homework.rubric, now, verdicts, known.seconds, given)


def _unwritten(what: str, write: Callable[[], None]) -> list[str]:
    """A line when it fails: one page, or a full disk, must not stop the class."""
    try:
        write()
    except Exception as error:
        return [f"Not written: {what}: {type(error).__name__}: {error}."]
    return []


def _complain(console: Console, text: str) -> None:
    console.print(text, style="red", markup=False, soft_wrap=True)
