"""One student's grade for GitHub Classroom, and as the summary of a GitHub Actions job.

The result has the format that Classroom's own runners give to its reporter (classroom-resources/
autograding-grading-reporter): version, status, max_score, tests. Students read it, so it omits
criteria that are shown after the due date, and shows hidden ones without details.
"""

from __future__ import annotations

import re
from typing import Any

from grader.reports.saved_grades import Saved, SavedCriterion, SavedGrade, SavedRow
from grader.text import plain, plain_line

_ACTIVE = re.compile(r"([\\`*_{}\[\]<>#|~$&^!@])")
_SYMBOLS = {True: "✅", False: "❌", None: "⏳"}


def classroom_json(saved: Saved, grade: SavedGrade) -> dict[str, Any]:
    """Return Classroom's result; `status` is "pass" if no test failed or had an error.

    A criterion that needs manual grading counts as a pass with 0 points.
    """
    rows = _shown(saved, grade)
    tests = [_test(criterion, row) for criterion, row in rows]
    statuses = {test["status"] for test in tests}
    worst = next((word for word in ("error", "fail") if word in statuses), "pass")
    return {
        "version": 1,
        "status": worst,
        "max_score": sum(row.max for _, row in rows),
        "tests": tests,
    }


def step_summary(saved: Saved, grade: SavedGrade) -> str:
    """Return Markdown for the file that `$GITHUB_STEP_SUMMARY` names."""
    rows = _shown(saved, grade)
    known = sum(row.points or 0.0 for _, row in rows)
    lines = [
        f"## {_cell(saved.rubric.title)}",
        "",
        f"**{known:g} of {sum(row.max for _, row in rows):g} points**",
        "",
        "| | Criterion | Points | What was found |",
        "| --- | --- | ---: | --- |",
    ]
    for criterion, row in rows:
        full = None if row.points is None else row.points >= row.max
        points = "" if row.points is None else f"{row.points:g}"
        found = _cell(_reason(criterion, row))
        title = _cell(criterion.title)
        lines.append(f"| {_SYMBOLS[full]} | {title} | {points} / {row.max:g} | {found} |")
    return "\n".join([*lines, ""])


def _shown(saved: Saved, grade: SavedGrade) -> list[tuple[SavedCriterion, SavedRow]]:
    rows = [(saved.by_id[row.id], row) for row in grade.criteria]
    return [(criterion, row) for criterion, row in rows if criterion.visibility != "after_due"]


def _test(criterion: SavedCriterion, row: SavedRow) -> dict[str, Any]:
    status = "pass"
    if row.status == "not_scored":
        status = "error"
    elif row.points is not None and row.points < row.max:
        status = "fail"
    return {
        "name": plain_line(criterion.title),
        "status": status,
        "score": row.points or 0.0,
        "max_score": row.max,
        "message": plain(_reason(criterion, row)),
        "test_code": row.id,
        "filename": "",
        "line_no": 0,
    }


def _reason(criterion: SavedCriterion, row: SavedRow) -> str:
    if criterion.visibility == "hidden":
        return "Your instructor shows the points of this criterion and no details."
    return row.reason


def _cell(text: str) -> str:
    return _ACTIVE.sub(r"\\\1", plain_line(text))
