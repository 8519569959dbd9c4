"""What a run leaves in its results folder."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from grader.export.grades import write_csv, write_json
from grader.feedback.render import render
from grader.records import Grade
from grader.rubric import Rubric


def write_feedback(grade: Grade, rubric: Rubric, out: Path, templates: Path | None) -> None:
    """`feedback/STUDENT.html` and `.md`, as this student may see them now."""
    folder = out / "feedback"
    folder.mkdir(parents=True, exist_ok=True)
    due = rubric.late.due if rubric.late else None
    pages = render(grade, rubric.title, datetime.now(UTC), due, templates)
    (folder / f"{grade.student}.html").write_text(pages.html, encoding="utf-8")
    (folder / f"{grade.student}.md").write_text(pages.markdown, encoding="utf-8")


def write_grades(grades: Iterable[Grade], rubric: Rubric, out: Path) -> None:
    """`grades.json` and `grades.csv`, for the instructor: nothing is withheld in them."""
    grades = list(grades)
    write_json(grades, rubric, out / "grades.json")
    write_csv(grades, rubric, out / "grades.csv")
