"""Grades, feedback and the report, written anew from what stands in the gradebook: no worker is
asked.

What a person has marked since the last run gets into them by this.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from grader.errors import UsageError
from grader.grading.gradebook_file import alone_in
from grader.grading.history import open_history
from grader.grading.standing import Moment, moment
from grader.reports.grades_file import GradesWriter
from grader.reports.saved_grades import read_saved
from grader.run.cache.file import open_cache
from grader.run.results_folder import FeedbackFolder, ReportFile


@dataclass(frozen=True)
class Renewed:
    """How many students were written, and how many of them still wait for a person."""

    students: int
    waiting: int


def renew(out: Path, templates: Path | None = None) -> Renewed:
    """`grades.json`, `grades.csv`, the pages in `feedback/` and `report.html`, by the rubric of the
    last run.

    `templates` stand before ours; without any, those of the last run. Raises UsageError while a run
    is at work in the folder: that run, or the next, writes what was marked.
    """
    states: Counter[str] = Counter()
    with alone_in(out), open_cache(out) as cache, open_history(out) as history:
        now = moment(history)
        told = now.conditions.options.get("--templates")
        templates = templates or (Path(told) if told else None)
        everyone = _class(out, now)
        marks = GradesWriter(now.rubric)
        feedback = FeedbackFolder(now.rubric, out, templates, cache)
        report = ReportFile(now.rubric, out, everyone, cache)
        for student in everyone:
            standing = now.standing(student)
            if standing is None:   # they have a grade: by a list of groups that came later, say
                raise UsageError(
                    f"the gradebook does not know of {student} yet. Run the same `grader run` as "
                    "the last time with --fresh; it writes what was marked."
                )
            marks.add(standing.grade)
            feedback.write(standing.grade)
            report.add(standing.grade)
            states[standing.grade.state] += 1
        marks.write(out)
        report.finish(left=0)
    return Renewed(states.total(), states["needs_marking"])


def _class(out: Path, now: Moment) -> list[str]:
    """Those who have marks now: who has left the class stays away."""
    try:
        return [one.student for one in read_saved(out).submissions]
    except UsageError:
        return sorted(now.attempts)
