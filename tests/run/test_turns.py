"""While a submission is asked, the next one gets ready, and trainings hold GPUs."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from grader.errors import SandboxError
from grader.rubric.model import Rubric
from grader.run import pipeline, tries
from grader.run.schedule import Slots
from grader.run.setup import set_up
from grader.sandbox.base import Job
from grader.submissions.discover import discover
from tests.factories import grade_class
from tests.support.scripted import ScriptedSandbox, ScriptedWorker

ROOT = Path(__file__).parent.parent.parent


def class_of(folder: Path, *students: str) -> Path:
    folder.mkdir()
    for student in students:
        (folder / f"{student}.py").write_text(f"# {student}\n", encoding="utf-8")
    return folder


def grade(
    rubric: Rubric, sandbox: ScriptedSandbox, folder: Path, criterion: str, slots: Slots, ahead: int
) -> list[tuple[str, str]]:
    """The events of the students' workers, in order."""
    work = folder.parent
    setup = set_up(
        rubric, [criterion], sandbox, work / "work", work / "cache", slots=slots, ahead=ahead
    )
    assert len(grade_class(setup, discover(folder))) == len(discover(folder))
    return [event for event in sandbox.events if event[0] != "reference"]


def test_the_next_worker_is_up_before_the_turn_of_the_first_one_ends(
    rubric: Rubric, tmp_path: Path
) -> None:
    folder = class_of(tmp_path / "class", "ada", "grace")
    events = grade(rubric, ScriptedSandbox(), folder, "mode-switch", Slots(1), ahead=1)
    first, second = (name for name, what in events if what == "at full speed")
    assert events.index((second, "started")) < events.index((first, "gone"))
    assert events.index((second, "asked")) > max(
        number for number, event in enumerate(events) if event == (first, "asked")
    ), "one turn, so nobody is asked before the other one has been asked everything"


def test_nobody_gets_ready_ahead_where_nobody_may(rubric: Rubric, tmp_path: Path) -> None:
    folder = class_of(tmp_path / "class", "ada", "grace")
    events = grade(rubric, ScriptedSandbox(), folder, "mode-switch", Slots(1), ahead=0)
    first, second = (name for name, what in events if what == "at full speed")
    assert events.index((second, "started")) > events.index((first, "gone"))


def test_each_worker_serves_one_submission(rubric: Rubric, tmp_path: Path) -> None:
    folder = class_of(tmp_path / "class", "ada", "grace", "zoe")
    events = grade(rubric, ScriptedSandbox(), folder, "mode-switch", Slots(2), ahead=2)
    started = [name for name, what in events if what == "started"]
    assert sorted(started) == ["ada", "grace", "zoe"]


def test_what_trains_gets_a_gpu_and_its_share_and_all_else_gets_neither(
    rubric: Rubric, tmp_path: Path
) -> None:
    sandbox = ScriptedSandbox()
    folder = class_of(tmp_path / "class", "ada", "grace")
    slots = Slots(1, ["0", "1"], slots_per_gpu=2)
    grade(rubric, sandbox, folder, "mode-switch", slots, ahead=0)
    training = [(gpus, share) for gpus, share, kinds in sandbox.lent if "train" in kinds]
    others = [(gpus, share) for gpus, share, kinds in sandbox.lent if "train" not in kinds]
    assert sorted(gpus for gpus, _ in training) in ([("0",), ("1",)], [("0",), ("0",)])
    assert {share for _, share in training} == {slots.gpu_share} and slots.gpu_share
    assert others and set(others) == {((), None)}


def test_who_waits_for_a_turn_when_the_grader_is_stopped_has_not_begun(
    rubric: Rubric, tmp_path: Path
) -> None:
    sandbox, stop = ScriptedSandbox(), threading.Event()
    folder = class_of(tmp_path / "class", "ada", "grace")
    setup = set_up(
        rubric, ["mode-switch"], sandbox, tmp_path / "work", tmp_path / "cache", ahead=1, stop=stop
    )

    def tell(who: str, what: str) -> None:
        started = {name for name, what in sandbox.events if what == "started"}
        if {"ada", "grace"} <= started:
            stop.set()

    found = list(pipeline.grade_all(setup, discover(folder), tell))
    asked = {name for name, what in sandbox.events if what == "asked"} - {"reference"}
    assert len(found) == len(asked) == 1


@dataclass
class NoRoom(ScriptedSandbox):
    """A student's worker waits for a machine until the run is stopped, and is then given up."""

    stop: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def start(self, job: Job, gpus: Iterable[str]) -> Iterator[ScriptedWorker]:
        if job.name == "grace":
            self.stop.set()
            raise SandboxError("the run was stopped before a machine had room")
        with super().start(job, gpus) as worker:
            yield worker


def test_who_waits_for_a_machine_when_the_grader_is_stopped_has_not_begun(
    rubric: Rubric, tmp_path: Path
) -> None:
    """Nothing is stored about such a submission: `not_scored` would stand in the gradebook."""
    sandbox, kept = NoRoom(), list[str]()
    folder = class_of(tmp_path / "class", "ada", "grace")
    setup = set_up(
        rubric, ["mode-switch"], sandbox, tmp_path / "work", tmp_path / "cache", slots=Slots(2),
        stop=sandbox.stop,
    )
    setup = dataclasses.replace(setup, keep=lambda one, found: kept.append(one.student))
    found = list(pipeline.grade_all(setup, discover(folder), lambda who, what: None))
    assert "grace" not in kept and [one.student for one in found] == kept


def test_a_worker_that_does_not_start_in_a_run_that_goes_on_is_not_scored(
    rubric: Rubric, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tries, "PAUSES", (0.0,))
    sandbox = NoRoom()
    folder = class_of(tmp_path / "class", "grace")
    setup = set_up(rubric, ["mode-switch"], sandbox, tmp_path / "work", tmp_path / "cache")
    (found,) = pipeline.grade_all(setup, discover(folder), lambda who, what: None)
    assert found.state == "not_scored"
