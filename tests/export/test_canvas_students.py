"""Whose mark goes into which row of Canvas's gradebook: the student's own, or nobody's."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from click.testing import CliRunner

from grader.cli.app import cli
from grader.export.canvas_students import tell
from grader.grading.points import grade
from grader.reports.grades_file import GradesWriter
from grader.run.results_folder import keep_roster
from grader.submissions.discover import discover
from grader.submissions.roster import NAME, Person, Roster, as_csv, read_roster
from tests.factories import criterion, rubric, submission, verdict, write_files


def row(name: str, number: int, sis: str = "", login: str = "") -> dict[str, str]:
    return {"Student": name, "ID": str(number), "SIS User ID": sis, "SIS Login ID": login}


NAMESAKES = [row("Marsh, Nilo", 12, "s12", "nmarsh"), row("Marsh, Nilo", 13, "s13", "nmarsh2")]


def told(rows: list[dict[str, str]], *people: Person) -> dict[str, str]:
    """Students by the number of their row in Canvas, whatever order both sides come in."""
    results = set()
    for some_rows in itertools.permutations(rows):
        for some in itertools.permutations(people):
            found = {some_rows[number]["ID"]: key
                     for number, key in tell(some_rows, some).students.items()}
            results.add(tuple(sorted(found.items())))
    (only,) = results
    return dict(only)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Person("marshnilo-2", "Nilo Marsh", canvas_id="12"),
         Person("marshnilo", "Nilo Marsh", canvas_id="13")),
        (Person("Nilo-Marsh-2", "Nilo Marsh", sid="S12"),
         Person("Nilo-Marsh", "Nilo Marsh", sid="s13")),
        (Person("x", "Nilo Marsh", login="nmarsh"), Person("y", "Nilo Marsh", login="NMARSH2")),
        (Person("x", "Nilo Marsh", email="nmarsh@school.example"),
         Person("y", "Nilo Marsh", email="nmarsh2@school.example")),
        (Person("nmarsh"), Person("nmarsh2")),
        (Person("marshnilo", canvas_id="12"), Person("marshnilo-2", login="nmarsh2")),
    ],
)  # fmt: skip
def test_namesakes_are_told_by_whatever_number_or_login_is_known(
    one: Person, other: Person
) -> None:
    assert told(NAMESAKES, one, other) == {"12": one.student, "13": other.student}


@pytest.mark.parametrize(
    "people",
    [
        [Person("marshnilo"), Person("marshnilo-2", "Nilo Marsh")],
        [Person("marshnilo")],
        [Person("a", "Nilo Marsh"), Person("b", "Nilo Marsh")],
        [Person("a", "Nilo Marsh", canvas_id="99")],
    ],
)
def test_namesakes_that_cannot_be_told_get_no_mark_and_are_named(people: list[Person]) -> None:
    found = tell(NAMESAKES, people)
    assert found.students == {} and found.unclear_rows == {0, 1}
    assert found.unclear == {one.student for one in people
                             if one.student != "marshnilo-2" or one.name}


def test_a_student_with_another_number_is_no_namesake_of_the_class(tmp_path: Path) -> None:
    """Another Ada, who left the course, must not pass her mark on."""
    left = Person("lovelaceada", "Ada Lovelace", canvas_id="99")
    found = tell([row("Lovelace, Ada", 11)], [left])
    assert found.students == {} and found.unclear == {"lovelaceada"}


def test_numbers_come_before_names_that_look_like_another_s_login() -> None:
    rows = [row("Nandal, Joe", 16, "s16", "orrin"), row("Vale, Orrin", 11, "s11", "orvale")]
    people = Person("orrin", "Orrin Vale", sid="s11"), Person("joe", "Joe Nandal", sid="s16")
    assert told(rows, *people) == {"11": "orrin", "16": "joe"}


@pytest.mark.parametrize(
    "person",
    [Person("lovelaceada"), Person("Ada-Lovelace"), Person("x", "Ada Lovelace"), Person("s11"),
     Person("11"), Person("alovelace"), Person("x", email="alovelace@other.example"),
     Person("x", "ADA LOVELACE"), Person("x", canvas_id="11"),
     Person("x", login="alovelace@u.edu")],
)  # fmt: skip
def test_a_unique_name_is_enough(person: Person) -> None:
    rows = [row("Lovelace, Ada", 11, "s11", "alovelace@u.edu"), row("Hopper, Grace", 12, "s12")]
    assert told(rows, person, Person("grace", "Grace Hopper")) == {
        "11": person.student, "12": "grace",
    }  # fmt: skip


def test_an_accent_is_the_same_in_both_of_its_spellings() -> None:
    assert told([row("Brock, Zoe\u0308", 1)], Person("brockzo\u00eb")) == {"1": "brockzo\u00eb"}


GRADEBOOK = """\
Student;ID;SIS User ID;SIS Login ID;Section
Marsh, Nilo;12;s12;nmarsh;A
Marsh, Nilo;13;s13;nmarsh2;A
Vale, Orrin;11;s11;orvale;A
Brock, Tessa;14;s14;tbrock;A
"""


def exported(out: Path, tmp_path: Path, people: Roster | None, *keys: str) -> tuple[str, str, int]:
    given = rubric(criterion(points=4), cap=4)
    marks = GradesWriter(given)
    for number, key in enumerate(keys, start=1):
        marks.add(grade(given, submission(key), [verdict(fraction=number / 4)]))
    marks.write(out)
    if people is not None:
        (out / NAME).write_text(as_csv(people), encoding="utf-8")
    book = tmp_path / "gradebook.csv"
    book.write_text(GRADEBOOK, encoding="utf-8")
    ran = CliRunner().invoke(cli, ["export", "canvas", "--out", str(out), "--roster", str(book)],
                             standalone_mode=False)
    return ran.stdout, ran.stderr, ran.return_value


def test_the_command_leaves_unclear_rows_blank_and_names_them(tmp_path: Path) -> None:
    said, errors, code = exported(tmp_path, tmp_path, None, "marshnilo", "marshnilo-2", "valeorrin")
    assert '"Marsh, Nilo",12,s12,nmarsh,A,\n"Marsh, Nilo",13,s13,nmarsh2,A,\n' in said
    assert '"Vale, Orrin",11,s11,orvale,A,3\n' in said   # with commas, as Canvas takes it
    assert "Marsh, Nilo (12); Marsh, Nilo (13); marshnilo" in errors
    assert "nothing was submitted: Brock, Tessa" in errors
    assert code == 1


def test_a_download_that_is_graded_as_it_is_keeps_the_numbers_in_its_file_names(
    tmp_path: Path,
) -> None:
    folder = write_files(tmp_path / "download", {
        "marshnilo_13_1003_hw1.py": "x", "marshnilo_12_1002_hw1.py": "x",
        "valeorrin_11_1001_hw1.py": "x",
    })  # fmt: skip
    hand_ins, out = discover(folder), tmp_path / "results"
    keep_roster(folder, hand_ins, out)
    said, _, code = exported(out, tmp_path, None, *(one.student for one in hand_ins))
    assert [one.sources[0].name[:12] for one in hand_ins] == ["marshnilo_12", "marshnilo_13",
                                                              "valeorrin_11"]
    assert "nmarsh,A,1\n" in said and "nmarsh2,A,2\n" in said and code == 0
    roster = read_roster(out)
    assert roster is not None and roster.by_student["marshnilo-2"].canvas_id == "13"
