"""The Python interface: grade a class, or check one file, from a program or a notebook.

The command line calls the same functions. Nothing here prints; pass a `Watcher` to follow a run.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from grader.checks.registry import parameter_models
from grader.errors import UsageError
from grader.grading.gradebook_file import in_memory, open_gradebook
from grader.records import Grade
from grader.rubric.load import load
from grader.rubric.model import Rubric
from grader.run.cache.file import no_cache, open_cache
from grader.run.grade_class import Class, Unwatched, Watcher, grade_class
from grader.run.open import grades_of
from grader.run.options import AT_HOME, RunOptions
from grader.run.pools import with_cluster
from grader.run.results_folder import keep_roster
from grader.submissions.discover import HandIn, discover, left_out, own_work
from grader.submissions.enrolment import enrol
from grader.submissions.roster import read_roster
from grader.text import plain_line

if TYPE_CHECKING:   # an optional package
    import pandas


@dataclass(frozen=True)
class Results:
    """The outcome of `grade` or `check`.

    Attributes:
        students: One grade per student, in the order in which they were graded.
        faults: One line for each result that could not be written.
        left: Submissions that were not begun because the run was stopped.
        unknown: Other students of the class who have no marks by this rubric yet.
        out: The results folder; None after `check`.
    """

    students: tuple[Grade, ...]
    faults: tuple[str, ...] = ()
    left: int = 0
    unknown: int = 0
    out: Path | None = None

    def to_dataframe(self) -> pandas.DataFrame:
        """Return one row per student and criterion. Needs pandas.

        Columns: student, criterion, title, status, points (NaN while unknown), max, reason.

        Raises:
            ImportError: pandas is not installed.
        """
        import pandas

        columns = ("student", "criterion", "title", "status", "points", "max", "reason")
        rows = [
            (one.student, row.verdict.criterion, row.title, row.verdict.status, row.points,
             row.max, row.verdict.reason)
            for one in self.students
            for row in one.criteria
        ]
        return pandas.DataFrame(rows, columns=list(columns)).astype({"points": float})


def grade(
    submissions: Path | str,
    rubric: Rubric | Path | str = "rubric.yaml",
    out: Path | str = "results",
    *,
    profile: str | None = None,
    only: Sequence[str] = (),
    options: RunOptions | None = None,
    watcher: Watcher | None = None,
    stop: threading.Event | None = None,
) -> Results:
    """Grade a folder of submissions; write marks, feedback and the class report to `out`.

    Verdicts of an earlier run in `out` that still hold are kept, as in `grader run`.

    Args:
        submissions: The folder of the class.
        rubric: A rubric, or the path of its file.
        out: The results folder; it is created if missing.
        profile: The profile of the rubric to use, if `rubric` is a path. None: the default.
        only: Students to grade; by default all.
        options: How to carry out the run. None: as `grader run` without options, in Docker.
        watcher: Follows the run; by default nobody does.
        stop: Once set, no new submission begins.

    Raises:
        UsageError: A path, a student's name or the rubric is wrong.
        GraderError: The run cannot begin or cannot go on, such as without a Docker Engine.
    """
    if isinstance(only, str):
        raise UsageError(f"only: expected a list of students, such as ['{only}']")
    submissions, out = Path(submissions), Path(out)
    watcher = watcher or Unwatched()
    options = options or RunOptions()
    if not isinstance(rubric, Rubric):
        options = dataclasses.replace(options, rubric_path=Path(rubric))
        rubric = load(Path(rubric), parameter_models, profile)
    everyone = [item for item in discover(submissions) if out.resolve() not in item.sources]
    enrolled = enrol(rubric, everyone, read_roster(submissions))
    chosen = _chosen(enrolled.hand_ins, only, submissions)
    if odd := left_out(submissions):
        watcher.say(f"Not taken for submissions: {plain_line(', '.join(odd), 4000)}.")
    for line in enrolled.warnings:
        watcher.say(f"Warning: {plain_line(line, 4000)}")
    options = with_cluster(options, rubric)
    whole = not only and not options.criteria
    options = dataclasses.replace(options, submissions=submissions, whole=whole)
    homework = Class(enrolled.rubric, enrolled.hand_ins, chosen, out, options.templates)
    keep_roster(submissions, everyone, out)
    with open_gradebook(out, watcher.say) as book, open_cache(out) as cache:
        ran = grade_class(homework, options, book, cache, watcher, stop)
    return Results(ran.grades, ran.faults, ran.left, ran.unknown, out)


def check(
    file: Path | str,
    rubric: Rubric | Path | str = "rubric.yaml",
    *,
    profile: str | None = None,
    criteria: Sequence[str] = (),
    seed: int | None = None,
    watcher: Watcher | None = None,
) -> Results:
    """Check one submission on this machine, without Docker, by the visible criteria.

    The code runs with your own rights: use this for your own work only.

    Args:
        file: A `.py` or `.ipynb` file, a folder or an archive.
        rubric: A rubric, or the path of its file.
        profile: The profile of the rubric to use, if `rubric` is a path. None: the default.
        criteria: Ids of the criteria to check; by default all that are visible.
        seed: Seed of the hidden inputs; by default a new one.
        watcher: Follows the check; by default nobody does.

    Raises:
        UsageError: A path, a criterion or the rubric is wrong, or torch is not installed.
    """
    if isinstance(criteria, str):
        raise UsageError(f"criteria: expected a list of ids, such as ['{criteria}']")
    if not isinstance(rubric, Rubric):
        rubric = load(Path(rubric), parameter_models, profile)
    options = dataclasses.replace(AT_HOME, criteria=visible(rubric, criteria), seed=seed)
    watcher = watcher or Unwatched()
    with in_memory() as book:
        graded = grades_of(
            rubric, [own_work(Path(file))], options, book, no_cache(), watcher.say, watcher.tell
        )
        return Results(tuple(graded))


def visible(rubric: Rubric, criteria: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the ids in `criteria`, or those of all visible criteria if there are none.

    Raises:
        UsageError: One of `criteria` is hidden from students, or not in the rubric.
    """
    shown = [item.id for item in rubric.criteria if item.visibility == "visible"]
    hidden = sorted(set(criteria) - set(shown))
    if hidden:
        raise UsageError(
            f"'{hidden[0]}' is not a criterion that can be checked here; these can: "
            + ", ".join(shown)
        )
    return tuple(criteria) or tuple(shown)


def _chosen(
    hand_ins: Sequence[HandIn], only: Sequence[str], folder: Path
) -> tuple[HandIn, ...]:
    if not hand_ins:
        raise UsageError(f"{folder}: no submission in it; expected .py, .ipynb, archives, folders")
    known = {student for item in hand_ins for student in (item.student, *item.owners)}
    unknown = sorted(set(only) - known)
    if unknown:
        raise UsageError(f"no student '{unknown[0]}' in {folder}; there are "
                         + ", ".join(sorted(known)[:20]))
    return tuple(item for item in hand_ins
                 if not only or {item.student, *item.owners}.intersection(only))
