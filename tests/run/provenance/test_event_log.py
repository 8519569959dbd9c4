"""The logs of a run: what an instructor finds in the morning, and what must not be in them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_cli import RUBRIC, SCRIPT, grader

HOSTILE = r'''
def layer_parameter_counts(model):
    raise ValueError("\x1b[2J\x1b]0;owned\x07 first\n{\"event\": \"graded\"}")
'''
FACTS = {
    "opened": {"files", "digest", "refused", "notes", "remarks"},
    "known": {"criteria"},
    "remembered": {"questions"},
    "asked": {"questions", "gpus"},
    "answered": {"question", "outcome", "seconds", "fault", "phase", "message", "worker"},
    "judged": {"criterion", "status", "attempted", "fraction"},
    "graded": {"state", "score", "max", "seconds"},
}


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The results of two students and what was printed."""
    folder = tmp_path_factory.mktemp("class")
    for name, text in (("ada.py", SCRIPT), ("eve.py", HOSTILE)):
        (folder / "submissions").mkdir(exist_ok=True)
        (folder / "submissions" / name).write_text(text, encoding="utf-8")
    words = ("run", folder / "submissions", *RUBRIC, "--sandbox", "process", "--out",
             folder / "out", "--criterion", "layer-counts", "--verbose")
    done = grader(*words)
    assert done.returncode == 0, done.stderr
    assert grader(*words[:-1]).returncode == 0
    return folder / "out", done.stdout


def events(out: Path, student: str) -> list[dict[str, Any]]:
    text = (out / "logs" / f"{student}.jsonl").read_text(encoding="ascii")
    return [json.loads(line) for line in text.splitlines()]


def test_a_log_tells_what_became_of_a_submission_in_its_order(ran: tuple[Path, str]) -> None:
    first = [one for one in events(ran[0], "ada") if one["run"] == 1]
    assert [one["event"] for one in first] == [
        "opened", "asked", "answered", "answered", "judged", "graded"
    ]
    answered = first[2]
    assert answered["outcome"] == "answered" and answered["seconds"] > 0
    assert {"python", "torch"} <= set(answered["worker"])
    assert first[4]["criterion"] == "layer-counts" and "message" not in answered
    assert first[-1]["state"] == "graded"


def test_the_log_is_written_without_verbose_and_goes_on_in_the_next_run(
    ran: tuple[Path, str]
) -> None:
    second = [one["event"] for one in events(ran[0], "ada") if one["run"] == 2]
    assert second == ["opened", "known", "graded"]


def test_an_event_has_no_place_for_a_label_or_an_expected_value(ran: tuple[Path, str]) -> None:
    for student in ("ada", "eve", "reference"):
        for one in events(ran[0], student):
            assert set(one) - {"at", "run", "event"} <= FACTS[one["event"]], one


def test_what_a_student_raises_is_one_clean_line(ran: tuple[Path, str]) -> None:
    out, printed = ran
    failed = [one for one in events(out, "eve") if one["event"] == "answered"]
    assert failed and all(one["fault"] == "student" for one in failed)
    assert all("\x1b" not in one["message"] and "\n" not in one["message"] for one in failed)
    assert "first" in failed[0]["message"]
    assert "\x1b" not in printed and "\x07" not in printed
    assert [line for line in printed.splitlines() if line.startswith("eve: answered ")]
    assert not [line for line in printed.splitlines() if line.startswith('{"event"')]
