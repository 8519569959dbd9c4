"""A session's share of a GPU. What torch does with it can't be seen without a GPU, so that these
tests look at what torch is told, by a `torch.cuda` that keeps it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from grader.worker.process.gpu_memory import limit_gpu_memory


class Cuda:
    """As much of `torch.cuda` as has to do with shares, of a machine with so many GPUs."""

    def __init__(self, gpus: int) -> None:
        self.gpus = gpus
        self.told: list[tuple[float, int]] = []
        self._kept: list[Callable[[], None]] = []

    def is_available(self) -> bool:
        return self.gpus > 0

    def device_count(self) -> int:
        return self.gpus

    def set_per_process_memory_fraction(self, fraction: float, device: int) -> None:
        self.told.append((fraction, device))

    def _lazy_call(self, call: Callable[[], None]) -> None:
        self._kept.append(call)

    def start(self) -> None:
        for call in self._kept:
            call()


def test_every_visible_gpu_is_shared_as_soon_as_it_is_used() -> None:
    cuda = Cuda(2)
    limit_gpu_memory(0.25, cuda)
    assert cuda.told == [], "CUDA was started for code that may not use it"
    cuda.start()
    assert cuda.told == [(0.25, 0), (0.25, 1)]


def test_a_torch_that_keeps_nothing_for_later_is_told_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(Cuda, "_lazy_call")
    cuda = Cuda(1)
    limit_gpu_memory(0.5, cuda)
    assert cuda.told == [(0.5, 0)]


@pytest.mark.parametrize(("share", "gpus"), [(None, 1), (0.5, 0)])
def test_without_a_share_or_a_gpu_nothing_is_said(share: float | None, gpus: int) -> None:
    cuda = Cuda(gpus)
    limit_gpu_memory(share, cuda)
    cuda.start()
    assert cuda.told == []
