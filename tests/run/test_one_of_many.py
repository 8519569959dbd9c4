"""Failures of one student, or of the machine, and their effect on the rest of the class."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from grader.checks.check import with_notes
from grader.checks.registry import CHECKS
from grader.cli.app import cli
from grader.cli.progress import Progress
from grader.records import Grade, Question, Submission, Verdict
from grader.rubric.model import Limits, Rubric
from grader.run import pipeline
from grader.run.open import open_sandbox
from grader.run.options import RunOptions
from grader.run.results_folder import FeedbackFolder
from grader.run.setup import set_up
from grader.sandbox import conversation as converse
from grader.sandbox import docker
from grader.sandbox.base import Exit, Job, WorkerPaths
from grader.sandbox.process import ProcessSandbox
from grader.submissions.discover import HandIn, hand_in
from grader.submissions.prepare import prepare
from tests.factories import grade_file

ROOT = Path(__file__).parent.parent.parent


def grade_of(rubric: Rubric, item: HandIn, workspace: Path) -> Grade:
    """Only what is written is looked at: no worker starts, and no key is needed."""
    criteria = tuple(c for c in rubric.criteria if c.id.startswith("written"))
    ids = [criterion.id for criterion in criteria]
    setup = set_up(rubric, ids, ProcessSandbox(), workspace, workspace)
    return grade_file(setup, item)


@pytest.mark.parametrize("error", [ValueError("odd"), RecursionError("odd"), KeyError("odd")])
def test_an_error_that_nobody_foresaw_costs_no_student_a_mark(
    rubric: Rubric, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*arguments: Any, **named: Any) -> Submission:
        raise error

    monkeypatch.setattr(pipeline, "prepare", fail)
    grade = grade_of(rubric, HandIn("ada", (tmp_path / "hw2.py",)), tmp_path)
    assert grade.state == "not_scored"
    assert f"{type(error).__name__}: " in grade.criteria[0].verdict.reason


def test_a_check_that_breaks_quotes_nothing_of_the_answer(
    rubric: Rubric, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: Any) -> Verdict:
        raise ValueError("width 48")

    broken = dataclasses.replace(CHECKS["written"], judge=fail)
    monkeypatch.setitem(CHECKS, "written", broken)
    (tmp_path / "hw2.py").write_text("x = 1\n", encoding="utf-8")
    grade = grade_of(rubric, hand_in(tmp_path / "hw2.py"), tmp_path / "work")
    assert grade.state == "not_scored"
    assert "48" not in grade.criteria[0].verdict.reason


def test_feedback_that_cannot_be_written_is_told_and_the_class_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for student in ("ada", "grace"):
        (tmp_path / "in" / student).mkdir(parents=True)
        (tmp_path / "in" / student / "hw2.py").write_text("x = 1\n", encoding="utf-8")
    original = FeedbackFolder.write

    def write(folder: FeedbackFolder, grade: Grade) -> None:
        if grade.student == "ada":
            raise UnicodeError("half a pair")
        original(folder, grade)

    monkeypatch.setattr(FeedbackFolder, "write", write)
    out = tmp_path / "out"
    words = ["run", tmp_path / "in", "--out", out, "--rubric", ROOT / "rubric.yaml",
             "--sandbox", "process", "--criterion", "written-a"]
    assert cli.main([*map(str, words)], standalone_mode=False) == 1
    assert "Not written: feedback for ada: UnicodeError: half a pair" in capsys.readouterr().out
    assert {path.name for path in (out / "feedback").iterdir()} == {"grace.html", "grace.md"}
    assert "ada" in (out / "grades.csv").read_text(encoding="utf-8")


def test_a_name_cannot_paint_on_the_terminal(rubric: Rubric, tmp_path: Path) -> None:
    submission = Submission("a\x1b[31md\na", tmp_path, tmp_path, (), "")
    for terminal in (True, False):
        text = io.StringIO()
        console = Console(file=text, force_terminal=terminal, color_system=None, width=100)
        with Progress(console) as progress:
            progress.begin(1)
            progress.tell(submission.student, "x\x1b]0;title\x07")
            progress.done(Grade(submission.student, submission, (), 0, 0))
        assert "\x1b[31m" not in text.getvalue()
        assert "\x1b]0" not in text.getvalue()
        assert "ad a" in text.getvalue()


def test_a_class_that_is_not_found_shows_no_empty_table() -> None:
    text = io.StringIO()
    with Progress(Console(file=text, force_terminal=True, color_system=None, width=100)):
        pass
    assert "0 of 0" not in text.getvalue() and "student" not in text.getvalue()


class Mute:
    """A worker that ends before it is ready."""

    paths = WorkerPaths("", None, "")
    stderr = "Traceback\nImportError: no torch \x1b[31mhere"

    def write(self, data: bytes) -> None: ...

    def read(self, size: int) -> bytes:
        return b""

    held_back = False

    def full_speed(self) -> None:
        pass

    def processor_seconds(self) -> None:
        pass

    def stop(self) -> Exit:
        return Exit(1)


class MuteSandbox:
    name = version = "mute"
    waits_quietly = False

    def gpu_models(self, gpus: Collection[str]) -> tuple[str, ...]:
        return ()

    @contextmanager
    def start(self, job: Job, gpus: Iterable[str]) -> Iterator[Mute]:
        yield Mute()


def test_what_a_worker_complains_about_is_quoted_when_it_does_not_get_ready(tmp_path: Path) -> None:
    question = Question("one", "kind", {}, "one", 1)
    (evidence,) = converse.converse(MuteSandbox(), Job("ada", tmp_path, (question,), Limits()))
    assert evidence.outcome.owner == "harness"
    assert "ImportError: no torch here" in evidence.outcome.message


class FakeEngine:
    runtimes = ("runc", "runsc")
    closed = False

    def close(self) -> None:
        self.closed = True


def test_the_runtime_is_passed_on_and_the_engine_is_closed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    engine = FakeEngine()
    monkeypatch.setattr(docker, "connect", lambda: engine)
    monkeypatch.setattr(docker, "ensure_image", lambda *arguments: "image")
    monkeypatch.setattr(docker, "resolve_gpus", lambda *arguments: ())
    monkeypatch.setattr(docker.DockerSandbox, "reap_leftovers", lambda self: 0)
    monkeypatch.setattr(docker.DockerSandbox, "close", lambda self: None)
    options = RunOptions(sandbox="docker", runtime="runsc")
    with open_sandbox(options, tmp_path, print) as (sandbox, gpus):
        assert isinstance(sandbox, docker.DockerSandbox)
        assert (sandbox.runtime, gpus, engine.closed) == ("runsc", (), False)
    assert engine.closed


@pytest.mark.parametrize("content", ["{not json", ""])
def test_a_notebook_that_cannot_be_read_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "ada").mkdir()
    (tmp_path / "ada" / "hw2.ipynb").write_text(content, encoding="utf-8")
    submission = prepare(hand_in(tmp_path / "ada"), tmp_path / "work")
    verdict = Verdict("x", "failed", 0, "Not found.", seen={"outcome": "not_found"})
    assert "'hw2.ipynb' was left out: " in with_notes(verdict, submission).reason
    other = dataclasses.replace(verdict, seen={"outcome": "exception"})
    assert with_notes(other, submission) == other
    with_code = dataclasses.replace(submission, files=("hw2.ipynb", "other.py"))
    assert with_notes(verdict, with_code) == verdict
