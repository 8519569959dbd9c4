"""A grade as Gradescope's `results.json`, which an autograder leaves in /autograder/results.

The format is Gradescope's own ("Autograder Specifications": tests with score, max_score, status,
name, output, visibility). Gradescope hides tests until the due date; details of hidden criteria
are not in the file.
"""

from __future__ import annotations

from typing import Any

from grader.reports.saved_grades import SavedCriterion, SavedGrade, SavedGrades, SavedResult

_VISIBILITY = {"visible": "visible", "after_due": "after_due_date", "hidden": "visible"}
_LONGEST = 20_000   # characters of output; Gradescope shows no more than 100 kB of all tests


def results_json(saved: SavedGrades, grade: SavedGrade) -> dict[str, Any]:
    """Return Gradescope's results for one student.

    `score` is the tests' sum after late penalty and cap. A criterion that needs manual grading or
    another run has no score yet.
    """
    tests = [
        _test(number, saved.by_id[row.id], row)
        for number, row in enumerate(grade.criteria, start=1)
    ]
    return {
        "score": grade.score,
        "execution_time": round(grade.seconds),
        "output": "\n".join(grade.notes),
        "output_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": tests,
        "extra_data": {"state": grade.state, "late_penalty": grade.late_penalty},
    }


def _test(number: int, criterion: SavedCriterion, row: SavedResult) -> dict[str, Any]:
    test: dict[str, Any] = {
        "name": f"{criterion.part}: {criterion.title}",
        "name_format": "text",
        "number": str(number),
        "output": _output(criterion, row)[:_LONGEST],
        "output_format": "text",
        "visibility": _VISIBILITY[criterion.visibility],
        "tags": [row.id, row.result],
    }
    if row.points is None:
        return test
    passed = "passed" if row.points >= row.max else "failed"
    return test | {"score": row.points, "max_score": row.max, "status": passed}


def _output(criterion: SavedCriterion, row: SavedResult) -> str:
    if criterion.visibility == "hidden":
        return "Your instructor shows the points of this criterion and no details."
    hints = [f"Hint (no points lost): {hint}" for hint in row.hints]
    return "\n".join([row.reason, *hints])
