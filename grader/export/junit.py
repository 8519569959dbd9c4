"""Grades as JUnit XML: a suite per student, a case per criterion.

Full points pass and fewer fail. A criterion that needs manual grading is skipped; one that could
not be scored is an error.
"""

from __future__ import annotations

from grader.reports import junit_xml as junit
from grader.reports.junit_xml import Ending, TestCase
from grader.reports.saved_grades import SavedGrades, SavedResult


def junit_xml(saved: SavedGrades) -> str:
    """Return JUnit XML for the instructor's own CI; it includes hidden criteria."""
    suites = [
        junit.suite(
            grade.student, tuple(_case(saved, row) for row in grade.criteria), grade.seconds
        )
        for grade in saved.submissions
    ]
    return junit.document(saved.rubric.title, suites)


def _case(saved: SavedGrades, row: SavedResult) -> TestCase:
    got = "waiting" if row.points is None else f"{row.points:g}"
    text = f"{saved.by_id[row.id].title}\n{row.reason}"
    return junit.case(
        row.id, _ending(row), row.result, f"{got} of {row.max:g} points", text
    )


def _ending(row: SavedResult) -> Ending:
    if row.points is None:
        return "error" if row.status == "not_scored" else "skipped"
    return "passed" if row.points >= row.max else "failure"
