"""`grader override`: one student's points, with a reason, from a command."""

from __future__ import annotations

import pytest

from grader.errors import UsageError
from grader.grading.history import open_history
from grader.run.explain.explain import explain
from tests.marking.classroom import Classroom, command


def override(room: Classroom, *words: str) -> int:
    return command("override", *words, "--out", room.results, "--marker", "ada")


def test_an_override_reaches_marks_feedback_and_history_with_its_reason(
    room: Classroom, capsys: pytest.CaptureFixture[str]
) -> None:
    reason = "Handed in on <b>paper</b>."
    assert override(room, "noether", "always", "0.5", "--reason", reason) == 0
    assert "noether, always: 0.5 of 1 points in place of 1." in capsys.readouterr().out
    row = room.grades()["noether"]["always"]
    assert (row["points"], row["reason"].splitlines()[0]) == (0.5, reason)
    assert room.grades()["hopper"]["always"]["points"] == 1
    page = (room.results / "feedback" / "noether.html").read_text(encoding="utf-8")
    assert "Handed in on &lt;b&gt;paper&lt;/b&gt;." in page
    with open_history(room.results) as history:
        told = str(explain(history, "noether", "always"))
    assert "'by': 'ada'" in told
    assert "grader override" in told


def test_an_override_replaces_an_earlier_one_and_a_run_keeps_it(room: Classroom) -> None:
    assert override(room, "noether", "groups", "2", "--reason", "Typed in.") == 0
    assert override(room, "noether", "groups", "5", "--reason", "Counted after all.") == 0
    assert room.run("--only", "noether", "--fresh") == 0
    row = room.grades()["noether"]["groups"]
    assert (row["points"], row["reason"].splitlines()[0]) == (5, "Counted after all.")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("noeter", "always", "1", "--reason", "x"), "'noeter' has no grade .* mean 'noether'"),
        (("noether", "alway", "1", "--reason", "x"), "no criterion 'alway'; did you mean 'always'"),
        (("noether", "always", "2", "--reason", "x"), "give 0 to 1 in steps of 0.25"),
        (("noether", "always", "nan", "--reason", "x"), "give 0 to 1"),
        (("noether", "always", "1", "--reason", " "), "the reason is empty"),
    ],
)  # fmt: skip
def test_an_override_of_nothing_is_refused(
    room: Classroom, words: tuple[str, ...], told: str
) -> None:
    with pytest.raises(UsageError, match=told):
        override(room, *words)
    with room.service() as service:
        assert service.store.marks() == []
