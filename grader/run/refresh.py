"""Writes marks, feedback and the report again from the gradebook, without asking any worker.

This brings marks that people gave since the last run into the results.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from grader.errors import UsageError
from grader.grading.gradebook_file import alone_in
from grader.grading.history import open_history
from grader.grading.past_grades import PastRun, past_run
from grader.reports.grades_file import GradesWriter
from grader.reports.saved_grades import read_saved
from grader.run.cache.file import open_cache
from grader.run.results_folder import FeedbackFolder, ReportFile


@dataclass(frozen=True)
class Refreshed:
    """The number of students written, and of those who still need manual grading."""

    students: int
    waiting: int


def refresh(out: Path, templates: Path | None = None) -> Refreshed:
    """Write `grades.json`, `grades.csv`, `feedback/` and `report.html` by the last run's rubric.

    Args:
        out: The results folder.
        templates: Templates that replace the project's own. None: those of the last run.

    Raises:
        UsageError: A run is using the folder; that run, or the next, writes the marks.
    """
    states: Counter[str] = Counter()
    with alone_in(out), open_cache(out) as cache, open_history(out) as history:
        now = past_run(history)
        told = now.conditions.options.get("--templates")
        templates = templates or (Path(told) if told else None)
        everyone = _class(out, now)
        marks = GradesWriter(now.rubric)
        feedback = FeedbackFolder(now.rubric, out, templates, cache)
        report = ReportFile(now.rubric, out, everyone, cache)
        for student in everyone:
            standing = now.grade_of(student)
            if standing is None:   # they have a grade: by a list of groups that came later, say
                raise UsageError(
                    f"{student} is not in the gradebook yet. Run the last `grader run` again with "
                    "--fresh; it also writes the marks that people gave."
                )
            marks.add(standing.grade)
            feedback.write(standing.grade)
            report.add(standing.grade)
            states[standing.grade.state] += 1
        marks.write(out)
        report.finish(left=0)
    return Refreshed(states.total(), states["needs_marking"])


def refresh_report(out: Path) -> None:
    """Write `report.html` again by the last run's rubric, and nothing else.

    Args:
        out: The results folder.

    Raises:
        UsageError: It has no gradebook, or a run is using it; that run writes the report.
    """
    with alone_in(out), open_cache(out) as cache, open_history(out) as history:
        now = past_run(history)
        everyone = _class(out, now)
        report = ReportFile(now.rubric, out, everyone, cache)
        for student in everyone:
            if (standing := now.grade_of(student)) is not None:
                report.add(standing.grade)
        report.finish(left=0)


def _class(out: Path, now: PastRun) -> list[str]:
    """Return the students who have marks in `grades.json`."""
    try:
        return [one.student for one in read_saved(out).submissions]
    except UsageError:
        return sorted(now.attempts)
