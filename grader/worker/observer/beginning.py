"""Records how a network's training begins: its weights, and loss and accuracy on its first images.

A network that has learnt nothing yet guesses. A network that begins with weights from elsewhere
does not, and neither does one that looks its answers up.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from grader.worker.observer.checkpoints import bare

if TYPE_CHECKING:
    from grader.worker.observer.facts import PassFacts

WINDOW = 64       # images that a window has at least
LATEST = 512      # no window begins after as many images of training
_LARGEST = 50_000_000   # numbers in the weights that are kept
_SAMPLE = 4096    # numbers of a tensor that are compared
Weights = Mapping[str, torch.Tensor]


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
    classes: torch.Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.long))

    @property
    def most(self) -> int:
        """Images of the commonest class: so many are right if a network always says one class."""
        return int(self.classes.max()) if len(self.classes) else 0

    def count(self, labels: torch.Tensor) -> None:
        """Count the labels of images, int64 (N,)."""
        found = torch.bincount(labels.cpu())
        total = torch.zeros(max(len(found), len(self.classes)), dtype=torch.long)
        total[: len(found)] += found
        total[: len(self.classes)] += self.classes
        self.classes = total


@dataclass
class Beginning:
    """The beginning of a network's training.

    Attributes:
        windows: the first images. The first window has all of them that came before the first step,
            also of an evaluation; the others have images of the training.
        weights: parameters and buffers before the first step, by name; None before a backward pass,
            and for a very large network.
        begun: a backward pass was seen.
        closed: no pass is added, since they are those of another network.
    """

    windows: list[Window] = field(default_factory=list)
    weights: Weights | None = None
    begun: bool = False
    closed: bool = False

    def keep(self, network: nn.Module) -> None:
        """Keep the weights of a network that is about to be trained."""
        self.begun = True
        own = weights_of(network)
        if sum(one.numel() for one in own.values()) <= _LARGEST:
            self.weights = {name: one.clone() for name, one in own.items()}

    def of_continuation(self) -> Beginning:
        """The same beginning, for a network that goes on with the weights of this one."""
        return Beginning(self.windows, self.weights, begun=True, closed=True)

    def add(self, one: PassFacts, trained_on: int) -> None:
        """Add a pass, if it is one of the first.

        Args:
            one: a pass whose kind is known by now.
            trained_on: images that the network had been trained on before it.
        """
        if self.closed or one.labels is None or (one.after_steps and not one.backward):
            return
        last = self.windows[-1] if self.windows else None
        if last is None or (last.images >= WINDOW and one.after_steps):
            if trained_on >= LATEST:
                return
            last = Window(trained_on)
            self.windows.append(last)
        last.images += one.images
        last.correct += int(one.correct)
        last.loss += one.loss
        last.count(one.labels)


def weights_of(network: nn.Module) -> dict[str, torch.Tensor]:
    """Parameters and buffers of a network by name, without copying them."""
    named = (*network.named_parameters(), *network.named_buffers())
    return {name: one.detach() for name, one in named if not is_lazy(one)}


def likeness(one: Weights, other: Weights) -> float:
    """The correlation of two networks' weights, from -1 to 1; 0 for unlike networks.

    Networks that were initialized apart have about 0, whatever they have learnt. States of one
    training have far more. The correlations of the matrices and kernels are averaged by their size.
    """
    named = {bare(name): value for name, value in other.items()}
    size, total = 0, 0.0
    pairs = [(value, named.get(bare(name))) for name, value in one.items() if value.dim() > 1]
    for mine, its in pairs:
        size += mine.numel()
        if its is not None and its.shape == mine.shape:
            total += mine.numel() * _correlation(_sampled(mine), _sampled(its))
    return total / size if size else 0.0


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
    if torch.equal(one, other):
        return 1.0
    one, other = one - one.mean(), other - other.mean()
    scale = float(one.norm() * other.norm())
    return float(one @ other) / scale if scale > 0 else 0.0
