"""The interface of a sandbox: it starts workers, and reports truthfully how each one ended.

A sandbox knows neither checks nor questions. `grader.sandbox.conversation` talks to the workers, in
the same way for every sandbox. To add a sandbox, implement `Sandbox` and `Worker`;
`tests/sandbox/test_contract.py` is the suite that each one must pass.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from grader.records import Question
from grader.rubric.model import Limits


class EarlyStopper(Protocol):
    """Decides on the host whether a training may end early, by predictions of hidden images."""

    def part(
        self, student: str, question: Question, correct: int, seen: int
    ) -> NDArray[np.uint8] | None:
        """Return hidden images for an interim look at a network in training.

        Args:
            student: Name of the job.
            question: The training's question.
            correct: Right predictions in the script's own latest evaluation.
            seen: Images in that evaluation.

        Returns:
            Images, uint8 (N, H, W, 3), that this network has not predicted yet; None if there is to
            be no look now.
        """

    def is_sure(self, student: str, question: Question, logits: NDArray[np.float32]) -> bool:
        """Say whether the network is sure to reach full credit, so that its training may end.

        Args:
            student: Name of the job.
            question: The training's question.
            logits: float32 (N, C), the network's predictions for the images of the last `part`.
        """
        ...


@dataclass(frozen=True)
class Job:
    """A submission with all questions that a worker is asked about it.

    Attributes:
        name: Name of the student, or of the reference solution.
        submission: Folder of the student's files.
        questions: Questions, in the order in which they are asked.
        limits: Limits on time, memory, processes, disk and output.
        data: Folder of the data set as the student's code sees it; None: no data.
        gpu_share: Fraction of a GPU's memory that the code may use; None: no limit.
        early_stopper: Scores trainings that may end early; None: every training runs to its end.
        gpu: A GPU is lent. A worker that cannot use it answers nothing, and says why.
    """

    name: str
    submission: Path
    questions: tuple[Question, ...]
    limits: Limits
    data: Path | None = None
    gpu_share: float | None = None
    early_stopper: EarlyStopper | None = None
    gpu: bool = False


@dataclass(frozen=True)
class WorkerPaths:
    """Folders as the worker sees them, which is inside the container where there is one.

    Attributes:
        submission: The student's files, read-only in a container.
        data: The data set, read-only in a container; None: no data.
        scratch: A folder that the student's code may write to.
    """

    submission: str
    data: str | None
    scratch: str


@dataclass(frozen=True)
class Exit:
    """The end of a worker, as the host observed it.

    Attributes:
        code: Exit status; -N if signal N ended the worker, None if it is unknown.
        out_of_memory: The memory limit stopped some process of the sandbox, maybe not the worker.
        lost: Why the end could not be determined; None if it was.
        node_lost: The machine that the worker ran on is gone, as `lost` says.
    """

    code: int | None
    out_of_memory: bool = False
    lost: str | None = None
    node_lost: bool = False


class Worker(Protocol):
    """A worker that was started. One thread only calls `read`, until the stream ends."""

    @property
    def paths(self) -> WorkerPaths:
        """The worker's folders, as it sees them."""
        ...

    def write(self, data: bytes) -> None:
        """Send all of `data` to the worker.

        Raises:
            OSError: The worker no longer reads.
        """

    def full_speed(self) -> None:
        """Give the worker its full share of the processor, since its turn has come.

        Before its turn a worker only imports what it needs, at a low priority where the sandbox
        can set one (`Sandbox.waits_quietly`) and another worker has its turn.
        """

    @property
    def held_back(self) -> bool:
        """True while the worker gets ready at a low priority, which may take any time."""
        ...

    def processor_seconds(self) -> float | None:
        """Return the processor time that the worker and its processes have used; None if unknown.

        It is in seconds and never falls.
        """
        ...

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes of the worker's protocol stream, and b"" at its end. Blocks."""
        ...

    def stop(self) -> Exit:
        """End the worker and everything that it started, and return how the worker ended.

        If it has ended by itself, this only reports how. It may be called more than once.
        """
        ...


class Sandbox(Protocol):
    """Starts workers."""

    @property
    def name(self) -> str:
        """The name that `--sandbox` takes and reports show."""
        ...

    @property
    def version(self) -> str:
        """A text that identifies image, runtime and versions; part of the cache key of answers.

        The same text means the same software: an image is named by its Id, and not by a tag.
        """
        ...

    @property
    def waits_quietly(self) -> bool:
        """True if a worker can get ready beside running ones without slowing them down."""

    def gpu_models(self, gpus: Collection[str]) -> tuple[str, ...]:
        """Return the model names of GPUs, each once and sorted; () if they are not known.

        Args:
            gpus: Device ids, as for `start`.
        """
        ...

    def start(self, job: Job, gpus: Iterable[str]) -> AbstractContextManager[Worker]:
        """Start a worker for one job. Leaving the context ends it and removes every trace of it.

        Args:
            job: The job; the worker serves no other one.
            gpus: Device ids of the GPUs that the worker may use; `("all",)` for all.

        Returns:
            A context manager that yields the worker.

        Raises:
            NodeLost: The machine that should run it is gone. Another call may get another one.
            NoNodeLeft: No machine is left. The text names them and says why they are gone.
            SandboxError: The worker could not be started, which is the harness's fault.
        """
        ...
