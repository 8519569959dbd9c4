"""Joins networks that feed each other, such as an extractor and a classifier, into one network."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from grader.worker.events.phases import joined
from grader.worker.observer.beginning import Beginning
from grader.worker.observer.networks import ObservedNetwork

LONGEST = 8


class CompositeNetwork(nn.Module):
    """Runs networks one after another, and flattens the input of a part that expects it flat."""

    def __init__(self, parts: Sequence[nn.Module], dimensions: Sequence[int]) -> None:
        super().__init__()
        self.parts = nn.ModuleList(parts)
        self._dimensions = tuple(dimensions)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        for part, dimensions in zip(self.parts, self._dimensions, strict=True):
            images = images.flatten(1) if dimensions == 2 else images
            images = part(images)
        return images


def join_composites(networks: Sequence[ObservedNetwork]) -> list[ObservedNetwork]:
    """The networks, with those that feed each other joined in place of the last of them."""
    # A module that is fed and gives no score per image is a loss with parameters of its own.
    losses = [one for one in networks if one.fed_by is not None and not one.gives_scores]
    networks = [one for one in networks if one not in losses]
    feeding = [one.fed_by for one in networks if one.fed_by is not None]
    found = []
    for one in networks:
        parts = [one]
        while parts[0].fed_by is not None and len(parts) < LONGEST:
            if parts[0].fed_by in parts or parts[0].fed_by not in networks:
                break
            parts.insert(0, parts[0].fed_by)
        if len(parts) > 1:
            found.append(_joined(parts))
        elif one not in feeding:
            found.append(one)
    return found


def _joined(parts: Sequence[ObservedNetwork]) -> ObservedNetwork:
    """Take the images from the first part, the class scores from the last, and modes from all."""
    first, last = parts[0], parts[-1]
    return ObservedNetwork(
        CompositeNetwork([one.module for one in parts], [one.input_dimensions for one in parts]),
        frozenset().union(*(one.parameters for one in parts)),
        last.before_backward,
        last.classes,
        joined([one.told for one in parts]),
        samples=first.samples,
        beginning=_beginning(parts),
        training_loader=last.training_loader or first.training_loader,
    )


def _beginning(parts: Sequence[ObservedNetwork]) -> Beginning:
    """The weights of all parts."""
    kept = [one.beginning.weights for one in parts]
    weights = {
        f"parts.{number}.{name}": value
        for number, one in enumerate(kept) if one is not None
        for name, value in one.items()
    }
    return Beginning(None if any(one is None for one in kept) else weights, begun=True)
