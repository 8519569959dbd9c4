"""GPUs that do not exist, for tests of what lends them: Ray and Slurm can be told to have some."""

from __future__ import annotations

import dataclasses

import pytest

from grader.run import open as opening
from grader.sandbox import conversation
from grader.sandbox.base import Job, Worker


def use_made_up_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lend GPUs that nobody examines, to workers that do without; for runs in this process.

    Otherwise a run on a machine without a GPU is refused, which `tests/run/test_gpu_canary.py`
    shows.
    """
    start_message = conversation.start_message

    def without_a_gpu(worker: Worker, job: Job) -> bytes:
        return start_message(worker, dataclasses.replace(job, gpu=False))

    monkeypatch.setattr(conversation, "start_message", without_a_gpu)
    monkeypatch.setattr(opening, "examine_gpus", lambda *arguments: None)
