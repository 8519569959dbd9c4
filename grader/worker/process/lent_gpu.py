"""Finds out whether torch can use the GPU that was lent, before any code of the student's runs."""

from __future__ import annotations

from typing import Any


class GpuMissing(Exception):
    """A GPU was lent and torch cannot use it; the text has torch's reason."""


def require_gpu(cuda: Any) -> None:
    """Return if torch sees a GPU. Otherwise the code would run on the CPU without a sign.

    Args:
        cuda: the module `torch.cuda`.

    Raises:
        GpuMissing: torch sees none.
    """
    if cuda.is_available():
        return
    try:
        cuda.init()
        reason = "it gives no reason"
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
    raise GpuMissing(f"a GPU was lent to the worker, and torch cannot use it: {reason}")
