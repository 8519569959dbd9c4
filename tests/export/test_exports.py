"""Exports for other systems are complete.

They hold nothing that a student may not see, and no zero for a score that is not known yet.
"""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from grader.cli.app import cli
from grader.errors import UsageError
from grader.export.canvas import canvas_csv
from grader.export.github import classroom_json, step_summary
from grader.export.gradescope import results_json
from grader.export.junit import junit_xml
from grader.export.tables import class_csv, nbgrader_csv, otter_csv
from grader.grading.points import grade
from grader.records import Verdict
from grader.reports.grades_file import GradesWriter
from grader.reports.progress import progress
from grader.reports.saved_grades import SavedGrades, read_saved, student_of
from grader.submissions.roster import Person, Roster, as_csv, read_roster
from tests.factories import criterion, rubric, submission

SECRET = "layers 2, 3, 1, 4"
RUBRIC = rubric(
    criterion("counts", 3, title="Counts *by* layer"),
    criterion("groups", 5, title="Groups", visibility="hidden"),
    criterion("late", 2, title="Later", visibility="after_due"),
    title="Homework 2", cap=10,
)  # fmt: skip
ROSTER = """\
Student,ID,SIS User ID,SIS Login ID,Section,Homework 1 (7)
    Points Possible,,,,,10
"Lovelace, Ada",11,s11,ada@example.edu,ESE 546,9
"Hopper, Grace",12,s12,grace@example.edu,ESE 546,8
"Noether, Emmy",13,s13,emmy@example.edu,ESE 546,8
"Curie, Marie",14,s14,marie@example.edu,ESE 546,8
"Student, Test",99,,0a1b,ESE 546,
"""


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A results folder with one who lost points, one who waits, and one who was not scored."""
    marks = GradesWriter(RUBRIC)
    for student, status in (
        ("lovelaceada", "failed"), ("grace", "needs_marking"), ("13", "not_scored"),
        ("=cmd", "passed"),
    ):
        fraction = 1.0 if status == "passed" else 0.0
        verdicts = [
            Verdict("counts", "passed", 1.0, "All | right.", hints=("Use <numel>.",)),
            Verdict("groups", status, fraction, f"Wrong for {SECRET}."),  # type: ignore[arg-type]  # one of the words
            Verdict("late", "passed", 1.0, f"Right for {SECRET}."),
        ]
        marks.add(grade(RUBRIC, submission(student), verdicts, 3.2))
    marks.write(tmp_path)
    return tmp_path


@pytest.fixture
def saved(out: Path) -> SavedGrades:
    return read_saved(out)


@pytest.fixture
def roster(tmp_path: Path) -> Path:
    path = tmp_path / "gradebook.csv"
    path.write_text(ROSTER, encoding="utf-8-sig")   # as Canvas writes it, with a mark in front
    return path


def rows(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


def test_canvas_gets_its_own_rows_with_one_column_filled_in(
    saved: SavedGrades, roster: Path
) -> None:
    file = canvas_csv(saved, Roster(), roster, "Homework 2 (8)")
    assert rows(file.text)[:3] == [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Homework 2 (8)"],
        ["    Points Possible", "", "", "", "", "10"],
        ["Lovelace, Ada", "11", "s11", "ada@example.edu", "ESE 546", "5"],
    ]


def test_a_score_that_is_not_known_in_full_is_blank_in_canvas_and_no_zero(
    saved: SavedGrades, roster: Path
) -> None:
    file = canvas_csv(saved, Roster(), roster, "Homework 2 (8)")
    assert [row[-1] for row in rows(file.text)[3:]] == ["", "", ""]
    assert set(file.blank) == {"grace", "13"} and file.absent == ("Curie, Marie",)


def test_who_is_not_in_the_roster_is_told_and_not_lost_silently(
    out: Path, roster: Path, tmp_path: Path
) -> None:
    to = tmp_path / "canvas.csv"
    arguments = ["export", "canvas", "--out", str(out), "--roster", str(roster), "--to", str(to)]
    ran = CliRunner().invoke(cli, arguments, standalone_mode=False)
    assert ran.return_value == 1
    assert f"1 student left out, because {roster} does not list them: =cmd" in ran.stderr
    assert to.read_text(encoding="utf-8").startswith("Student,ID")


def test_a_roster_that_is_not_canvas_s_is_an_error_that_says_what_is(
    saved: SavedGrades, tmp_path: Path
) -> None:
    other = tmp_path / "list.csv"
    other.write_text("name,mark\nada,3\n")
    with pytest.raises(UsageError, match="no column 'Student'; expected the file that Canvas"):
        canvas_csv(saved, Roster(), other, "x")


@pytest.mark.parametrize(("cap", "most"), [(100, "10"), (10, "10"), (8, "8")])
def test_the_maximum_is_the_cap_or_the_total_whichever_is_less(
    cap: float, most: str, tmp_path: Path, roster: Path
) -> None:
    capped = RUBRIC.model_copy(update={"cap": cap})
    marks, verdicts = GradesWriter(capped), [Verdict(one.id, "passed", 1.0, "Right.")
                                             for one in RUBRIC.criteria]
    marks.add(grade(capped, submission("lovelaceada"), verdicts))
    marks.write(tmp_path)
    saved = read_saved(tmp_path)
    absent = Roster((Person("emmy"),))
    canvas = rows(canvas_csv(saved, Roster(), roster, "x").text)
    ours = list(csv.DictReader(io.StringIO(class_csv(saved, absent))))
    assert [row[-1] for row in canvas[1:3]] == [most, most]
    assert [(row["student"], row["max"]) for row in ours] == [("emmy", most), ("lovelaceada", most)]
    assert next(csv.DictReader(io.StringIO(otter_csv(saved))))["total_points_earned"] == most
    assert next(csv.DictReader(io.StringIO(nbgrader_csv(saved, absent))))["max_score"] == most


def test_our_table_says_what_a_blank_score_waits_for(saved: SavedGrades) -> None:
    ours = {row["student"]: row for row in csv.DictReader(io.StringIO(class_csv(saved, Roster())))}
    assert ours["grace"]["score"] == "" and ours["grace"]["missing"] == "1: needs manual grading"
    assert ours["13"]["missing"] == "1: not scored yet; run again"
    assert ours["lovelaceada"]["missing"] == ""


def test_gradescope_gets_every_criterion_and_no_details_of_a_hidden_one(saved: SavedGrades) -> None:
    found = results_json(saved, student_of(saved, "lovelaceada"))
    assert found["score"] == 5
    counts, groups, late = found["tests"]
    assert (counts["score"], counts["max_score"], counts["status"]) == (3, 3, "passed")
    assert (groups["score"], groups["status"]) == (0, "failed")
    assert SECRET not in json.dumps(groups)
    assert late["visibility"] == "after_due_date"


def test_what_waits_has_no_score_in_gradescope(saved: SavedGrades) -> None:
    for student in ("grace", "13"):
        tests = results_json(saved, student_of(saved, student))["tests"]
        assert "score" not in tests[1] and "status" not in tests[1]


def test_github_shows_a_student_nothing_that_is_withheld(saved: SavedGrades) -> None:
    grade = student_of(saved, "lovelaceada")
    result, summary = classroom_json(saved, grade), step_summary(saved, grade)
    assert [test["test_code"] for test in result["tests"]] == ["counts", "groups"]
    assert (result["status"], result["max_score"]) == ("fail", 8)
    assert SECRET not in json.dumps(result) + summary
    assert r"Counts \*by\* layer" in summary and r"All \| right" in summary


def test_what_the_harness_could_not_score_is_an_error_for_github_and_junit(
    saved: SavedGrades
) -> None:
    assert classroom_json(saved, student_of(saved, "13"))["status"] == "error"
    text = junit_xml(saved)
    assert text.endswith("</testsuites>\n") and text.count("\n  <testsuite ") > 1   # for people
    suites = ElementTree.fromstring(text.encode())
    by_name = {suite.get("name"): suite for suite in suites}
    assert [by_name["13"].get(word) for word in ("tests", "errors", "failures", "skipped")] == [
        "3", "1", "0", "0",
    ]  # fmt: skip
    assert by_name["grace"].get("skipped") == "1"
    failure = by_name["lovelaceada"].find("testcase/failure")
    assert failure is not None and failure.get("message") == "0 of 5 points"


def test_tables_of_other_autograders_have_their_columns(saved: SavedGrades) -> None:
    nbgrader = list(csv.DictReader(io.StringIO(nbgrader_csv(saved, Roster()))))
    assert {row["student_id"]: row["score"] for row in nbgrader} == {
        "'=cmd": "10", "13": "", "grace": "", "lovelaceada": "5",
    }  # fmt: skip
    otter = list(csv.DictReader(io.StringIO(otter_csv(saved))))
    assert otter[0]["file"] == "points-per-question" and otter[0]["groups"] == "5"
    assert otter[-1] == {
        "file": "lovelaceada", "counts": "3", "groups": "0", "late": "2",
        "total_points_earned": "5", "percent_correct": "0.5", "grading_status": "Completed",
    }  # fmt: skip


def test_without_a_run_an_export_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="run `grader run SUBMISSIONS --out"):
        read_saved(tmp_path)
    (tmp_path / "grades.json").write_text("{}")
    with pytest.raises(UsageError, match=r"grades.json: rubric: Field required"):
        read_saved(tmp_path)


@pytest.mark.parametrize(
    "command",
    [["junit"], ["csv"], ["nbgrader"], ["otter"], ["gradescope", "--student", "grace"],
     ["github", "--student", "grace"], ["github", "--student", "grace", "--summary"]],
)  # fmt: skip
def test_every_export_goes_to_stdout_unless_a_file_is_named(
    out: Path, command: list[str], tmp_path: Path
) -> None:
    printed = CliRunner().invoke(cli, ["export", *command, "--out", str(out)])
    assert printed.exit_code == 0 and printed.stdout
    to = tmp_path / "deep" / "file"
    CliRunner().invoke(cli, ["export", *command, "--out", str(out), "--to", str(to)])
    assert to.read_bytes() == printed.stdout_bytes


PEOPLE = Roster((
    Person("lovelaceada", "Ada Lovelace", canvas_id="11", section="Monday", grader="Kim"),
    Person("grace", "Grace Hopper", canvas_id="12", section="Friday", grader="Kim"),
    Person("13", "Emmy Noether", canvas_id="13", section="Monday", grader="=Lee"),
    Person("curie", "Marie Curie", canvas_id="14", section="Friday", grader="=Lee"),
))  # fmt: skip


def exported(out: Path, *arguments: str) -> tuple[str, str]:
    (out / "roster.csv").write_text(as_csv(PEOPLE), encoding="utf-8")
    ran = CliRunner().invoke(cli, ["export", *arguments, "--out", str(out)], catch_exceptions=False)
    return ran.stdout, ran.stderr


@pytest.mark.parametrize(
    ("given", "students"),
    [
        (["--section", "Monday"], ["13", "lovelaceada"]),
        (["--section", "monday", "--grader", "KIM"], ["lovelaceada"]),
        (["--grader", "=Lee"], ["13", "curie"]),
        ([], ["'=cmd", "13", "curie", "grace", "lovelaceada"]),   # =cmd is in no roster
    ],
)
def test_a_section_or_a_grader_gets_their_own_students_and_no_others(
    out: Path, given: list[str], students: list[str]
) -> None:
    said, _ = exported(out, "csv", *given)
    found = list(csv.DictReader(io.StringIO(said)))
    assert [row["student"] for row in found] == students
    graders = {one.student: one.grader.replace("=", "'=") for one in PEOPLE.people}
    assert all(row["grader"] == graders.get(row["student"], "") for row in found)
    assert [row["counts"] for row in found if row["student"] == "curie"] in ([], [""])


def test_a_section_s_file_for_canvas_has_the_rows_of_that_section(
    out: Path, roster: Path
) -> None:
    for source in (["--roster", str(roster)], []):
        said, errors = exported(out, "canvas", "--section", "Friday", *source)
        assert sorted(row[1] for row in rows(said)[2:]) == ["12", "14"]
        assert "nothing was submitted" in errors and "=cmd" not in errors


def test_an_unknown_section_is_an_error_that_names_those_there_are(out: Path) -> None:
    with pytest.raises(UsageError, match=r"no section 'Tuesday' .* found Friday, M"):
        exported(out, "csv", "--section", "Tuesday")


def test_progress_is_told_for_each_section_and_each_grader(out: Path) -> None:
    (out / "roster.csv").write_text(as_csv(PEOPLE), encoding="utf-8")
    assert progress(out) == [
        "Section Friday: 2 students, 1 to mark by hand, 1 without a mark.",
        "Section Monday: 2 students, 1 graded, 1 not scored yet.",
        "Grader =Lee: 2 students, 1 not scored yet, 1 without a mark.",
        "Grader Kim: 2 students, 1 graded, 1 to mark by hand.",
    ]


def test_one_section_in_two_spellings_is_one_section(out: Path) -> None:
    sections = {"grace": "monday", "13": "Monday", "lovelaceada": "Friday"}
    people = tuple(Person(key, section=name) for key, name in sections.items())
    (out / "roster.csv").write_text(as_csv(Roster(people)), encoding="utf-8")
    assert [line.split(":")[1].split(",")[0] for line in progress(out)] == [
        " 1 student", " 2 students",
    ]  # fmt: skip


def test_a_class_in_one_section_has_no_progress_of_its_own(out: Path) -> None:
    one = Roster(tuple(Person(name, section="ESE 546") for name in ("grace", "13")))
    (out / "roster.csv").write_text(as_csv(one), encoding="utf-8")
    assert progress(out) == []


def test_the_roster_keeps_section_and_grader_and_an_older_file_has_none(tmp_path: Path) -> None:
    (tmp_path / "roster.csv").write_text(as_csv(PEOPLE), encoding="utf-8")
    read = read_roster(tmp_path)
    assert read is not None and read.by_student["curie"].section == "Friday"
    assert read.by_student["grace"].grader == "Kim" and read.by_student["13"].grader == "=Lee"
    (tmp_path / "roster.csv").write_text("student,name\nada,Ada\n", encoding="utf-8")
    assert read_roster(tmp_path) == Roster((Person("ada", "Ada"),))


def test_a_section_or_grader_written_beside_one_attempt_counts_for_the_student(
    tmp_path: Path,
) -> None:
    text = "student,attempt,folder,section,grader\nada,1,a,,\nada,2,b,Monday,Kim\nada,3,c,,Lee\n"
    (tmp_path / "roster.csv").write_text(text, encoding="utf-8")
    read = read_roster(tmp_path)
    assert read is not None and len(read.entries) == 3
    assert read.people == (Person("ada", section="Monday", grader="Kim"),)


@pytest.mark.parametrize("kind", ["gradescope", "github"])
def test_a_whole_class_is_a_file_for_each_student_whose_score_is_known(
    out: Path, tmp_path: Path, kind: str
) -> None:
    to = tmp_path / "to"
    _, errors = exported(out, kind, "--to", str(to))
    alone, _ = exported(out, kind, "--student", "lovelaceada")
    assert sorted(path.name for path in to.iterdir()) == ["=cmd.json", "lovelaceada.json"]
    assert (to / "lovelaceada.json").read_text(encoding="utf-8") == alone
    assert "2 students left out, because part of the score is not known yet" in errors
    assert "13, grace" in errors and "wrote 2 files" in errors
    with pytest.raises(UsageError, match="--to FOLDER"):
        exported(out, kind)
    with pytest.raises(UsageError, match="exists already"):   # files of students who wait now
        exported(out, kind, "--to", str(to))


@pytest.mark.parametrize(
    ("title", "heading"),
    [("Homework 1", "Homework 1 (7)"), ("homework 1", "Homework 1 (7)"),
     ("Homework 1 (8)", "Homework 1 (8)"), ("Homework 2", "Homework 2")],
)
def test_canvas_s_column_keeps_the_number_of_its_assignment(
    saved: SavedGrades, roster: Path, title: str, heading: str
) -> None:
    assert rows(canvas_csv(saved, Roster(), roster, title).text)[0][-1] == heading


@pytest.mark.parametrize("name", ["Eve\x1b[31m\x1b]0;x\x07", "\u202eEve", "Eve\x9b2J"])
def test_a_name_in_canvas_does_nothing_to_the_terminal(
    out: Path, roster: Path, name: str
) -> None:
    text = roster.read_text(encoding="utf-8-sig").replace("Curie, Marie", name)
    roster.write_text(f'{text}"Noble, Ann",15,,,\n', encoding="utf-8")
    _, errors = exported(out, "canvas", "--roster", str(roster))
    assert "nothing was submitted: Eve; Noble, Ann" in errors
    assert errors.replace("\n", "").isprintable()


@pytest.mark.parametrize(
    ("title", "asks"), [("Homework 1", False), ("Homework 2", True), ("Homework 2 (8)", False)]
)
def test_a_column_without_a_number_is_told_before_canvas_asks(
    out: Path, roster: Path, title: str, asks: bool
) -> None:
    _, errors = exported(out, "canvas", "--roster", str(roster), "--assignment", title)
    assert ("Canvas will ask which assignment" in errors) == asks
