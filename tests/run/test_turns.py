"""While a submission is asked, the next one gets ready, and trainings hold GPUs.

The workers here are threads of ours that speak the protocol and find nothing in any submission.
"""

from __future__ import annotations

import io
import queue
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from grader import wire
from grader.rubric.model import Rubric
from grader.run import pipeline
from grader.run.schedule import Slots
from grader.run.setup import set_up
from grader.sandbox.base import Exit, Job, WorkerPaths
from grader.submissions.discover import discover
from tests.factories import grade_class

ROOT = Path(__file__).parent.parent.parent
ANSWERS_AFTER = 0.3   # seconds


class Worker:
    """Ready at once; every answer takes a while, and is that nothing was found."""

    def __init__(self, events: list[tuple[str, str]], job: Job) -> None:
        self.paths = WorkerPaths("/submission", "/data", "/tmp")
        self._events, self._name = events, job.name
        self._said: queue.Queue[bytes] = queue.Queue()
        self._left = b""

    def write(self, data: bytes) -> None:
        frame = wire.read_frame(io.BytesIO(data).read)
        assert frame is not None
        message = frame[0]
        if message["type"] == wire.START:
            self._said.put(wire.encode({"type": wire.READY, "versions": {}}))
            return
        self._events.append((self._name, "asked"))
        time.sleep(ANSWERS_AFTER)
        answer = {"type": wire.ANSWER, "id": message["id"], "outcome": wire.NOT_FOUND}
        self._said.put(wire.encode(answer | {"message": "nothing"}))

    def full_speed(self) -> None:
        self._events.append((self._name, "at full speed"))

    held_back = False

    def processor_seconds(self) -> None:
        """Not known."""

    def read(self, size: int) -> bytes:
        if not self._left:
            self._left = self._said.get()
        piece, self._left = self._left[:size], self._left[size:]
        return piece

    def stop(self) -> Exit:
        self._said.put(b"")
        return Exit(0)


@dataclass
class Sandbox:
    """Starts such workers, and remembers what happened in which order and on which GPU."""

    events: list[tuple[str, str]] = field(default_factory=list)
    lent: list[tuple[tuple[str, ...], float | None, frozenset[str]]] = field(default_factory=list)
    name: str = "scripted"
    version: str = "1"
    waits_quietly: bool = True

    @contextmanager
    def start(self, job: Job, gpus: Iterable[str]) -> Iterator[Worker]:
        kinds = frozenset(question.kind for question in job.questions)
        self.lent.append((tuple(gpus), job.gpu_share, kinds))
        self.events.append((job.name, "started"))
        worker = Worker(self.events, job)
        try:
            yield worker
        finally:
            worker.stop()
            self.events.append((job.name, "gone"))


def class_of(folder: Path, *students: str) -> Path:
    folder.mkdir()
    for student in students:
        (folder / f"{student}.py").write_text(f"# {student}\n", encoding="utf-8")
    return folder


def grade(
    rubric: Rubric, sandbox: Sandbox, folder: Path, criterion: str, slots: Slots, ahead: int
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
    events = grade(rubric, Sandbox(), folder, "mode-switch", Slots(1), ahead=1)
    first, second = (name for name, what in events if what == "at full speed")
    assert events.index((second, "started")) < events.index((first, "gone"))
    assert events.index((second, "asked")) > max(
        number for number, event in enumerate(events) if event == (first, "asked")
    ), "one turn, so nobody is asked before the other one has been asked everything"


def test_nobody_gets_ready_ahead_where_nobody_may(rubric: Rubric, tmp_path: Path) -> None:
    folder = class_of(tmp_path / "class", "ada", "grace")
    events = grade(rubric, Sandbox(), folder, "mode-switch", Slots(1), ahead=0)
    first, second = (name for name, what in events if what == "at full speed")
    assert events.index((second, "started")) > events.index((first, "gone"))


def test_each_worker_serves_one_submission(rubric: Rubric, tmp_path: Path) -> None:
    folder = class_of(tmp_path / "class", "ada", "grace", "zoe")
    events = grade(rubric, Sandbox(), folder, "mode-switch", Slots(2), ahead=2)
    started = [name for name, what in events if what == "started"]
    assert sorted(started) == ["ada", "grace", "zoe"]


def test_what_trains_gets_a_gpu_and_its_share_and_all_else_gets_neither(
    rubric: Rubric, tmp_path: Path
) -> None:
    sandbox = Sandbox()
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
    sandbox, stop = Sandbox(), threading.Event()
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
