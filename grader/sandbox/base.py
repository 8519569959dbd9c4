"""What a sandbox is: a place that starts one worker, and tells the truth about how it ended.

A sandbox knows neither checks nor questions. `grader.sandbox.conversation` holds the conversation
with the worker that it starts, the same for every sandbox.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from grader.records import Question
from grader.rubric.model import Limits


class EarlyStopper(Protocol):
    """Scores what a network predicts while it is still trained; `student` is the job's name."""

    def part(
        self, student: str, question: Question, correct: int, seen: int
    ) -> NDArray[np.uint8] | None:
        """Images (N, H, W, 3) that this student's network has not predicted yet; None: not now.
        `correct` of `seen` is what the script's own evaluation was seen to reach."""

    def is_sure(self, student: str, question: Question, logits: NDArray[np.float32]) -> bool:
        """Whether the network is sure to have passed, by its logits (N, C) for the last part."""
        ...


@dataclass(frozen=True)
class Job:
    """Everything that one submission is asked. `data` is the student's view of the dataset,
    `gpu_share` the share of a GPU's memory that it may use; None is no limit. `examiner` scores
    trainings that may be ended early; without one none is."""

    name: str
    submission: Path
    questions: tuple[Question, ...]
    limits: Limits
    data: Path | None = None
    gpu_share: float | None = None
    early_stopper: EarlyStopper | None = None


@dataclass(frozen=True)
class Places:
    """Where the worker finds things, as paths in its own world. `scratch` is writable."""

    submission: str
    data: str | None
    scratch: str


@dataclass(frozen=True)
class Exit:
    """How a worker ended, as the host saw it. `lost` is set when that could not be found out.

    `code` is the exit status (negative: killed by that signal), `out_of_memory` whether the memory
    limit struck anything in the sandbox, even when the worker itself went on.
    """

    code: int | None
    out_of_memory: bool = False
    lost: str | None = None


class Worker(Protocol):
    """A started worker. `read` is called from one thread only, which drains it to the end."""

    @property
    def places(self) -> Places: ...

    def write(self, data: bytes) -> None:
        """Send all of `data`. Raises OSError when the worker no longer listens."""

    def full_speed(self) -> None:
        """Its turn has come. Until then it got ready, and took no processor from who runs."""

    def read(self, size: int) -> bytes:
        """Up to `size` bytes of the worker's protocol stream; b"" at its end. Blocks."""
        ...

    def stop(self) -> Exit:
        """End the worker and everything it started, now, and say how it had ended.

        Does nothing but report when the worker has ended by itself. May be called again.
        """
        ...


class Sandbox(Protocol):
    """`start` raises a SandboxError when the worker cannot be started: the harness's fault."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str:
        """What its workers are made of: where it is another one, answers may be others."""
        ...

    @property
    def waits_quietly(self) -> bool:
        """Whether a worker may get ready beside others and take nothing from them."""

    def start(self, job: Job, gpus: Iterable[str]) -> AbstractContextManager[Worker]:
        """A worker of its own for this job; leaving the context removes every trace of it."""
        ...
