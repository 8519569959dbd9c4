"""Several attempts, several students, more time: from a class's folder to everybody's marks.

The homework's one check is an instructor's own that reads a file on the host, and writes down that
it was asked; no worker is needed, and the command is the real one.
"""

from __future__ import annotations

import csv
import dataclasses
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from grader.cli.app import cli
from grader.grading.attempts import Awards, attempts_of
from grader.grading.points import grade
from grader.records import Grade, Status, Submission, Verdict
from grader.rubric.model import Rubric
from grader.submissions.discover import HandIn, discover
from grader.submissions.enrolment import enrol
from grader.submissions.roster import COLUMNS, Entry, Person, Roster, as_csv
from tests.factories import criterion, submission
from tests.support.downloads import gradescope

DUE = datetime(2026, 11, 30, 23, 59, tzinfo=UTC)
RUBRIC = """\
title: Homework
total: 10
cap: 10
checks: checks.py
late: {{due: 2026-11-30 23:59, zone: UTC{late}}}
{more}
criteria:
  - {{id: points, title: The points, part: "1", points: 10, check: points}}
"""
CHECKS = '''\
from pathlib import Path

from grader.checks.custom.api import Check, NoParams, Verdict


def judge(criterion, work, key):
    """Give as many points as the file says."""
    asked = Path(__file__).with_name("asked.txt")
    with asked.open("a") as file:
        file.write(work.submission.student + "\\n")
    fraction = int((work.submission.folder / "hw.py").read_text().split("=")[1]) / 10
    status = "passed" if fraction == 1 else "partial"
    return Verdict(criterion.id, status, fraction, "As the file says.")


CHECK = Check("points", NoParams, lambda criterion, exam, limits: (), judge)
'''


