"""Everything that people read says "not attempted" of a part that was not attempted."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from grader.cli.explain_view import show_differences
from grader.cli.student_view import show
from grader.export.github import step_summary
from grader.export.gradescope import results_json
from grader.export.junit import junit_xml
from grader.grading.gradebook import VERDICT, read_record
from grader.grading.points import grade as graded
from grader.records import Grade, Verdict
from grader.reports.class_report.rendering import render
from grader.reports.class_report.rows import row_of
from grader.reports.class_report.summarizing import summarize
from grader.reports.grades_file import GradesWriter
from grader.reports.saved_grades import SavedGrades, read_saved
from grader.reports.student.render import Renderer
from tests.factories import criterion, rubric, submission, verdict

HOMEWORK = rubric(criterion("one", 5), criterion("two", 5), criterion("three", 5))
BLANK = verdict("one", 0, "failed", reason="Not attempted: part (a) is blank.", attempted=False)
WRONG = verdict("two", 0, "failed", reason="It is wrong.")


@pytest.fixture(scope="module")
def of_ada() -> Grade:
    """One part that was not attempted, one that is wrong, and one that is right."""
    return graded(HOMEWORK, submission(), [BLANK, WRONG, verdict("three")])


@pytest.fixture(scope="module")
def saved(of_ada: Grade, tmp_path_factory: pytest.TempPathFactory) -> SavedGrades:
    out = tmp_path_factory.mktemp("out")
    marks = GradesWriter(HOMEWORK)
    marks.add(of_ada)
    marks.write(out)
    return read_saved(out)


def test_the_page_says_so_in_both_forms(of_ada: Grade) -> None:
    page = Renderer(None).render(of_ada, "Homework", datetime.now(UTC), None)
    assert page.markdown.count("| not attempted |") == page.markdown.count("| failed |") == 1
    assert page.html.count('<span class="status not_attempted">') == 2   # overview and list
    assert page.html.count("Not attempted: 1 part, 5 points") == 1


def test_the_terminal_counts_it_apart(of_ada: Grade) -> None:
    written = io.StringIO()
    show(of_ada, Console(file=written, width=80))
    assert "1 passed, 1 failed, 1 not attempted" in written.getvalue()


def test_the_class_report_counts_it_apart(of_ada: Grade) -> None:
    report = summarize(HOMEWORK, [row_of(of_ada)], ["ada"], 0, running=False)
    assert [one.counts["not_attempted"] for one in report.criteria] == [1, 0, 0]
    assert [one.counts["failed"] for one in report.criteria] == [0, 1, 0]
    assert [one.text for one in report.diagnoses] == ["Not attempted: part (a) is blank.",
                                                      "It is wrong."]
    assert 'data-status="not_attempted"' in render(report, datetime.now(UTC))


def test_exports_say_so(saved: SavedGrades) -> None:
    (row,) = saved.submissions
    test = results_json(saved, row)["tests"][0]
    assert test["tags"] == ["one", "not_attempted"] and test["output"].startswith("Not attempted")
    assert 'type="not_attempted"' in junit_xml(saved) and 'type="failed"' in junit_xml(saved)
    assert "Not attempted: part" in step_summary(saved, row)


def test_the_status_in_grades_json_stays_and_a_field_is_added(
    of_ada: Grade, tmp_path: Path
) -> None:
    marks = GradesWriter(HOMEWORK)
    marks.add(of_ada)
    marks.write(tmp_path)
    rows = json.loads((tmp_path / "grades.json").read_text())["submissions"][0]["criteria"]
    assert [(row["status"], row["attempted"]) for row in rows] == [
        ("failed", False), ("failed", True), ("passed", True),
    ]  # fmt: skip


def test_results_of_an_earlier_grader_load_as_before(saved: SavedGrades) -> None:
    text = json.loads(saved.model_dump_json())
    for row in text["submissions"][0]["criteria"]:
        del row["attempted"]
    (grade,) = SavedGrades.model_validate(text).submissions
    assert [row.result for row in grade.criteria] == ["failed", "failed", "passed"]
    stored = {"criterion": "one", "status": "failed", "fraction": 0.0, "reason": "Blank."}
    assert read_record(VERDICT, json.dumps(stored)) == Verdict("one", "failed", 0.0, "Blank.")


def test_a_difference_says_so() -> None:
    def row(attempted: bool) -> dict[str, object]:
        return {"points": 0, "max": 5, "status": "failed", "attempted": attempted}

    change = {"id": "one", "before": row(False), "after": row(True), "causes": []}
    student = {"student": "ada", "before": 0, "after": 0, "causes": [], "criteria": [change]}
    runs = {"run": 1, "folder": "out"}
    found = {"before": runs, "after": runs, "changed": [student], "unchanged": 0,
             "only_before": [], "only_after": []}
    written = io.StringIO()
    show_differences(found, Console(file=written, width=100))
    assert "0 of 5 (not attempted) -> 0 of 5 (failed)" in written.getvalue()


def test_a_criterion_that_depends_on_another_keeps_its_own_reason() -> None:
    homework = rubric(criterion("two", 5), criterion("one", 5, depends_on=("two",)))
    rows = graded(homework, submission(), [WRONG, BLANK]).criteria
    assert rows[1].verdict == BLANK
