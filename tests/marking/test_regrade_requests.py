"""A regrade request changes no points by itself; its answer reaches student and history."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from grader.errors import UsageError
from grader.grading.history import open_history
from grader.run.explain.explain import explain
from tests.marking.classroom import Classroom, command

Capture = pytest.CaptureFixture[str]


def ask(room: Classroom, *rows: dict[str, str]) -> int:
    path: Path = room.folder / "requests.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["student", "criterion", "request", "points", "answer"])
        writer.writeheader()
        writer.writerows(rows)
    return command("requests", path, "--out", room.results, "--marker", "ada")


def asked(student: str, criterion: str, request: str, **more: str) -> dict[str, str]:
    return {"student": student, "criterion": criterion, "request": request, **more}


def kinds(room: Classroom) -> list[str]:
    with room.service() as service:
        return [one.kind for one in service.store.marks()]


def test_a_request_flags_the_answer_and_leaves_its_points(room: Classroom, capsys: Capture) -> None:
    request = asked("noether", "2", "I did hand it in.")
    assert ask(room, request) == 0
    told = capsys.readouterr().out
    assert "noether, always: 1 of 1 points. See `grader explain noether always" in told
    assert "1 new request flagged, 0 answered." in told
    with room.service() as service:
        (flagged,) = [one for one in service.answers("always") if one.state == "disputed"]
        assert flagged.student == "noether" and flagged.row.points == 1
        assert flagged.place.disputes[0].note == "Regrade request: I did hand it in."
    ask(room, request)   # the file is read again
    assert "0 new requests flagged, 0 answered. Still unanswered: 1." in capsys.readouterr().out
    assert kinds(room) == ["dispute"]
    room.mark("noether", "always", 1, comment="Seen.", note="It stays.")   # as on the page
    ask(room, request)
    assert "unanswered" not in capsys.readouterr().out


def test_an_answer_reaches_points_feedback_and_history_once(room: Classroom) -> None:
    ask(room, asked("noether", "always", "See <b>page 2</b>."))
    row = asked("noether", "always", "See <b>page 2</b>.", points="0,5", answer="Half is there.")
    for _ in range(2):
        assert ask(room, row) == 0
        assert kinds(room) == ["dispute", "mark"]
    result = room.grades()["noether"]["always"]
    assert result["points"] == 0.5
    assert result["reason"].startswith("Regrade request: See <b>page 2</b>.\nAnswer: Half is ther")
    page = (room.results / "feedback" / "noether.html").read_text(encoding="utf-8")
    assert "Half is there." in page and "<b>page 2" not in page
    with open_history(room.results) as history:
        assert "Half is there." in str(explain(history, "noether", "always"))
    assert room.grades()["hopper"]["always"]["points"] == 1


def test_points_that_stay_keep_what_was_said_before(room: Classroom) -> None:
    """An answer without points keeps the feedback of a check and of a person."""
    room.mark("noether", "written-a", 1, comment="Names it only.")
    ask(room, asked("noether", "1(a)", "Why?", answer="The ReLU is missing."),
        asked("noether", "always", "Why?", answer="All is well."))
    found = room.grades()["noether"]
    assert found["written-a"]["points"] == 1 and found["always"]["points"] == 1
    assert "Names it only.\n\nRegrade request: Why?\nAnswer: The" in found["written-a"]["reason"]
    assert found["always"]["reason"].startswith("It is there.\n\nRegrade request: Why?")


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (asked("noeter", "always", "x"), "'noeter' has no grade"),
        (asked("noether", "alway", "x"), "no criterion 'alway'"),
        (asked("noether", "always", " "), "request: empty"),
        (asked("noether", "always", "x", points="1"), "answer: missing beside points"),
        (asked("noether", "always", "x", points="2", answer="y"), "give 0 to 1"),
        (asked("noether", "always", "x", points="=1", answer="y"), "expected a number from 0 to 1"),
        (asked("noether", "written-a", "x", answer="y"), "points: missing"),
        (asked("hopper", "always", "again"), "line 2 is about the same answer"),
    ],
)  # fmt: skip
def test_a_wrong_row_stores_nothing_of_the_file(
    room: Classroom, row: dict[str, str], told: str
) -> None:
    with pytest.raises(UsageError, match=r"requests\.csv:3: ") as error:
        ask(room, asked("hopper", "always", "Please look."), row)
    assert told in str(error.value) and kinds(room) == []
