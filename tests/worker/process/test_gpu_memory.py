"""A session limits its GPU memory through `torch.cuda`, which a fake records here."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from grader.worker.process.gpu_memory import limit_gpu_memory


class Cuda:
    """The part of `torch.cuda` that limits memory, for a machine with `gpus` GPUs."""

    def __init__(self, gpus: int) -> None:
        self.gpus = gpus
        self.limits: list[tuple[float, int]] = []
        self._deferred: list[Callable[[], None]] = []

    def is_available(self) -> bool:
        return self.gpus > 0

    def device_count(self) -> int:
        return self.gpus

    def set_per_process_memory_fraction(self, fraction: float, device: int) -> None:
        self.limits.append((fraction, device))

    def _lazy_call(self, call: Callable[[], None]) -> None:
        self._deferred.append(call)

    def start(self) -> None:
        for call in self._deferred:
            call()


def test_every_visible_gpu_is_limited_when_cuda_starts() -> None:
    cuda = Cuda(2)
    limit_gpu_memory(0.25, cuda)
    assert cuda.limits == [], "the limit was set before CUDA started"
    cuda.start()
    assert cuda.limits == [(0.25, 0), (0.25, 1)]


def test_a_torch_without_deferred_calls_sets_the_limit_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(Cuda, "_lazy_call")
    cuda = Cuda(1)
    limit_gpu_memory(0.5, cuda)
    assert cuda.limits == [(0.5, 0)]


@pytest.mark.parametrize(("share", "gpus"), [(None, 1), (0.5, 0)])
def test_without_a_share_or_a_gpu_no_limit_is_set(share: float | None, gpus: int) -> None:
    cuda = Cuda(gpus)
    limit_gpu_memory(share, cuda)
    cuda.start()
    assert cuda.limits == []
