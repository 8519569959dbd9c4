"""Keeps the weights with which a network's training begins.

A network that has learnt nothing yet guesses. A network that begins with weights from elsewhere
does not, and neither does one that looks its answers up. `events.beginning` has what a network says
of its first images.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from grader.worker.observer.checkpoints import bare

_LARGEST = 50_000_000   # numbers in the weights that are kept
_SAMPLE = 4096    # numbers of a tensor that are compared
_TINY = 32        # numbers of a tensor whose correlation says little
ALIKE = 0.3       # correlation; tensors that were initialized apart have about 0
Weights = Mapping[str, torch.Tensor]


@dataclass
class Beginning:
    """The beginning of a network's training.

    Attributes:
        kept: parameters and buffers before the first step, by name; None before a backward pass,
            and for a very large network.
        begun: a backward pass was seen.
        earlier: the beginning of a training in this session whose weights the network goes on
            with, in most of its tensors.
        whole: it goes on with them in all of its tensors.
    """

    kept: Weights | None = None
    begun: bool = False
    earlier: Beginning | None = None
    whole: bool = False

    @property
    def weights(self) -> Weights | None:
        """The weights with which the training began, or the one that it goes on with as a whole."""
        return self.earlier.weights if self.whole and self.earlier is not None else self.kept

    def begin(self, network: nn.Module, others: Iterable[tuple[nn.Module, Beginning]]) -> None:
        """Note that a network is about to be trained.

        Args:
            network: the network.
            others: the networks that were trained in this session, and how that began.
        """
        self.begun = True
        own = weights_of(network)
        for other, beginning in others:
            found = likenesses(own, weights_of(other))
            if likeness(found) >= ALIKE:
                self.earlier = self.earlier or beginning
                if all(one >= ALIKE for size, one in found if size >= _TINY):
                    self.earlier, self.whole = beginning, True
                    return
        if sum(one.numel() for one in own.values()) <= _LARGEST:
            self.kept = {name: one.clone() for name, one in own.items()}


def weights_of(network: nn.Module) -> dict[str, torch.Tensor]:
    """Parameters and buffers of a network by name, without copying them."""
    named = (*network.named_parameters(), *network.named_buffers())
    return {name: one.detach() for name, one in named if not is_lazy(one)}


def likenesses(one: Weights, other: Weights) -> list[tuple[int, float]]:
    """The size of each matrix or kernel of a network, and its correlation with another network's.

    A correlation is from -1 to 1, and 0 where the other network has no such tensor. Networks that
    were initialized apart have about 0, whatever they have learnt; states of one training have far
    more.
    """
    named = {bare(name): value for name, value in other.items()}
    found = []
    for name, mine in one.items():
        its = named.get(bare(name))
        if mine.dim() > 1:
            alike = 0.0
            if its is not None and its.shape == mine.shape:
                alike = _correlation(mine, its)
            found.append((mine.numel(), alike))
    return found


def likeness(found: Sequence[tuple[int, float]]) -> float:
    """The mean of correlations by size; 0 if there are none."""
    size = sum(numel for numel, _ in found)
    return sum(numel * one for numel, one in found) / size if size else 0.0


def movement(before: Weights, after: Weights) -> float | None:
    """How far weights moved, as a share of their length, in the tensor that moved most.

    Only matrices and kernels count, if there are any: a bias that begins at zero moves without
    bounds. None if the two have no weights in common, or if these diverged.
    """
    named = {bare(name): value for name, value in after.items()}
    pairs = [
        (value, named[bare(name)])
        for name, value in before.items()
        if bare(name) in named and named[bare(name)].shape == value.shape
        and value.is_floating_point()
    ]
    pairs = [pair for pair in pairs if pair[0].dim() > 1] or pairs
    shares = []
    for old, new in pairs:
        first, last = _sampled(old), _sampled(new)
        least = 0.01 * len(first) ** 0.5   # weights that begin at zero
        shares.append(float((last - first).norm()) / max(float(first.norm()), least))
    found = max(shares, default=math.nan)
    return found if math.isfinite(found) else None


def _sampled(values: torch.Tensor) -> torch.Tensor:
    flat = values.reshape(-1)
    return flat[:: max(1, len(flat) // _SAMPLE)].double().cpu()


def _correlation(one: torch.Tensor, other: torch.Tensor) -> float:
    one, other = _sampled(one), _sampled(other)
    if torch.equal(one, other):
        return 1.0
    one, other = one - one.mean(), other - other.mean()
    scale = float(one.norm() * other.norm())
    return float(one @ other) / scale if scale > 0 else 0.0
