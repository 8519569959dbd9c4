"""Grades a class, writes results as they arrive, and reports what could not be written."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from grader.grading.attempts import Awards
from grader.grading.gradebook import Gradebook
from grader.records import Grade
from grader.reports.grades_file import GradesWriter
from grader.rubric.model import Rubric
from grader.run.cache.file import CacheFile
from grader.run.earlier_marks import earlier_marks, standing_marks
from grader.run.open import Opener, grades_of
from grader.run.options import RunOptions
from grader.run.provenance.event_log import EventLog
from grader.run.results_folder import FeedbackFolder, ReportFile, in_short, keep_code, keep_pdfs
from grader.submissions.discover import HandIn

LOGS = "logs"


class Watcher(Protocol):
    """Follows a run; `cli.progress.Progress` shows it in a terminal. Called from any thread."""

    def begin(self, total: int) -> None:
        """The run begins; it has `total` submissions."""

    def say(self, text: str) -> None:
        """Show the instructor a line of text."""

    def tell(self, student: str, what: str) -> None:
        """A student's submission enters a new step."""

    def done(self, grade: Grade) -> None:
        """A submission was graded."""


class Unwatched:
    """A `Watcher` that shows nothing."""

    def begin(self, total: int) -> None:
        """Ignore it."""

    def say(self, text: str) -> None:
        """Ignore it."""

    def tell(self, student: str, what: str) -> None:
        """Ignore it."""

    def done(self, grade: Grade) -> None:
        """Ignore it."""


@dataclass(frozen=True)
class Class:
    """A class to grade.

    Attributes:
        rubric: The rubric to grade by.
        everyone: All hand-ins of the class.
        hand_ins: Those to grade in this run; all of `everyone`, or fewer.
        out: The results folder.
        templates: A folder of templates that replace the project's own, or None.
    """

    rubric: Rubric
    everyone: tuple[HandIn, ...]
    hand_ins: tuple[HandIn, ...]
    out: Path
    templates: Path | None = None


@dataclass(frozen=True)
class ClassGrades:
    """The outcome of a run over a class.

    Attributes:
        grades: The grades of this run, without the evidence that they rest on.
        faults: One line for each result that could not be written.
        left: Hand-ins that were not begun.
        unknown: Other students of the class who have no marks by this rubric yet.
    """

    grades: tuple[Grade, ...]
    faults: tuple[str, ...]
    left: int = 0
    unknown: int = 0


def grade_class(
    homework: Class, options: RunOptions, book: Gradebook, cache: CacheFile, watcher: Watcher,
    stop: threading.Event | None = None, opener: Opener | None = None,
) -> ClassGrades:
    """Grade a class, writing feedback as grades arrive and the marks at the end.

    Args:
        homework: The class and the rubric.
        options: How to carry out the run.
        book: The gradebook; verdicts in it that still hold are kept.
        cache: The cache; answers in it that still hold are not asked again.
        watcher: Follows the run.
        stop: Once set, no new submission begins.
        opener: Opens another sandbox than `options` names.
    """
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
    log = EventLog(out / LOGS, watcher.say if options.verbose else None)
    done: set[str] = set()   # hand-ins that are graded by now
    standing: set[str] = set()   # those whose marks held as the run began

    def left() -> int:
        return sum(item.student not in done | standing for item in chosen)

    def show_standing() -> None:
        held, names = Awards(rubric, homework.everyone), {item.student for item in chosen}
        for graded in standing_marks(rubric, homework.everyone, names, options, book):
            standing.add(graded.submission.student)
            for one in held.add(graded):
                report.add(one)
        if standing:
            report.keep_up(left(), at_once=True)

    def award(one: Grade) -> None:
        grades.append(in_short(one))
        faults.extend(_unwritten(f"the marks of {one.student}", partial(marks.add, one)))
        faults.extend(_unwritten(f"feedback for {one.student}", partial(feedback.write, one)))
        faults.extend(_unwritten(f"{one.student} in the report", partial(report.add, one)))

    watcher.begin(len(chosen))
    arriving = grades_of(
        rubric, chosen, options, book, cache, watcher.say, watcher.tell, stop, opener, log,
        [item.student for item in homework.everyone],
        begun=lambda: faults.extend(_unwritten("the report of earlier marks", show_standing)),
    )
    try:
        with closing(arriving):   # whatever ends this early also ends what runs
            for graded in arriving:
                done.add(graded.submission.student)
                for keep in (partial(keep_pdfs, graded), partial(keep_code, graded.submission)):
                    faults += _unwritten(f"the answers of {graded.student}", partial(keep, out))
                for one in awards.add(graded):
                    award(one)
                _unwritten("the report", partial(report.keep_up, left()))
                watcher.done(graded)
    finally:
        earlier = set()
        others_left = [item for item in homework.everyone
                       if item.student in awards.counting and item.student not in done]
        for graded in earlier_marks(rubric, others_left, book):
            for one in awards.add(graded):
                earlier.add(one.student)
                marks.add(one)
                report.add(one)
        faults += _unwritten(f"the marks in {out}", partial(marks.write, out))
        finish = partial(report.finish, left())
        faults += _unwritten(f"the report in {out}", finish)
    unsaved = ", ".join(book.unsaved)
    if unsaved:
        faults.append(f"The verdicts on {unsaved} are not in the gradebook: {book.problem}.")
    return ClassGrades(
        tuple(grades), tuple(faults), len(chosen) - len(done), len(others - earlier)
    )


def _unwritten(what: str, write: Callable[[], None]) -> list[str]:
    """Return a line if `write` fails: one page, or a full disk, must not stop the class."""
    try:
        write()
    except Exception as error:
        return [f"Not written: {what}: {type(error).__name__}: {error}."]
    return []
