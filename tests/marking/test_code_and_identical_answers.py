"""Code on the marking page: lines, comments on them, and identical answers marked together."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from grader.checks.registry import parameter_models
from grader.export.student_bundle.public_rubric import public_rubric
from grader.marking.answers import content_of
from grader.marking.code import SourceFile, lines_named, source_files
from grader.records import Verdict
from grader.rubric.load import load
from tests.factories import criterion_grade, submission
from tests.marking.classroom import Asked, Classroom, answer_of, serving_here
from tests.support.looking import barriers

CODE = """\
import torch

COUNTS = [448, 10, 94336]  # </code><img src=x onerror="document.body.dataset.hacked = 1">


def groups(network):
    return `COUNTS`
"""
SAME = ("noether", "hopper", "turing")
QUESTION = """\
    answer: a
    question: Where does **batch norm** stand?
    model_answer: Before the $x$.
"""


@pytest.fixture(scope="module")
def coded(graded_class: Classroom, tmp_path_factory: pytest.TempPathFactory) -> Classroom:
    """A class in which three have the same code, with names of their own and other spaces."""
    folder = tmp_path_factory.mktemp("coded") / "homework"
    shutil.copytree(graded_class.folder, folder)
    room = Classroom(folder)
    rubric = folder / "rubric.yaml"
    text = rubric.read_text(encoding="utf-8")
    rubric.write_text(text.replace("    answer: a\n", QUESTION), encoding="utf-8")
    for student in (*SAME, "curie"):
        more = {"turing": "  \n\n", "curie": "# mine\n"}.get(student, "")
        (room.hand_ins / student / "hw2.py").unlink()
        (room.hand_ins / student / f"{student}_hw2.py").write_text(CODE + more, encoding="utf-8")
    (room.hand_ins / "hopper" / "answers.md").write_text(
        "## (a)\nBatch  norm,\n says 7.\n## (b)\nNo.\n", encoding="utf-8"
    )
    assert room.run() == 0
    return room


@pytest.fixture
def room(coded: Classroom, tmp_path: Path) -> Classroom:
    shutil.copytree(coded.folder, tmp_path / "homework")
    return Classroom(tmp_path / "homework")


@pytest.fixture
def served(room: Classroom) -> Iterator[Asked]:
    with serving_here(room) as found:
        yield found


def key_of(room: Classroom, student: str, criterion: str = "groups") -> str:
    with room.service() as service:
        return answer_of(service, student, criterion).key


def save(served: Asked, criterion: str, card: dict[str, Any], points: float, **more: Any) -> Any:
    also = [{key: one[key] for key in ("key", "answer", "seen")} for one in card["identical"]]
    body = {"answer": card["answer"], "seen": card["version"], "points": points, "also": also}
    path = f"/api/answers/{criterion}/{card['key']}/mark"
    return served.ask(path, "POST", body | more)


def pages(room: Classroom, student: str) -> list[str]:
    return [(room.results / "feedback" / f"{student}{suffix}").read_text(encoding="utf-8")
            for suffix in (".html", ".md")]


NOTEBOOK = "# %% [cell 1]\nimport torch\n# %% [cell 4]\nx = 1\ny = 2\n"


@pytest.mark.parametrize(
    ("reason", "texts", "lines"),
    [
        ("See hw2.py, line 2.", {"hw2.py": "a\nb\nc\n"}, [[2]]),
        ("cell 4, line 2: NameError", {"hw2.py": NOTEBOOK}, [[5]]),
        ("hw2.ipynb, cell 4, line 1", {"hw2.py": NOTEBOOK, "other.py": "x\n"}, [[4], []]),
        ('File "net.py", line 1, in f', {"hw2.py": "a\n", "code/net.py": "b\n"}, [[], [1]]),
        ("test_hw2.py, line 1; line 3", {"hw2.py": "a\nb\nc\n", "other.py": "b\n"}, [[], []]),
        ("hw2.py, line 4; line 0; line 999999", {"hw2.py": "a\nb\nc\n"}, [[]]),
    ],
)  # fmt: skip
def test_the_lines_that_a_verdict_names_are_found(
    reason: str, texts: dict[str, str], lines: list[list[int]]
) -> None:
    verdict = Verdict("groups", "needs_marking", 0.0, reason)
    assert lines_named(verdict, source_files(texts)) == lines


def test_a_line_of_a_notebook_is_named_by_its_cell() -> None:
    (file,) = source_files({"hw2.py": NOTEBOOK})
    assert file.place(5) == "hw2.py, cell 4, line 2"
    assert SourceFile("a.py", ("x",)).place(1) == "a.py, line 1"


def test_a_comment_on_a_line_is_in_the_feedback_of_all_with_the_same_code(
    served: Asked, room: Classroom
) -> None:
    card = served.card("groups", key_of(room, "noether"))
    assert card["code"][0]["about"] == [3]
    assert len(card["identical"]) == 2
    assert "noether" not in str(card["code"])
    line = {"file": 0, "line": 3, "text": "Count <b>these</b>, do not type them in."}
    assert save(served, "groups", card, 2, lines=[line]).status_code == 200
    assert served.ask("/api/renew", "POST", {}).status_code == 200
    for student in SAME:
        assert room.grades()[student]["groups"]["points"] == 2
        html, text = pages(room, student)
        assert f"{student}_hw2.py, line 3" in html
        assert "Count &lt;b&gt;these&lt;/b&gt;, do not" in html
        assert "<img" not in html
        assert "do not type them in." in text
    assert room.grades()["curie"]["groups"]["points"] is None
    assert served.card("groups", card["key"])["lines"] == [line]


def test_answers_that_differ_in_spaces_alone_are_marked_and_undone_together(
    served: Asked, room: Classroom
) -> None:
    card = served.card("written-a", key_of(room, "noether", "written-a"))
    assert [one["key"] for one in card["identical"]] == [key_of(room, "hopper", "written-a")]
    assert save(served, "written-a", card, 1).status_code == 200
    other = served.card("written-a", card["identical"][0]["key"])
    assert (other["state"], len(other["identical"])) == ("marked", 1)
    body = {"answer": other["answer"], "seen": other["version"]}
    path = f"/api/answers/written-a/{other['key']}/undo"
    assert served.ask(path, "POST", body).status_code == 200
    assert served.card("written-a", card["key"])["state"] == "waiting"
    assert served.card("written-b", key_of(room, "franklin", "written-b"))["identical"] == []


@pytest.mark.parametrize(("text", "unread", "alone"), [
    ("![image.png](attachment:image.png)", (), True),
    ("My proof: <img src='photo.jpg'>", (), True),
    (r"\includegraphics[width=5cm]{proof}", (), True),
    ("See my photo.", ("photo.jpg",), True),
    ("Batch norm stands before the ReLU!", (), False),
])
def test_a_text_beside_a_picture_is_marked_alone(
    text: str, unread: tuple[str, ...], alone: bool
) -> None:
    row = criterion_grade(status="needs_marking", points=None, seen={"answer": text})
    assert (content_of(row, submission(unread=unread), "") == "") is alone


def test_an_identical_answer_that_somebody_marked_meanwhile_is_a_conflict(
    served: Asked, room: Classroom
) -> None:
    card = served.card("groups", key_of(room, "noether"))
    room.mark("hopper", "groups", 5, marker="grace", comment="Well counted.")
    assert save(served, "groups", card, 1).status_code == 200
    found = served.card("groups", key_of(room, "hopper"))
    assert found["state"] == "conflict"
    assert {one["marker"] for one in found["standing"]} == {"ada", "grace"}
    assert served.card("groups", key_of(room, "turing"))["state"] == "marked"


def test_answers_that_are_not_identical_cannot_be_marked_together(
    served: Asked, room: Classroom
) -> None:
    card, other = (served.card("groups", key_of(room, one)) for one in ("noether", "curie"))
    also = [{"key": other["key"], "answer": other["answer"], "seen": 0}]
    found = save(served, "groups", card, 1, also=also)
    assert (found.status_code, "no longer identical" in found.text) == (409, True)
    assert served.card("groups", card["key"])["state"] == "waiting"


def test_options_change_on_the_page_and_marks_keep_their_text(
    served: Asked, room: Classroom
) -> None:
    path = "/api/criteria/written-a/options"
    was = {"points": 0.5, "text": "Half of it."}
    now = {"points": 0.75, "text": "Most of it."}
    card = served.card("written-a", key_of(room, "curie", "written-a"))
    assert save(served, "written-a", card, 0.5, options=[was]).status_code == 200
    assert served.ask(path, "POST", {"was": was, "now": now}).json()["options"][2] == now
    with serving_here(room, "grace") as other:
        found = other.ask(path, "POST", {"was": was, "now": None})
        assert (found.status_code, "somebody else" in found.text) == (409, True)
        told = other.ask(path, "POST", {"was": None, "now": was | {"text": "New."}}).json()
        assert [one["text"] for one in told["options"][2:]] == ["Most of it.", "New."]
    assert len(served.ask(path, "POST", {"was": now, "now": None}).json()["options"]) == 3
    with room.service() as service:
        assert [one.text for one in service.store.marks()] == ["Half of it. (+0.5)"]


def test_the_page_has_question_and_model_answer_and_students_do_not(
    served: Asked, room: Classroom
) -> None:
    told = served.ask("/api/criteria/written-a").json()
    assert "<strong>batch norm</strong>" in told["question"]
    assert "<math" in told["model"]["html"]
    files = served.ask("/api/criteria/groups").json()["model"]["files"]
    assert files == [{"name": "hw2.py", "lines": ["x = 1"]}]
    released = public_rubric(load(room.folder / "rubric.yaml", parameter_models), 0, 10)
    assert "Three groups" in str(released)
    assert "Before the" not in str(released)


def test_a_line_is_commented_with_keys_alone_and_hostile_code_does_nothing(
    page: Page, served: Asked, room: Classroom
) -> None:
    page.goto(served.address)
    page.goto(f"{served.base}/#/part/groups/{key_of(room, 'noether')}")
    expect(page.locator(".about")).to_contain_text("<img src=x")
    page.keyboard.press("2")   # no such option
    page.keyboard.press("f")
    page.keyboard.press("-")
    page.keyboard.press("l")
    page.keyboard.press("Enter")
    page.keyboard.type("Typed in.")
    assert barriers(page) == []
    page.keyboard.press("Enter")
    expect(page.locator("#kept")).to_contain_text("and 2 identical answers: 4.75 of 5")
    expect(page.locator(".steps")).to_contain_text("3 of 8")
    assert page.evaluate("document.body.dataset.hacked") is None
    with room.service() as service:
        marks = service.store.marks()
    assert [one.lines[0].place for one in marks] == [
        f"{one.student}_hw2.py, line 3" for one in marks
    ]
    assert {one.student for one in marks} == {*SAME}
