"""Limits a session's GPU memory where several submissions share a GPU."""

from __future__ import annotations

from typing import Any


def limit_gpu_memory(share: float | None, cuda: Any) -> None:
    """Limit this process to a share of each visible GPU's memory.

    The limit is set when CUDA is first used: setting it earlier takes seconds and some memory, even
    if nothing is computed on a GPU. Over the limit torch raises its OutOfMemoryError.

    Args:
        share: a fraction in (0, 1]; None sets no limit.
        cuda: the module `torch.cuda`.
    """
    if share is None or not cuda.is_available():
        return

    def set_limit() -> None:
        for device in range(cuda.device_count()):
            cuda.set_per_process_memory_fraction(share, device)

    # torch defers calls in this way until CUDA starts.
    later = getattr(cuda, "_lazy_call", None)
    if later is None:
        set_limit()
    else:
        later(set_limit)
