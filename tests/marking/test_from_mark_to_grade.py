"""A mark lands in grades, feedback, explanations and exports, and belongs to the answer."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from grader.errors import UsageError
from grader.grading.gradebook_file import NAME, alone_in
from grader.marking.new_marks import NewMark, NotAllowed
from grader.run.refresh import refresh
from tests.factories import replace_in
from tests.marking.classroom import Classroom, answer_of, command, hand_in

Capture = pytest.CaptureFixture[str]


def apply(room: Classroom) -> None:
    assert command("mark", "--out", room.results, "--apply") == 0


def told(capsys: Capture, *words: str | Path) -> Any:
    capsys.readouterr()
    assert command(*words, "--json") == 0
    return json.loads(capsys.readouterr().out)


def test_a_mark_becomes_points_a_reason_and_says_that_a_person_gave_it(room: Classroom) -> None:
    room.mark("noether", "written-a", 1.5, comment="Which of the two?")
    apply(room)
    row = room.grades()["noether"]["written-a"]
    assert (row["points"], row["status"]) == (1.5, "partial")
    assert row["reason"] == "Which of the two?\n\nGraded manually."
    assert row["evidence"]["marked"]["by"] == "ada"
    page = (room.results / "feedback" / "noether.html").read_text(encoding="utf-8")
    assert "Which of the two?" in page
    assert "Graded manually." in page
    assert "1.5" in (room.results / "grades.csv").read_text(encoding="utf-8")


def test_the_class_s_report_is_written_anew_too(room: Classroom) -> None:
    report = room.results / "report.html"
    before = report.read_text(encoding="utf-8")
    for criterion in ("written-a", "written-b", "groups"):
        room.mark("noether", criterion, 1)
    apply(room)
    after = report.read_text(encoding="utf-8")
    assert before.count("needs manual grading") > after.count("needs manual grading")


@pytest.mark.parametrize(("points", "status"), [(0, "failed"), (2, "passed")])
def test_full_and_no_points_are_passed_and_failed(
    room: Classroom, points: float, status: str
) -> None:
    room.mark("noether", "written-a", points)
    apply(room)
    assert room.grades()["noether"]["written-a"]["status"] == status


def test_a_student_is_graded_once_nothing_waits(room: Classroom) -> None:
    for criterion in ("written-a", "written-b", "groups"):
        room.mark("noether", criterion, 1)
    apply(room)
    assert room.grades()["noether"]["state"] == "graded"
    assert room.grades()["noether"]["score"] == 4


def test_a_run_writes_the_same_as_apply_and_keeps_marks_when_everything_is_asked_again(
    room: Classroom,
) -> None:
    room.mark("noether", "written-a", 1)
    room.mark("noether", "groups", 3)
    apply(room)
    applied = room.grades()
    room.run()
    assert room.grades() == applied
    room.run("--fresh")
    assert room.grades()["noether"]["written-a"]["points"] == 1
    assert room.grades()["noether"]["groups"]["points"] == 3


def test_another_answer_waits_again_and_the_same_keeps_its_mark(room: Classroom) -> None:
    for student in ("noether", "hopper"):
        room.mark(student, "written-a", 2)
        room.mark(student, "groups", 5)
    hand_in(room, "noether", "## (a)\nSomething else.\n")
    text = "## (a)\nBatch norm, says 6.\n## (b)\nLonger now: `eval()`.\n"
    hand_in(room, "hopper", text)
    room.run()
    noether, hopper = room.grades()["noether"], room.grades()["hopper"]
    assert noether["written-a"]["status"] == "needs_marking"
    assert hopper["written-a"]["points"] == 2, "part (a) is the same"
    assert hopper["groups"]["status"] == "needs_marking", "a mark of code is of all the files"


def test_who_hands_in_the_old_answer_again_has_the_old_mark_again(room: Classroom) -> None:
    room.mark("franklin", "written-a", 1)
    hand_in(room, "franklin", "## (a)\nAfter the ReLU.\n")
    room.run()
    assert room.grades()["franklin"]["written-a"]["points"] is None
    hand_in(room, "franklin", "## (a)\nBefore the ReLU.\n")
    room.run()
    assert room.grades()["franklin"]["written-a"]["points"] == 1


def test_marks_that_contradict_each_other_wait_and_both_are_kept(room: Classroom) -> None:
    with room.service() as service:
        answer = answer_of(service, "noether", "written-a")
        service.mark(answer, "ada", NewMark(2), 0)
        found = service.mark(answer, "grace", NewMark(1), 0)
        assert found.state == "conflict"
    apply(room)
    assert room.grades()["noether"]["written-a"]["points"] is None
    with room.service() as service:
        service.mark(found, "ada", NewMark(1.5), found.place.version)
        assert [one.points for one in service.history(found)] == [2, 1, 1.5]
    apply(room)
    assert room.grades()["noether"]["written-a"]["points"] == 1.5


def test_a_verdict_that_two_people_overrule_in_different_ways_waits(room: Classroom) -> None:
    with room.service() as service:
        answer = answer_of(service, "noether", "always")
        service.mark(answer, "ada", NewMark(0.5, comment="Late."), 0)
        service.mark(answer, "grace", NewMark(0, comment="Not hers."), 0)
    apply(room)
    row = room.grades()["noether"]["always"]
    assert (row["status"], row["points"]) == ("needs_marking", None)
    assert "it will be marked again" in row["reason"]


def test_a_run_of_somebody_else_keeps_a_student_s_marks(room: Classroom) -> None:
    room.mark("noether", "written-a", 2)
    room.run("--only", "hopper", "--fresh")
    assert room.grades()["noether"]["written-a"]["points"] == 2


def test_a_dispute_needs_a_note_and_is_settled_by_one(room: Classroom) -> None:
    answer = room.mark("noether", "written-a", 1)
    with room.service() as service:
        with pytest.raises(NotAllowed, match="note"):
            service.dispute(answer, "grace", "  ", answer.place.version)
        answer = service.dispute(answer, "grace", "Too hard?", answer.place.version)
        assert answer.state == "disputed"
        with pytest.raises(NotAllowed, match="resolved"):
            service.mark(answer, "ada", NewMark(2), answer.place.version)
        answer = service.mark(answer, "ada", NewMark(2, note="It is there."), answer.place.version)
        assert answer.state == "marked"


def test_a_verdict_of_a_check_is_overruled_with_a_comment_only(room: Classroom) -> None:
    with pytest.raises(NotAllowed, match="comment"):
        room.mark("noether", "always", 0)
    room.mark("noether", "always", 0, comment="Handed in by somebody else.")
    apply(room)
    row = room.grades()["noether"]["always"]
    assert row["points"] == 0
    assert row["evidence"]["marked"]["instead_of"] == "passed: It is there."


def test_an_undone_mark_leaves_what_stood_before_and_stays_in_the_history(room: Classroom) -> None:
    room.mark("noether", "written-a", 1)
    answer = room.mark("noether", "written-a", 2)
    with room.service() as service:
        once = service.undo(answer, "ada")
        assert once.place.mark is not None
        assert once.place.mark.points == 1
        with pytest.raises(NotAllowed):
            service.undo(once, "grace")
        assert len(service.history(answer)) == 3


def test_the_first_mark_is_undone_too(room: Classroom) -> None:
    answer = room.mark("noether", "written-a", 1)
    with room.service() as service:
        assert service.undo(answer, "ada").state == "waiting"


@pytest.mark.parametrize("points", [-1, 2.25, 1.1, float("nan")])
def test_no_points_but_those_that_may_be(room: Classroom, points: float) -> None:
    with pytest.raises(NotAllowed):
        room.mark("noether", "written-a", points)


def test_explain_says_who_marked_and_when_with_all_that_was_said(
    room: Classroom, capsys: Capture
) -> None:
    room.mark("noether", "written-a", 1, note="unsure")
    room.mark("noether", "written-a", 2, marker="grace")
    (row,) = told(capsys, "explain", "noether", "written-a", "--out", room.results)["criteria"]
    assert "grace gave 2 of 2" in row["how"]
    assert [(one["by"], one["points"], one["counts"]) for one in row["marks"]] == [
        ("ada", 1, False), ("grace", 2, True)
    ]
    assert row["history"][0]["status"] == "needs_marking"
    assert command("explain", "noether", "--out", room.results) == 0
    assert "unsure" in capsys.readouterr().out


def test_diff_names_the_mark_that_changed_the_points(room: Classroom, capsys: Capture) -> None:
    room.run()
    room.mark("noether", "written-a", 2)
    found = told(capsys, "diff", "1", "2", "--out", room.results)
    (changed,) = found["changed"]
    assert changed["student"] == "noether"
    assert "ada gave 2 of 2" in changed["criteria"][0]["causes"][0]
    assert told(capsys, "diff", "1", "1", "--out", room.results)["changed"] == []
    assert command("diff", "1", "2", "--out", room.results) == 0


def test_exports_leave_no_blank_for_what_a_person_has_marked(
    room: Classroom, capsys: Capture
) -> None:
    for criterion in ("written-a", "written-b", "groups"):
        room.mark("noether", criterion, 1)
    apply(room)
    capsys.readouterr()
    assert command("export", "nbgrader", "--out", room.results) == 0
    rows = [line.split(",") for line in capsys.readouterr().out.splitlines()]
    scores = {row[3]: row[9] for row in rows}
    assert scores["noether"] == "4"
    assert scores["hopper"] == "", "one that still waits"


def test_marks_are_given_while_a_run_is_at_work_and_written_by_the_next(room: Classroom) -> None:
    with alone_in(room.results):
        room.mark("noether", "written-a", 1)
        with pytest.raises(UsageError, match="another grader"):
            refresh(room.results)
    assert refresh(room.results).students == 8
    assert room.grades()["noether"]["written-a"]["points"] == 1


def test_a_gradebook_of_before_marks_is_brought_up_and_keeps_what_it_has(room: Classroom) -> None:
    path = room.results / NAME
    with closing(sqlite3.connect(path)) as file:
        file.executescript("drop table marks; drop table comments; pragma user_version = 2;")
        before = file.execute("select * from verdicts").fetchall()
    assert told_nothing(room)
    room.mark("noether", "written-a", 1)
    with closing(sqlite3.connect(path)) as file:
        assert file.execute("select * from verdicts").fetchall() == before
        assert file.execute("select count(*) from marks").fetchone() == (1,)


def told_nothing(room: Classroom) -> bool:
    """An old gradebook can be explained without being brought up."""
    return command("explain", "noether", "--out", room.results) == 0


def test_a_damaged_gradebook_is_not_touched_by_who_marks(room: Classroom) -> None:
    path = room.results / NAME
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(UsageError, match="cannot be opened"), room.service():
        pass
    assert path.read_bytes().startswith(b"no database")


def test_options_of_the_rubric_change_no_verdict(room: Classroom) -> None:
    room.mark("noether", "written-a", 1)
    rubric = room.folder / "rubric.yaml"
    text = rubric.read_text(encoding="utf-8")
    rubric.write_text(text.replace('"Half of it."', '"A half."'), encoding="utf-8")
    with closing(sqlite3.connect(room.results / NAME)) as file:
        before = file.execute("select count(*) from verdicts").fetchone()
        room.run()
        assert file.execute("select count(*) from verdicts").fetchone() == before


def test_a_run_that_is_at_work_takes_no_answer_from_those_who_mark(room: Classroom) -> None:
    """It begins by other rules, and has graded one student and a new one so far."""
    with room.service() as service:
        before = {one.student for one in service.answers("groups")}
        hand_in(room, "wu", "## (a)\nBefore.\n")
        replace_in(room.folder / "doubt.py", "may have typed", "must have typed")
        room.run("--only", "wu")
        assert {one.student for one in service.answers("groups")} == {*before, "wu"}
        assert "groups" not in room.grades()["noether"], "by the new rules nothing is known yet"
        assert "must" in answer_of(service, "wu", "groups").row.verdict.reason


def test_a_mark_of_what_several_handed_in_is_everybody_s(room: Classroom) -> None:
    (room.folder / "groups.csv").write_text(
        "group,student\none,noether\none,wu\n", encoding="utf-8"
    )
    replace_in(room.folder / "rubric.yaml", "total: 12", "groups: groups.csv\ntotal: 12")
    room.run()
    room.mark("noether", "written-a", 1.5)
    apply(room)
    applied = room.grades()
    for student in ("noether", "wu"):
        assert applied[student]["written-a"]["points"] == 1.5
    room.run()
    assert room.grades() == applied


def test_nobody_is_left_out_of_grades_whom_the_gradebook_does_not_know(room: Classroom) -> None:
    path = room.results / "grades.json"
    text = path.read_text(encoding="utf-8").replace('"turing"', '"stranger"')
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match="stranger is not in the gradebook"):
        refresh(room.results)
    assert path.read_text(encoding="utf-8") == text
