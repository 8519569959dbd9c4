"""What the stand-ins of one session have seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from torch import nn

if TYPE_CHECKING:
    from grader.worker.stand_ins.datasets import Served


@dataclass
class Stage:
    """`built` networks and `served` data sets in the order in which the script asked for them, and
    notes for the feedback.

    `test_transform` is the one that the script gave its test set: hidden images go through it.
    """

    built: list[nn.Module] = field(default_factory=list)
    served: list[Served] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    test_transform: Callable[[Any], Any] | None = None

    def note(self, text: str) -> None:
        """Each text once, however often it is noted."""
        if text not in self.notes:
            self.notes.append(text)
