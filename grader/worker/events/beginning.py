"""Loss and accuracy on the first images of a training: a network that learnt nothing yet guesses.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from grader.worker.events.kinds import PassEnded

WINDOW = 64       # images that a window has at least
LATEST = 512      # no window begins after as many images of training
MAX_CLASSES = 1000


@dataclass
class Window:
    """Consecutive images with known labels.

    Attributes:
        after: images that the network had been trained on before the window.
        images, correct: counts; `loss` is summed over the images, in nats.
        classes: the number of images of each class.
    """

    after: int
    images: int = 0
    correct: int = 0
    loss: float = 0.0
    classes: list[int] = field(default_factory=list)

    @property
    def most(self) -> int:
        """Images of the commonest class: so many are right if a network always says one class."""
        return max(self.classes, default=0)

    def add(self, one: PassEnded) -> None:
        """Count the images of a pass."""
        self.images += one.images
        self.correct += one.correct
        self.loss += one.loss
        self.classes += [0] * (len(one.classes) - len(self.classes))
        for label, count in enumerate(one.classes):
            self.classes[label] += count

    def row(self) -> dict[str, Any]:
        """The window as it is reported."""
        return {
            "after": self.after, "images": self.images, "correct": self.correct,
            "loss": self.loss, "most": self.most,
        }  # fmt: skip


def add_first(
    windows: list[Window], one: PassEnded, kind: str, *, after_steps: int, trained_on: int
) -> None:
    """Add a pass to the windows of its network, if it is one of the first.

    The first window has all images that came before the first step, also of an evaluation; the
    others have images of the training.

    Args:
        windows: the windows so far.
        one: a pass.
        kind: "train" or "evaluate".
        after_steps: steps that the network had taken before it.
        trained_on: images that the network had been trained on before it.
    """
    if not one.scored or not one.classes or (after_steps and kind != "train"):
        return
    last = windows[-1] if windows else None
    if last is None or (last.images >= WINDOW and after_steps):
        if trained_on >= LATEST:
            return
        last = Window(trained_on)
        windows.append(last)
    last.add(one)
