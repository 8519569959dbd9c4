"""Exports are read back by others: by the peer's own library where there is one to be had, else by
a reader written here after what the peer documents. docs/exports.md says which is which.

nbgrader and otter-grader are too heavy to be asked for; where they are installed, they are asked.
"""

from __future__ import annotations

import base64
import csv
import importlib
import io
import json
import os
import re
import sys
import unittest
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import junitparser
import pytest
import xmlschema
from click.testing import CliRunner
from gradescope_utils.autograder_utils.decorators import number, partial_credit, tags, visibility
from gradescope_utils.autograder_utils.json_test_runner import JSONTestRunner

from grader.cli.app import cli
from grader.export.canvas import canvas_csv
from grader.export.github import classroom_json
from grader.export.gradescope import results_json
from grader.export.junit import junit_xml
from grader.export.tables import class_csv, nbgrader_csv, otter_csv
from grader.reports.saved_grades import SavedGrade, SavedGrades, student_of
from grader.submissions.roster import NAME, Entry, Person, Roster, as_csv

HIDDEN = "layers 2, 3, 1, 4"
CRITERIA = (("counts", 3, "visible"), ("groups", 5, "hidden"), ("late", 2, "after_due"))
POINTS: dict[str, tuple[float | None, ...]] = {
    "ada": (3, 5, 2), "grace": (1.5, 0, 2), "emmy": (3, None, 2), "marie": (3, None, 2),
}  # fmt: skip
STATES = {"emmy": "needs_marking", "marie": "not_scored"}
PENALTY = {"grace": 0.35}
AT = datetime(2026, 12, 1, 3, 30, tzinfo=UTC)
ROSTER = Roster(
    (
        Person("ada", "Ada Lovelace", "ada@school.example", "17", "ada", "123", "001"),
        Person("grace", "Grace Brewster Hopper", "grace@school.example", "18", "", "77", "001"),
        Person("emmy", "Noether, Emmy", "emmy@school.example", "19", "", "99", "002"),
        Person("alan", "Alan Turing", canvas_id="5"),
    ),
    (Entry("ada", 1, "ada_attempt1", AT),),
)


def _row(student: str, index: int) -> dict[str, Any]:
    id, most, _ = CRITERIA[index]
    points = POINTS[student][index]
    status = "passed" if points == most else "partial" if points else "failed"
    return {"id": id, "points": points, "max": most, "reason": f"About {HIDDEN} & <more>.",
            "status": STATES[student] if points is None else status, "hints": ["A hint."]}


def _grade(student: str) -> dict[str, Any]:
    penalty = PENALTY.get(student, 0.0)
    score = sum(points or 0 for points in POINTS[student]) - penalty
    return {"student": student, "score": score, "max": 10, "submitted_at": AT.isoformat(),
            "state": STATES.get(student, "graded"), "late_penalty": penalty, "seconds": 3.25,
            "notes": ["Late by 1 day: 10% penalty."] if penalty else [],
            "criteria": [_row(student, index) for index in range(3)]}


SAVED = SavedGrades.model_validate({
    "rubric": {"title": "Homework 2", "total": 10, "cap": 10, "criteria": [
        {"id": id, "title": f"Title of {id}", "part": "1", "points": points, "visibility": seen}
        for id, points, seen in CRITERIA
    ]},
    "due": "2026-11-30T23:59:00-05:00",
    "submissions": [_grade(student) for student in sorted(POINTS)],
})  # fmt: skip


def grade_of(student: str) -> SavedGrade:
    return student_of(SAVED, student)


# JUnit: by junitparser, and by Jenkins's schema -------------------------------------------------


def test_junitparser_reads_how_each_criterion_ended() -> None:
    read = junitparser.JUnitXml.fromstring(junit_xml(SAVED).encode())
    ended = {
        suite.name: [type(case.result[0]).__name__ if case.result else "" for case in suite]
        for suite in read
    }
    assert ended == {
        "ada": ["", "", ""], "grace": ["Failure", "Failure", ""], "emmy": ["", "Skipped", ""],
        "marie": ["", "Error", ""],
    }  # fmt: skip
    assert (read.tests, read.failures, read.errors) == (12, 2, 1)
    assert {suite.name: suite.skipped for suite in read}["emmy"] == 1


