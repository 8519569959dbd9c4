"""What the stand-ins of one session have seen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from torch import nn

if TYPE_CHECKING:
    from grader.worker.shims.datasets import Served


@dataclass(frozen=True)
class Picture:
    """A figure that a script has shown or saved: uint8 pixels (H, W, 3), and where it came from."""

    title: str
    pixels: NDArray[np.uint8]
    origin: tuple[object, str] = field(repr=False)


@dataclass
class Stage:
    """`built` networks and `served` data sets in the order in which the script asked for them, and
    notes for the feedback.

    `figures` are those that the script drew, `rendered` is how often one was made a picture of.
    """

    built: list[nn.Module] = field(default_factory=list)
    served: list[Served] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    figures: list[Picture] = field(default_factory=list)
    rendered: int = 0

    def note(self, text: str) -> None:
        """Each text once, however often it is noted."""
        if text not in self.notes:
            self.notes.append(text)
