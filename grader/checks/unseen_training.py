"""Judges whether a network was trained by more than the steps that were seen.

Weights that moved between steps, gradients without a pass, and seconds beyond the budget show it.
The verdict is a person's then; nothing is taken off.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Weight decay, clipping and constraints by hand move weights between steps by a few hundredths of
# the steps' own way; averages and earlier states do not count at all.
MOST_ASTRAY = 0.5
# A penalty or a picture now and then needs gradients of its own.
MOST_GRADIENTS, FEW_GRADIENTS = 0.25, 25
# Loading the files, a last evaluation and the choice of the best state are no training.
MARGIN, MARGIN_SECONDS = 0.1, 30.0


def doubt(value: Mapping[str, Any], seconds: float) -> str:
    """Why a person must look at an accuracy; "" if the steps that were seen explain it.

    Args:
        value: the worker's report of the training.
        seconds: the budget of the training.
    """
    used = value.get("used") or 0.0
    if used > (1 + MARGIN) * seconds + MARGIN_SECONDS:
        return (
            f"The training used {used:.0f} seconds, as they were counted outside of its process, "
            f"where {seconds:g} are allowed. A person looks at it."
        )
    unseen = value.get("unseen")
    if unseen is None:
        return ""
    astray, gradients, passes = unseen["astray"], unseen["gradients"], unseen["backward_passes"]
    if not isinstance(astray, (int, float)) or astray > MOST_ASTRAY:
        far = "" if not isinstance(astray, (int, float)) else f", {astray:.2g} times as far as they"
        return (
            f"The weights moved outside of the {value['steps']:,} steps that were seen{far}, "
            f"{_times(unseen['times'])}. So a part of the training was not seen. A person looks at "
            "it."
        )
    if gradients > FEW_GRADIENTS and gradients > MOST_GRADIENTS * passes:
        return (
            f"Gradients of the network were computed {gradients:,} times without a call of the "
            f"network, and {passes:,} times with one. So a part of the training may not have been "
            "seen. A person looks at it."
        )
    return ""


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"