def test_the_junit_xml_is_what_jenkins_s_schema_allows() -> None:
    schema = xmlschema.XMLSchema(str(Path(__file__).with_name("junit-10.xsd")))
    assert [str(error) for error in schema.iter_errors(junit_xml(SAVED))] == []


# Gradescope: beside what its own library writes, and by its specification -----------------------


def _tests_of(grade: SavedGrade) -> unittest.TestSuite:
    """Return these results as gradescope-utils would write them."""

    def test(index: int) -> Callable[..., None]:
        row = grade.criteria[index]

        def body(self: unittest.TestCase, set_score: Callable[[float], None]) -> None:
            set_score(row.points or 0.0)

        seen = {"visible": "visible", "hidden": "visible", "after_due": "after_due_date"}
        told = partial_credit(row.max)(body)
        told = number(str(index + 1))(visibility(seen[CRITERIA[index][2]])(told))
        told = tags(row.id, row.status)(told)
        told.__doc__ = f"1: Title of {row.id}"
        return told  # type: ignore[no-any-return]   # the library ships no types

    case = type("Homework", (unittest.TestCase,), {f"test_{i}": test(i) for i in range(3)})
    return unittest.TestLoader().loadTestsFromTestCase(case)


@pytest.mark.parametrize("student", ["ada", "grace"])
def test_gradescope_gets_what_its_own_library_would_have_written(student: str) -> None:
    written = io.StringIO()
    JSONTestRunner(stream=written, visibility="visible", stdout_visibility="hidden").run(
        _tests_of(grade_of(student))
    )
    theirs, ours = json.loads(written.getvalue()), results_json(SAVED, grade_of(student))
    for one in theirs["tests"]:
        one["tags"] = list(one["tags"])
    own = ("output", "output_format", "name_format")   # which a test of theirs need not have
    assert [{key: value for key, value in test.items() if key not in own}
            for test in ours["tests"]] == theirs["tests"]
    assert ours["score"] == theirs["score"] - PENALTY.get(student, 0.0)
    assert (ours["visibility"], ours["stdout_visibility"]) == (
        theirs["visibility"], theirs["stdout_visibility"],
    )  # fmt: skip


def by_gradescope(results: dict[str, Any]) -> float:
    """The total, as Gradescope's "Autograder Specifications" say: a `score` of the whole, or the
    sum of the tests'; words and types that are not in them are refused."""
    seen = {"hidden", "after_due_date", "after_published", "visible"}
    formats = {"text", "html", "simple_format", "md", "ansi"}
    top = {"score": (int, float), "execution_time": (int, float), "output": str, "extra_data": dict,
           "output_format": str, "test_output_format": str, "test_name_format": str,
           "visibility": str, "stdout_visibility": str, "tests": list, "leaderboard": list}
    test = {"score": (int, float), "max_score": (int, float), "status": str, "name": str,
            "name_format": str, "number": str, "output": str, "output_format": str, "tags": list,
            "visibility": str, "extra_data": dict}
    for found, known in ((results, top), *((one, test) for one in results["tests"])):
        for key, value in found.items():
            assert isinstance(value, known[key]) and not isinstance(value, bool), key  # type: ignore[arg-type]  # one type or two
            assert "visibility" not in key or value in seen
            assert not key.endswith("_format") or value in formats
        assert found.get("status", "passed") in ("passed", "failed")
    assert "score" in results or any("score" in one for one in results["tests"])
    return float(results.get("score", sum(one.get("score", 0) for one in results["tests"])))


@pytest.mark.parametrize("student", sorted(POINTS))
def test_gradescope_s_specification_holds_for_everybody(student: str) -> None:
    results = results_json(SAVED, grade_of(student))
    assert by_gradescope(json.loads(json.dumps(results))) == grade_of(student).score
    assert [one for one in results["tests"] if HIDDEN in json.dumps(one)] == [
        results["tests"][0], results["tests"][2],
    ]  # fmt: skip


# GitHub Classroom: by what its reporter does ----------------------------------------------------


