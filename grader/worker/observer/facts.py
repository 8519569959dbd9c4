"""The facts about a forward pass that runs and networks are built from."""

from __future__ import annotations

from typing import Protocol

import torch

from grader.worker.observer.batches import Batch
from grader.worker.observer.source_lines import SourceLine


class PassFacts(Protocol):
    """One forward pass through a network, as `passes.Pass` observes it.

    Attributes:
        images: the number of images in the input.
        batch: the batch that the input belongs to, if a loader gave it out.
        place: the student's line that called the network, if there is one.
        after_steps: optimizer steps that the network had taken before this pass.
        first_of_batch: false for a second view of images that were just passed.
        input: the input as the network got it; None once the pass is over.
        backward: a backward pass went through it.
        moved: running statistics changed, although it cannot be a training pass.
        dropouts: the number of dropout layers in training mode.
        gradients: gradients were recorded.
        labels: the labels that loss and right answers were computed with, int64 (N,); None where
            they are unknown.
        scored: `loss` (nats) and `correct`, both summed over the images, are known.
        may_train: gradients and modes are those of a training pass.
        in_train_mode: a batch norm was in training mode as it was called.
    """

    images: int
    batch: Batch | None
    place: SourceLine | None
    after_steps: int
    first_of_batch: bool
    input: torch.Tensor | None
    backward: bool
    moved: bool
    dropouts: int
    gradients: bool
    scored: bool
    labels: torch.Tensor | None
    loss: float
    correct: float

    @property
    def may_train(self) -> bool: ...

    @property
    def in_train_mode(self) -> bool: ...
