"""Networks that feed each other, as an extractor feeds a classifier: together they are one network.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import torch
from torch import nn

from grader.worker.observer.networks import Run, Watched

LONGEST = 8


class Chain(nn.Module):
    """One network after another; what the next one expects flat is laid flat."""

    def __init__(self, parts: Sequence[nn.Module], dimensions: Sequence[int]) -> None:
        super().__init__()
        self.parts = nn.ModuleList(parts)
        self._dimensions = tuple(dimensions)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        for part, dimensions in zip(self.parts, self._dimensions, strict=True):
            images = images.flatten(1) if dimensions == 2 else images
            images = part(images)
        return images


def with_chains(networks: Sequence[Watched]) -> list[Watched]:
    """The same networks, those that feed each other put together in place of the last of them."""
    # What is fed and gives no score per image is a loss with parameters of its own.
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
            found.append(_together(parts))
        elif one not in feeding:
            found.append(one)
    return found


def _together(parts: Sequence[Watched]) -> Watched:
    """The first part has the images, the last one the class scores, and each part its modes."""
    first, last = parts[0], parts[-1]
    network = Watched(
        Chain([one.module for one in parts], [one.input_dimensions for one in parts]),
        frozenset().union(*(one.parameters for one in parts)),
        last.before_backward,
        last.classes,
    )
    network.runs = [_with_modes_of(run, parts[:-1], at) for at, run in enumerate(last.runs)]
    network.steps = max(one.steps for one in parts)
    network.images, network.samples = last.images, first.samples
    network.backward_passes = last.backward_passes
    network.training_loader = last.training_loader or first.training_loader
    return network


def _with_modes_of(run: Run, others: Sequence[Watched], at: int) -> Run:
    """A run of the last part, with what the same run of the others was seen to do."""
    rows = [one.runs[at] for one in others if at < len(one.runs)]
    rows = [row for row in rows if (row.kind, row.passes) == (run.kind, run.passes)]
    every = [run, *rows]
    # A part without batch norm or dropout says nothing about modes but what its flag is.
    return dataclasses.replace(
        run,
        norms_training=max(row.norms_training for row in every),
        norms_evaluating=max(row.norms_evaluating for row in every),
        dropouts_training=max(row.dropouts_training for row in every),
        statistics_moved=any(row.statistics_moved for row in every),
    )