def by_classroom(runners: dict[str, str]) -> tuple[float, float, list[str]]:
    """Points, possible points and what is printed for each test, as autograding-grading-reporter
    makes them of its runners' results, base64 of JSON in the environment."""
    points = possible = 0.0
    lines = []
    for encoded in runners.values():
        results = json.loads(base64.b64decode(encoded))
        if not results["max_score"]:
            continue
        possible += results["max_score"]
        for test in results["tests"]:
            points += test["score"]
            assert test["status"] in ("pass", "fail", "error")
            assert all(key in test for key in ("name", "test_code", "message", "line_no"))
            lines.append(f"{test['status']} {test['name']}")
    return points, possible, lines


def test_classroom_s_reporter_adds_up_what_a_student_may_see() -> None:
    result = json.dumps(classroom_json(SAVED, grade_of("grace"))).encode()
    assert by_classroom({"GRADER_RESULTS": base64.b64encode(result).decode()}) == (
        1.5, 8, ["fail Title of counts", "fail Title of groups"],
    )  # fmt: skip
    assert b"after" not in result and HIDDEN.encode() not in result.split(b"groups")[-1]


# Canvas: by the rules of its importer -----------------------------------------------------------


def by_canvas(text: str) -> dict[tuple[str, str], float]:
    """Points by Canvas's number of a student and of an assignment, as its gradebook importer reads
    them: students by ID, assignments by the number in the heading, blanks change nothing."""
    lines = list(csv.reader(io.StringIO(text)))
    head = lines[0]
    assert head[0] == "Student" and head[1] == "ID"
    fixed = {"Student", "ID", "SIS User ID", "SIS Login ID", "Integration ID", "Section"}
    columns = {index: re.fullmatch(r"(.+) \((\d+)\)", name) for index, name in enumerate(head)
               if name not in fixed and "(read only)" not in name}
    assert lines[1][0].strip() == "Points Possible"
    found = {}
    for line in lines[2:]:
        assert len(line) == len(head)
        assert line[1].isdigit(), "a row without Canvas's number is matched by nothing"
        for index, heading in columns.items():
            assert heading is not None, "Canvas asks which assignment this is"
            if line[index]:
                found[line[1], heading[2]] = float(line[index])
    return found


def test_canvas_s_importer_finds_everybody_by_number_and_leaves_unknown_marks_alone() -> None:
    file = canvas_csv(SAVED, ROSTER, None, "Homework 2 (8)")
    assert by_canvas(file.text) == {("123", "8"): 10, ("77", "8"): 3.15}
    assert (file.strangers, file.blank, file.absent) == (("marie",), ("emmy",), ("Alan Turing",))


def test_canvas_s_own_gradebook_and_what_we_make_of_it_are_the_same_rows(tmp_path: Path) -> None:
    gradebook = tmp_path / "gradebook.csv"
    gradebook.write_text(
        "Student,ID,SIS User ID,SIS Login ID,Section,Homework 1 (7),Final Score\n"
        "    Points Possible,,,,,10,(read only)\n"
        '"Lovelace, Ada",123,s1,lovelace,001,9,90\n'
        '"Hopper, Grace",77,18,gbh,001,9,90\n', encoding="utf-8-sig",
    )  # fmt: skip
    file = canvas_csv(SAVED, ROSTER, gradebook, "Homework 2 (8)")
    # Both by Canvas's own number, whatever else differs.
    assert by_canvas(file.text) == {("123", "8"): 10, ("77", "8"): 3.15}
    assert file.absent == () and "ada" not in file.strangers


# csv: by its documented columns -----------------------------------------------------------------


def test_the_plain_table_has_its_columns_and_everybody_of_the_roster() -> None:
    rows = {row["student"]: row for row in csv.DictReader(io.StringIO(class_csv(SAVED, ROSTER)))}
    assert list(rows["ada"]) == [
        "student", "name", "email", "sid", "section", "score", "max", "state", "late_penalty",
        "submitted_at", "attempt", "group", "missing", "grader", "counts", "groups",
        "late",
    ]  # fmt: skip
    assert rows["grace"]["score"] == "3.15" and rows["grace"]["late_penalty"] == "0.35"
    assert rows["emmy"]["score"] == "" and rows["emmy"]["counts"] == "3"
    assert rows["alan"]["state"] == "no_submission" and rows["alan"]["score"] == ""
    assert datetime.fromisoformat(rows["ada"]["submitted_at"]) == AT