class Class:
    """A class's folder with a roster, as `grader import` leaves it, and a homework beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.out = folder, folder / "results"
        self.entries: list[Entry] = []
        (folder / "submissions").mkdir()
        (folder / "reference").mkdir()
        (folder / "checks.py").write_text(CHECKS, encoding="utf-8")
        self.rubric()

    def rubric(self, more: str = "", late: str = "") -> None:
        (self.folder / "rubric.yaml").write_text(RUBRIC.format(more=more, late=late), "utf-8")

    def hand_in(
        self, *students: str, points: int = 10, hours: float | None = -1, late: bool = False
    ) -> None:
        attempt = 1 + sum(one.student == students[0] for one in self.entries)
        name = f"{'_'.join(students)}_attempt{attempt}"
        (self.folder / "submissions" / name).mkdir()
        file = self.folder / "submissions" / name / "hw.py"
        file.write_text(f"points = {points}", encoding="utf-8")
        at = None if hours is None else DUE + timedelta(hours=hours)
        group = "_".join(students) if len(students) > 1 else ""
        self.entries += [Entry(one, attempt, name, at, late, group) for one in students]

    def write_roster(self, *people: Person) -> None:
        known = {one.student for one in people}
        everybody = [*people, *(Person(one) for one in dict.fromkeys(
            entry.student for entry in self.entries) if one not in known)]
        text = as_csv(Roster(tuple(everybody), tuple(self.entries)))
        (self.folder / "submissions" / "roster.csv").write_text(text, encoding="utf-8")

    def run(self, *more: str) -> Result:
        if not (self.folder / "submissions" / "roster.csv").exists():
            self.write_roster()
        ran = CliRunner().invoke(cli, [
            "run", str(self.folder / "submissions"), "--rubric", str(self.folder / "rubric.yaml"),
            "--out", str(self.out), "--sandbox", "process", "--jobs", "1", *more,
        ], standalone_mode=False)  # fmt: skip
        assert ran.exception is None and ran.return_value == 0, ran.output
        return ran

    def grades(self) -> dict[str, dict[str, Any]]:
        written = json.loads((self.out / "grades.json").read_text(encoding="utf-8"))
        return {one["student"]: one for one in written["submissions"]}

    def scores(self) -> dict[str, float]:
        return {student: one["score"] for student, one in self.grades().items()}

    def page(self, student: str) -> str:
        return (self.out / "feedback" / f"{student}.html").read_text(encoding="utf-8")

    def asked(self) -> list[str]:
        path = self.folder / "asked.txt"
        return path.read_text().split() if path.exists() else []


@pytest.fixture
def class_(tmp_path: Path) -> Class:
    return Class(tmp_path)


def test_the_last_attempt_counts_and_no_other_is_graded(class_: Class) -> None:
    class_.hand_in("ada", points=9)
    class_.hand_in("ada", points=6, hours=12)
    class_.run()
    assert class_.scores() == {"ada": 5.4} and class_.asked() == ["ada_attempt2"]
    found = class_.grades()["ada"]
    assert (found["attempt"], found["attempts"]) == (2, 2)
    assert "Attempt 2 of 2 counts: the last one." in class_.page("ada")
    assert [path.name for path in (class_.out / "feedback").glob("*.html")] == ["ada.html"]


@pytest.mark.parametrize(
    ("first", "second", "score", "counts"),
    [(9, 10, 9, 1), (8, 10, 9, 2), (9, 9, 9, 1), (10, 10, 10, 1)],
)
def test_the_best_attempt_counts_after_the_late_penalty_of_each(
    class_: Class, first: int, second: int, score: float, counts: int
) -> None:
    class_.rubric("attempts: best")
    class_.hand_in("ada", points=first)
    class_.hand_in("ada", points=second, hours=0.5 if (first, second) != (9, 10) else 25)
    class_.run()
    assert sorted(class_.asked()) == ["ada", "ada_attempt2"]
    assert (class_.scores()["ada"], class_.grades()["ada"]["attempt"]) == (score, counts)
    said = f"Attempt {counts} of 2 counts: the best one after late penalties."
    assert said in class_.page("ada")


def test_of_two_attempts_that_are_as_good_the_later_one_counts(class_: Class) -> None:
    class_.rubric("attempts: best")
    class_.hand_in("ada", points=9, hours=-3)
    class_.hand_in("ada", points=9, hours=-2)
    class_.run()
    assert class_.grades()["ada"]["attempt"] == 2


def test_attempts_are_told_by_the_names_of_files_as_well(tmp_path: Path) -> None:
    for name in ("ada_attempt2.py", "ada.py", "grace_attempt3.py"):
        (tmp_path / name).write_text("", encoding="utf-8")
    found = attempts_of(discover(tmp_path), "last")
    assert {who: one.submissions for who, one in found.items()} == {
        "ada": ("ada", "ada_attempt2"), "grace": ("grace",),
    }  # fmt: skip


def test_all_of_a_group_have_the_mark_a_row_and_a_page(class_: Class) -> None:
    class_.hand_in("ada", "grace", points=8)
    class_.hand_in("emmy", points=7)
    class_.run()
    assert class_.scores() == {"ada": 8, "grace": 8, "emmy": 7}
    assert len(class_.asked()) == 2   # graded once
    assert "Group submission of ada, grace." in class_.page("grace")
    assert "Group submission" not in class_.page("emmy")
    with (class_.out / "grades.csv").open(newline="") as file:
        assert [row["student"] for row in csv.DictReader(file)] == ["ada", "emmy", "grace"]


def test_a_group_of_the_rubric_s_file_shares_what_one_of_it_hands_in(class_: Class) -> None:
    class_.rubric("groups: groups.csv")
    (class_.folder / "groups.csv").write_text(
        "group,student\na,Ada\na,hopper@example.edu\nb,emmy\nb,hilbert\n", encoding="utf-8"
    )
    class_.hand_in("ada", points=8)
    class_.hand_in("emmy", points=7, hours=-3)
    class_.write_roster(Person("grace", "Grace Hopper", "hopper@example.edu"))
    class_.run()
    assert class_.scores() == {"ada": 8, "grace": 8, "emmy": 7, "hilbert": 7}
    assert class_.grades()["grace"]["group"] == ["ada", "grace"]


def test_each_member_of_a_group_has_their_own_due_date(class_: Class) -> None:
    class_.rubric(late=", extensions: more.csv")
    (class_.folder / "more.csv").write_text("student,days\ngrace,1\n", encoding="utf-8")
    class_.hand_in("ada", "grace", points=10, hours=2)
    class_.run()
    assert class_.scores() == {"ada": 9, "grace": 10}
    assert "Late by 1 day: 10% penalty." in class_.page("ada")
    assert "You have an extension until 1 December 2026, 23:59 UTC." in class_.page("grace")


def test_an_extension_changes_marks_and_nothing_is_graded_again(class_: Class) -> None:
    more = class_.folder / "more.csv"
    more.write_text("student,days\n", encoding="utf-8")
    class_.rubric(late=", extensions: more.csv")
    class_.hand_in("ada", hours=2)
    class_.hand_in("grace", hours=2)
    class_.run()
    assert class_.scores() == {"ada": 9, "grace": 9}
    more.write_text("student,days,reason\nada,2,private\n", encoding="utf-8")
    class_.run()
    assert class_.scores() == {"ada": 10, "grace": 9}
    assert sorted(class_.asked()) == ["ada", "grace"]
    assert "private" not in class_.page("ada")
    diff = CliRunner().invoke(cli, ["diff", "1", "2", "--out", str(class_.out)]).output
    assert "ada" in diff and "the late penalty was 1 and is 0" in diff


def test_an_extension_is_anybody_s_by_the_words_of_the_roster(class_: Class) -> None:
    class_.rubric(late=", extensions: more.csv")
    (class_.folder / "more.csv").write_text("student,days\n17,1\nGRACE,1\n", encoding="utf-8")
    class_.hand_in("ada", hours=2)
    class_.hand_in("grace", hours=2)
    class_.write_roster(Person("ada", "Ada Lovelace", sid="17"))
    assert "nobody knows" not in class_.run().output
    assert class_.scores() == {"ada": 10, "grace": 10}


def test_an_extension_for_a_stranger_is_told_with_names_that_are_near(class_: Class) -> None:
    class_.rubric(late=", extensions: more.csv")
    (class_.folder / "more.csv").write_text("student,days\nlovelaceda,1\n", encoding="utf-8")
    class_.hand_in("lovelaceada", hours=2)
    said = " ".join(class_.run().output.split())
    assert "Unknown student 'lovelaceda' has an extension, which is ignored" in said
    assert "; similar: lovelaceada." in said
    assert class_.scores() == {"lovelaceada": 9}


def test_a_time_that_is_filled_in_later_counts_without_grading_again(class_: Class) -> None:
    class_.hand_in("ada", hours=None, late=True)
    said = class_.run().output
    assert class_.scores() == {"ada": 10}
    assert "Canvas marks submissions of 1 student as late" in " ".join(said.split())
    assert "marked as late, but its submission time is not known" in class_.page("ada")
    class_.entries = [Entry("ada", 1, "ada_attempt1", DUE + timedelta(hours=30), True)]
    class_.write_roster()
    class_.run()
    assert class_.scores() == {"ada": 8} and class_.asked() == ["ada"]
    explained = CliRunner().invoke(cli, ["explain", "ada", "--out", str(class_.out)]).output
    assert "Late by 2 days: 20% penalty." in " ".join(explained.split())


def test_only_takes_a_member_s_name_and_everybody_keeps_their_marks(class_: Class) -> None:
    class_.hand_in("ada", "grace", points=8)
    class_.hand_in("emmy", points=7)
    class_.run()
    (class_.folder / "submissions/ada_grace_attempt1/hw.py").write_text("points = 9", "utf-8")
    class_.run("--only", "grace")
    assert class_.scores() == {"ada": 9, "grace": 9, "emmy": 7}


def test_only_one_is_graded_and_the_others_times_count_as_they_are_known_now(
    class_: Class
) -> None:
    class_.hand_in("ada", hours=-2)
    class_.hand_in("grace", hours=-2)
    class_.run()
    class_.entries[1] = dataclasses.replace(class_.entries[1], submitted_at=DUE + timedelta(1.5))
    class_.write_roster()
    class_.run("--only", "ada")
    assert class_.scores() == {"ada": 10, "grace": 8}


def test_what_is_shown_after_the_due_date_waits_for_a_student_s_own(class_: Class) -> None:
    class_.rubric()
    path = class_.folder / "rubric.yaml"
    text = path.read_text(encoding="utf-8").replace("2026-11-30 23:59", "2020-01-01 12:00")
    text = text.replace("zone: UTC", "zone: UTC, max_days: 9999, per_day: 0, extensions: more.csv")
    path.write_text(text.replace("check: points", "check: points, visibility: after_due"), "utf-8")
    (class_.folder / "more.csv").write_text("student,due\nada,2199-01-01 12:00\n", "utf-8")
    class_.hand_in("ada")
    class_.hand_in("grace")
    class_.run()
    shown = {student: "As the file says." in class_.page(student) for student in ("ada", "grace")}
    assert shown == {"ada": False, "grace": True}


def test_a_member_s_marks_are_explained_by_the_work_of_the_group(class_: Class) -> None:
    class_.hand_in("ada", "grace", points=8)
    class_.run()
    explained = CliRunner().invoke(cli, ["explain", "grace", "--out", str(class_.out)])
    assert explained.exit_code == 0 and "Group submission" in explained.output


def test_what_explains_a_student_s_marks_names_no_other_s_extension(class_: Class) -> None:
    class_.hand_in("ada", hours=3)
    class_.hand_in("grace", hours=3)
    (class_.folder / "more.csv").write_text("student,days,reason\nada,2,ill\ngrace,3,a move\n")
    class_.rubric(late=", extensions: more.csv")
    class_.run()
    for student, own, others in (("ada", "ill", "a move"), ("grace", "a move", "ill")):
        words = ["explain", student, "--json", "--out", str(class_.out)]
        told = json.loads(CliRunner().invoke(cli, words).stdout)
        given = told["criteria"][0]["rule"]["late"]["extensions"]
        assert [one["reason"] for one in given] == [own] and others not in json.dumps(given)


def test_the_roster_goes_along_with_the_results(class_: Class) -> None:
    class_.hand_in("ada", hours=-2)
    class_.write_roster(Person("ada", "Ada Lovelace", "ada@example.edu"), Person("alan"))
    class_.run()
    said = CliRunner().invoke(cli, ["export", "csv", "--out", str(class_.out)]).output
    rows = list(csv.DictReader(said.splitlines()))
    assert [(row["name"], row["state"], row["submitted_at"]) for row in rows] == [
        ("Ada Lovelace", "graded", "2026-11-30T21:59:00+00:00"), ("", "no_submission", ""),
    ]  # fmt: skip
    assert COLUMNS[0] == "student"


def test_what_gradescope_downloads_is_imported_graded_and_exported(class_: Class) -> None:
    half = CHECKS.replace('int((work.submission.folder / "hw.py").read_text().split("=")[1])', "5")
    assert half != CHECKS
    (class_.folder / "checks.py").write_text(half, encoding="utf-8")
    source, to = gradescope(class_.folder / "export.zip"), class_.folder / "submissions"
    imported = CliRunner().invoke(cli, ["import", "gradescope", str(source), "--to", str(to)])
    assert imported.exit_code == 0, imported.output
    class_.run()
    said = CliRunner().invoke(cli, ["export", "csv", "--out", str(class_.out)]).output
    rows = {row["student"]: row for row in csv.DictReader(said.splitlines())}
    grace = rows["Grace-Hopper"]
    assert (grace["name"], grace["sid"], grace["score"]) == ("Grace Hopper", "18", "5")
    assert grace["group"] == "Ada-Lovelace Grace-Hopper"
    results = CliRunner().invoke(
        cli, ["export", "gradescope", "--student", "Grace-Hopper", "--out", str(class_.out)]
    )
    assert json.loads(results.output)["score"] == 5


# What counts, without a class's folder ----------------------------------------------------------


def _rubric(**keys: Any) -> Rubric:
    return Rubric(title="Homework", total=10, cap=10, criteria=(criterion("a"),), **keys)


def _work(key: str, *members: str, attempt: int = 1) -> Submission:
    return submission(key, members=members, attempt=attempt)


def _graded(rubric: Rubric, work: Submission, fraction: float, status: Status) -> Grade:
    return grade(rubric, work, [Verdict("a", status, fraction, "")])


def test_an_attempt_that_could_not_be_scored_costs_nobody_the_best_mark() -> None:
    rubric = _rubric(attempts="best")
    works = [_work("ada"), _work("ada_attempt2", "ada", attempt=2)]
    awards = Awards(rubric, works)
    assert list(awards.add(_graded(rubric, works[0], 0.9, "partial"))) == []
    (found,) = awards.add(_graded(rubric, works[1], 0, "not_scored"))
    assert (found.attempt, found.state) == (2, "not_scored")   # and no final 9 of 10
    (found,) = Awards(rubric, works[:1]).add(_graded(rubric, works[0], 0.9, "partial"))
    assert (found.score, found.state) == (9, "graded")


def test_an_attempt_that_can_win_nothing_more_holds_nothing_up() -> None:
    rubric = _rubric(attempts="best")
    works = [_work("ada"), _work("ada_attempt2", "ada", attempt=2)]
    awards = Awards(rubric, works)
    list(awards.add(_graded(rubric, works[0], 1, "passed")))
    (found,) = awards.add(_graded(rubric, works[1], 0, "needs_marking"))
    assert (found.attempt, found.score, found.state) == (1, 10, "graded")


def test_of_a_class_that_is_stopped_nobody_has_a_mark_that_may_still_rise() -> None:
    rubric = _rubric(attempts="best")
    works = [_work("ada"), _work("ada_attempt2", "ada", attempt=2), _work("grace")]
    awards = Awards(rubric, works)
    assert list(awards.add(_graded(rubric, works[0], 0.5, "partial"))) == []
    assert [one.student for one in awards.add(_graded(rubric, works[2], 1, "passed"))] == ["grace"]


def test_where_nobody_knows_what_came_last_the_best_counts_and_is_told() -> None:
    """Two of a group hand in, each for themselves, and no system tells when."""
    rubric = _rubric(groups={"a": ("ada", "grace")})
    hand_ins = [HandIn("ada", (Path("a"),)), HandIn("grace", (Path("g"),))]
    works = enrol(rubric, hand_ins, None).hand_ins
    assert [work.owners for work in works] == [("ada", "grace"), ("grace", "ada")]
    awards = Awards(rubric, works)
    list(awards.add(_graded(rubric, _work("ada", "ada", "grace"), 0.5, "partial")))
    found = list(awards.add(_graded(rubric, _work("grace", "grace", "ada"), 0.8, "partial")))
    assert {one.student: one.score for one in found} == {"ada": 8, "grace": 8}
    assert found[0].notes[-1].endswith(" (it is not known which attempt is the last).")


def test_nothing_is_held_that_nobody_waits_for() -> None:
    rubric = _rubric()
    awards = Awards(rubric, works := [_work(f"student-{number}") for number in range(5)])
    for work in works:
        list(awards.add(_graded(rubric, work, 1, "passed")))
    assert awards._graded == {}


def test_a_group_that_handed_in_nothing_is_told_and_so_is_a_name_that_may_be_misspelt() -> None:
    rubric = _rubric(groups={"a": ("ada", "hoppergracce"), "b": ("nobody", "noone")})
    hand_ins = [HandIn("ada", (Path("a"),)), HandIn("hoppergrace", (Path("g"),))]
    told = enrol(rubric, hand_ins, None).warnings
    assert [line for line in told if "'hoppergracce'" in line and "similar: hoppergrace" in line]
    assert [line for line in told if line.endswith("any of these names: nobody, noone.")]
