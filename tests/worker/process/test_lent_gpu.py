"""A session uses the GPU that it was lent, or says why it does not."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from grader import wire
from grader.worker.probes import PROBES
from grader.worker.process.answering import _answer
from grader.worker.process.lent_gpu import GpuMissing, require_gpu
from grader.worker.session import Answer, Session, failure


class Cuda:
    """The part of `torch.cuda` that tells whether there is a GPU, and why not."""

    def __init__(self, problem: Exception | None, available: bool = False) -> None:
        self._problem, self._available = problem, available

    def is_available(self) -> bool:
        return self._available

    def init(self) -> None:
        if self._problem is not None:
            raise self._problem


@pytest.mark.parametrize(("problem", "reason"), [
    (RuntimeError("Found no NVIDIA driver on your system. Please check\nhttps://..."),
     "Found no NVIDIA driver on your system. Please check"),
    (AssertionError("Torch not compiled with CUDA enabled"), "Torch not compiled with CUDA"),
    (RuntimeError(), "RuntimeError"),
    (None, "it gives no reason"),
])  # fmt: skip
def test_a_missing_gpu_is_told_with_torch_s_own_reason(
    problem: Exception | None, reason: str
) -> None:
    with pytest.raises(GpuMissing) as missing:
        require_gpu(Cuda(problem))
    assert str(missing.value).startswith(
        f"a GPU was lent to the worker, and torch cannot use it: {reason}"
    )
    assert "\n" not in str(missing.value)


def test_a_gpu_that_is_there_is_not_started_for_that() -> None:
    require_gpu(Cuda(RuntimeError("CUDA was started, which takes memory"), available=True))


def by_torch(message: str) -> None:
    raise RuntimeError(message)


@pytest.mark.parametrize(("message", "outcome"), [
    ("CUDA error: uncorrectable ECC error encountered", wire.WORKER_FAILED),
    ("CUDA error: no kernel image is available for execution", wire.WORKER_FAILED),
    ("CUDA error: device-side assert triggered", wire.ANSWERED),
])  # fmt: skip
def test_an_answer_that_the_gpu_s_failure_cut_short_is_none(
    message: str, outcome: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A training that was stopped in its first epoch would get the marks of that epoch."""

    def trained_a_while(session: Session, args: Mapping[str, Any], blobs: Any) -> Answer:
        try:
            by_torch(message)
        except RuntimeError as error:
            return {"steps": 5, "error": failure(error, session)}, (b"a figure",)
        return {}, ()

    monkeypatch.setitem(PROBES, "train", trained_a_while)
    session = Session(tmp_path, None, lambda: None)
    reply, blobs = _answer(session, {"kind": "train", "args": {}}, ())
    assert reply["outcome"] == outcome
    assert (message in reply.get("message", "")) == (not blobs) == (outcome != wire.ANSWERED)
    monkeypatch.setitem(PROBES, "train", lambda *asked: ({}, ()))
    assert _answer(session, {"kind": "train", "args": {}}, ())[0]["outcome"] == wire.ANSWERED
