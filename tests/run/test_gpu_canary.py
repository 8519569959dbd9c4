"""A GPU that was lent is used, or nobody is graded: a run on the processor is no substitute.

GPU 99 is one that no machine has. What a real GPU shows is examined by `make gpu-check`.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import grader
from grader import wire
from grader.checks.hidden_networks import RESNET18
from grader.errors import GpuUnavailable, NodeLost, SandboxError
from grader.records import ALL_GPUS, Concluded, Question, Verdict
from grader.rubric.model import Limits, Rubric
from grader.run.gpu_canary import QUESTION, examine_gpus
from grader.run.schedule import Slots
from grader.run.setup import set_up
from grader.sandbox.base import Job
from grader.sandbox.conversation import converse
from grader.sandbox.process import ProcessSandbox
from grader.submissions.discover import discover
from tests.factories import grade_class, shipped_rubric, write_files
from tests.run.test_turns import class_of
from tests.support.made_up_gpus import use_made_up_gpus
from tests.support.scripted import ScriptedSandbox, ScriptedWorker

NO_SUCH_GPU = "99"
H200 = {"name": "NVIDIA H200", "memory_mib": 143_000, "correct": True}
GROUPS = Question("groups", "parameter_groups", {"network": RESNET18}, "groups", 60)


class Worker(ScriptedWorker):
    """Answers at once, with the GPUs that it is told to see."""

    def __init__(self, job: Job, gpus: list[dict[str, Any]]) -> None:
        super().__init__([], job)
        self._gpus = gpus

    def write(self, data: bytes) -> None:
        if b'"ask"' not in data:
            super().write(data)
            return
        answer = {"type": wire.ANSWER, "id": QUESTION.id, "outcome": wire.ANSWERED}
        self._said.put(wire.encode(answer | {"value": {"gpus": self._gpus}}))


@dataclasses.dataclass
class Sandbox:
    """Starts such workers; `gpus_of` says what a worker sees that was lent a GPU."""

    gpus_of: Callable[[str], list[dict[str, Any]]]
    lent: list[tuple[str, float | None]] = dataclasses.field(default_factory=list)
    name: str = "scripted"
    version: str = "1"
    waits_quietly: bool = False

    def gpu_models(self, gpus: Collection[str]) -> tuple[str, ...]:
        return ()

    @contextmanager
    def start(self, job: Job, gpus: Iterable[str]) -> Iterator[Worker]:
        (gpu,) = gpus
        assert job.gpu and not list(job.submission.iterdir()), "no student's code is in it"
        self.lent.append((gpu, job.gpu_share))
        worker = Worker(job, self.gpus_of(gpu))
        yield worker
        worker.stop()


def examine(sandbox: Sandbox, gpus: Iterable[str], folder: Path, slots: int = 1) -> None:
    share = Slots(1, tuple(gpus), slots).gpu_share
    examine_gpus(sandbox, tuple(gpus), slots, share, Limits(), folder)


def test_every_gpu_is_examined_by_as_many_workers_as_will_train_on_it(tmp_path: Path) -> None:
    sandbox = Sandbox(lambda gpu: [H200])
    examine(sandbox, ("0", "MIG-1f2e"), tmp_path, slots=3)
    assert sorted(gpu for gpu, _ in sandbox.lent) == ["0"] * 3 + ["MIG-1f2e"] * 3
    assert {share for _, share in sandbox.lent} == {Slots(1, "0", slots_per_gpu=3).gpu_share}


@pytest.mark.parametrize("gpus", [(), ALL_GPUS])
def test_without_a_gpu_that_was_lent_there_is_nothing_to_examine(
    gpus: tuple[str, ...], tmp_path: Path
) -> None:
    sandbox = Sandbox(lambda gpu: [])
    examine(sandbox, gpus, tmp_path)
    assert sandbox.lent == []


def _no_worker(gpu: str) -> list[dict[str, Any]]:
    raise SandboxError("no driver could be selected")


@pytest.mark.parametrize(("seen", "reason"), [
    ([], "sees no GPU"),
    ([H200 | {"correct": False}], "its results are wrong .NVIDIA H200."),
    ([{"name": "a forged answer"}], "the answer is not one"),
    (None, "no driver could be selected"),
])  # fmt: skip
def test_a_gpu_that_does_not_work_is_named_with_the_reason(
    seen: list[dict[str, Any]] | None, reason: str, tmp_path: Path
) -> None:
    def gpus_of(gpu: str) -> list[dict[str, Any]]:
        return [H200] if gpu == "0" else _no_worker(gpu) if seen is None else seen

    with pytest.raises(GpuUnavailable, match=rf"GPU 1 was lent .*{reason}.*--gpus none"):
        examine(Sandbox(gpus_of), ("0", "1"), tmp_path)


def test_a_machine_that_goes_away_meanwhile_says_nothing_of_the_gpus(tmp_path: Path) -> None:
    gone = ["node-1", "node-2"]

    def gpus_of(gpu: str) -> list[dict[str, Any]]:
        if gone:
            raise NodeLost(f"the machine {gone.pop()} was lost")
        return [H200]

    sandbox = Sandbox(gpus_of)
    examine(sandbox, ("gpu-0",), tmp_path)
    assert len(sandbox.lent) == 3
    gone[:] = ["node"] * 9
    with pytest.raises(GpuUnavailable, match="the machine node was lost"):
        examine(sandbox, ("gpu-0",), tmp_path)


@pytest.mark.parametrize("criterion", ["parameter-groups", "mode-switch"])
def test_a_run_on_a_gpu_that_is_not_there_grades_nobody(criterion: str, tmp_path: Path) -> None:
    """It gave the marks of a run on the processor."""
    work = write_files(tmp_path / "class", {"ada.py": "raise SystemExit", "grace.py": "x = 1"})
    options = grader.RunOptions(sandbox="process", gpus=NO_SUCH_GPU, criteria=(criterion,), jobs=1)
    with pytest.raises(GpuUnavailable, match=r"Nothing was asked .*GPU 99 .*torch cannot use"):
        grader.grade(work, shipped_rubric(), tmp_path / "out", options=options)
    marks = (tmp_path / "out" / "grades.csv").read_text(encoding="utf-8")
    assert "ada" not in marks and "grace" not in marks


def test_a_worker_that_was_lent_a_gpu_and_sees_none_is_the_harness_s_fault(tmp_path: Path) -> None:
    work = write_files(tmp_path / "work", {"hw2.py": "def group_parameters(model): return 1 / 0"})
    job = Job("ada", work, (GROUPS,), Limits(), gpu=True)
    (lost,) = converse(ProcessSandbox(), job, (NO_SUCH_GPU,))
    assert lost.outcome.owner == "harness"
    assert lost.outcome.message.startswith("a GPU was lent to the worker, and torch cannot use it:")
    assert "Traceback" not in lost.outcome.message
    (asked,) = converse(ProcessSandbox(), dataclasses.replace(job, gpu=False), ())
    assert asked.outcome.owner != "harness"


def test_the_class_stops_before_the_first_question_and_only_where_one_is_asked(
    rubric: Rubric, tmp_path: Path
) -> None:
    asked = threading.Event()

    def ready() -> None:
        asked.set()
        raise GpuUnavailable("GPU 0 does not work")

    sandbox = ScriptedSandbox()
    folder = class_of(tmp_path / "class", "ada", "grace")
    setup = set_up(
        rubric, ["mode-switch"], sandbox, tmp_path / "work", tmp_path / "cache",
        slots=Slots(1, ["0"]), ready=ready,
    )  # fmt: skip
    known = Concluded({"mode-switch": Verdict("mode-switch", "passed", 1.0, "known")})
    settled = dataclasses.replace(setup, known=lambda submission: known)
    assert set(grade_class(settled, discover(folder))) == {"ada", "grace"} and not asked.is_set()
    with pytest.raises(GpuUnavailable, match="GPU 0"):
        grade_class(setup, discover(folder))
    assert sandbox.lent == []


def test_a_training_s_worker_is_told_that_a_gpu_was_lent_and_others_are_not(
    rubric: Rubric, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[tuple[str, ...], bool]] = []
    start = ScriptedSandbox.start

    def noted(self: ScriptedSandbox, job: Job, gpus: Iterable[str]) -> Any:
        told.append((tuple(gpus), job.gpu))
        return start(self, job, gpus)

    monkeypatch.setattr(ScriptedSandbox, "start", noted)
    folder = class_of(tmp_path / "class", "ada")
    for slots in (Slots(1, ["0"]), Slots(1, ALL_GPUS), Slots(1)):
        work = tmp_path / str(len(told))
        setup = set_up(rubric, ["mode-switch"], ScriptedSandbox(), work, work / "c", slots=slots)
        grade_class(setup, discover(folder))
    assert {(("0",), True), (ALL_GPUS, False), ((), False)} == set(told)


def test_a_test_of_a_pool_may_make_gpus_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_made_up_gpus(monkeypatch)
    work = write_files(tmp_path / "work", {"hw2.py": "def group_parameters(model): return 1 / 0"})
    job = Job("ada", work, (GROUPS,), Limits(), gpu=True)
    (asked,) = converse(ProcessSandbox(), job, (NO_SUCH_GPU,))
    assert asked.outcome.owner == "student"