def test_the_table_goes_by_the_roster_that_lies_in_the_results(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text(as_csv(ROSTER), encoding="utf-8")
    (tmp_path / "grades.json").write_text(SAVED.model_dump_json(), encoding="utf-8")
    said = CliRunner().invoke(cli, ["export", "csv", "--out", str(tmp_path)]).stdout
    assert "ada,Ada Lovelace,ada@school.example,17,001,10," in said
    canvas = CliRunner().invoke(cli, ["export", "canvas", "--out", str(tmp_path)]).stdout
    assert "Ada Lovelace,123,17,ada,001,10" in canvas


# nbgrader and otter-grader, where they are installed --------------------------------------------


def test_nbgrader_s_own_exporter_writes_the_same_of_the_same_marks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its gradebook is filled with a student's marks, and its exporter asked for the table."""
    reason = "nbgrader is not installed"
    api = pytest.importorskip("nbgrader.api", reason=reason)
    export = pytest.importorskip("nbgrader.plugins.export", reason=reason)
    beside = str(Path(sys.executable).parent)   # where it looks for alembic
    monkeypatch.setenv("PATH", os.pathsep.join([beside, os.environ["PATH"]]))
    (theirs,) = nbgrader_rows(api, export, tmp_path)
    rows = {row["student_id"]: row
            for row in csv.DictReader(io.StringIO(nbgrader_csv(SAVED, ROSTER)))}
    ours = rows["grace"]
    assert list(ours) == list(theirs)
    numbers = ("raw_score", "late_submission_penalty", "score", "max_score")
    assert [float(ours[name]) for name in numbers] == pytest.approx(
        [float(theirs[name]) for name in numbers]
    )
    words = set(theirs) - set(numbers)
    assert {name: ours[name] for name in words} == {name: theirs[name] for name in words}
    assert rows["emmy"]["score"] == ""   # where nbgrader would have a zero


def nbgrader_rows(api: Any, export: Any, folder: Path) -> list[dict[str, str]]:
    book = api.Gradebook(f"sqlite:///{folder / 'gradebook.db'}")
    book.add_assignment("Homework 2", duedate=datetime(2026, 12, 1, 4, 59))
    book.add_notebook("hw", "Homework 2")
    for id, most, _ in CRITERIA:
        book.add_grade_cell(id, "hw", "Homework 2", max_score=most, cell_type="code")
    book.add_student("grace", first_name="Grace Brewster", last_name="Hopper",
                     email="grace@school.example")
    submission = book.add_submission("Homework 2", "grace", timestamp=AT.replace(tzinfo=None))
    submission.notebooks[0].late_submission_penalty = PENALTY["grace"]
    for (id, _, _), points in zip(CRITERIA, POINTS["grace"], strict=True):
        book.find_grade(id, "hw", "Homework 2", "grace").manual_score = points
    book.db.commit()
    export.CsvExportPlugin(to=str(folder / "grades.csv")).export(book)
    book.close()
    with (folder / "grades.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_otter_s_own_functions_merge_our_table_with_theirs() -> None:
    utils = pytest.importorskip("otter.grade.utils", reason="otter-grader is not installed")
    pandas = importlib.import_module("pandas")
    ours = pandas.read_csv(io.StringIO(otter_csv(SAVED)))
    merged = utils.merge_csv([ours, ours.iloc[1:1]])
    assert list(merged.columns) == [
        "file", "counts", "groups", "late", utils.SCORES_DICT_TOTAL_POINTS_KEY,
        utils.SCORES_DICT_PERCENT_CORRECT_KEY, utils.SCORES_DICT_GRADING_STATUS_KEY,
    ]  # fmt: skip
    assert list(merged["file"]) == [utils.POINTS_POSSIBLE_LABEL, "ada", "emmy", "grace", "marie"]
    grace = merged[merged["file"] == "grace"].iloc[0]
    assert grace["total_points_earned"] == pytest.approx(3.15)
    assert merged[merged["file"] == "emmy"]["total_points_earned"].isna().all()
