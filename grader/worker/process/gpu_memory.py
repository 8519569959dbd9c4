"""A session's share of a GPU that several submissions use at the same time."""

from __future__ import annotations

from typing import Any


def keep_to(share: float | None, cuda: Any) -> None:
    """Let this process have no more than `share`, in (0, 1], of each visible GPU's memory; None:
    all of it. `cuda` is `torch.cuda`.

    It is said when CUDA is first used: to say it earlier would cost seconds and some of the memory,
    also where nothing is computed on a GPU. What is over the share is torch's own OutOfMemoryError.
    """
    if share is None or not cuda.is_available():
        return

    def say() -> None:
        for device in range(cuda.device_count()):
            cuda.set_per_process_memory_fraction(share, device)

    # torch keeps its own seeds for later in this way, and calls what is kept as CUDA starts.
    later = getattr(cuda, "_lazy_call", None)
    if later is None:
        say()
    else:
        later(say)
