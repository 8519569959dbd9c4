"""A record of what the shims saw in one session: networks, data sets, figures and notes."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from torch import nn
from torchvision.datasets import VisionDataset


@dataclass(frozen=True)
class Picture:
    """A figure that a script showed or saved: uint8 pixels (H, W, 3), its title and its origin.

    `origin` is an object that belongs to the figure alone, and the file name that it was saved to
    ("" if it was shown).
    """

    title: str
    pixels: NDArray[np.uint8]
    origin: tuple[object, str] = field(repr=False)


@dataclass
class ShimLog:
    """Records what the shims of one session replaced.

    `built` networks and `served` data sets come in the order in which the script asked for them.
    `notes` are sentences for the feedback. `figures` are the pictures that were kept; `rendered`
    counts the pictures that were made.
    """

    built: list[nn.Module] = field(default_factory=list)
    served: list[VisionDataset] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    figures: list[Picture] = field(default_factory=list)
    rendered: int = 0

    def note(self, text: str) -> None:
        """Add a note unless it is there already."""
        if text not in self.notes:
            self.notes.append(text)
