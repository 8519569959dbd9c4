"""Follows a few weights of a network from step to step, to see changes outside of seen steps."""

from __future__ import annotations

import random
from collections.abc import Mapping

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from grader.worker.observer.checkpoints import bare

TENSORS, VALUES = 6, 128   # so many tensors are followed, and so many values of each
ROUNDING = 1e-6            # of the weights; as where they are changed and changed back
INSIDE = 0.95              # of the values; an average of earlier states lies between them
# A copy, also one that was scaled or noised, is far nearer to the state that it was made of than
# that state is to its own beginning. Networks that were initialized apart are as far from both.
NEAR = 0.5
Part = tuple[str, int]     # a parameter's name, and the row from which values are taken


class WeightTrace:
    """The weights of a network, as its steps found and left them.

    Each step goes from `begins` to `ends`. A change between two steps is `strayed`, unless it leads
    back to a state that a step left, as with the best checkpoint, or in between such states, as
    with an average.

    Attributes:
        times: changes between steps.
        strayed: the length of these changes.
        walked: the length of the steps.
    """

    def __init__(self, network: nn.Module) -> None:
        self.times = 0
        self.strayed = self.walked = 0.0
        self._network = network
        self._parts = _chosen(network)
        self._latest: torch.Tensor | None = None   # the state that the latest step left
        self._found: torch.Tensor | None = None    # the state that the running step found
        self._first = self._low = self._high = self._way = self._astray = torch.zeros(0)
        self._states: set[int] = set()

    def begins(self) -> bool:
        """Note that a step of the network begins. True if the weights have strayed before it."""
        times = self.times
        self._found = now = self._now(self._network)
        if self._latest is None:
            self._first, self._low, self._high = now, now.clone(), now.clone()
            self._way, self._astray = torch.zeros_like(now), torch.zeros_like(now)
            self._states.add(_digest(now))
        else:
            self._astray += self._change(self._latest, now)
        return self.times > times

    def ends(self) -> None:
        """Note that the step has ended."""
        if self._found is None:
            return
        now = self._now(self._network)
        step = now - self._found
        self.walked += float(step.norm())
        self._way += step
        self._low, self._high = torch.minimum(self._low, now), torch.maximum(self._high, now)
        self._states.add(_digest(now))
        self._latest, self._found = now, None

    def astray(self, network: nn.Module) -> float:
        """The way between the steps, as a share of the way of the steps.

        Both the ways walked and the distances come to are compared; the larger share counts.

        Args:
            network: the state of the network that predicts.
        """
        if self._latest is None:
            return 0.0
        try:
            last = self._change(self._latest, self._now(network))
        except (KeyError, RuntimeError, IndexError):   # a network with other parameters
            last = torch.zeros_like(self._latest)
        away = float((self._astray + last).norm())
        shares = (
            _share(self.strayed, self.walked), _share(away, float(self._way.norm())),
        )  # fmt: skip
        return max(shares)

    def is_continued_by(self, network: nn.Module) -> bool:
        """True if another network has weights that were made of this one's, as its steps left them.

        Tensors are compared by their shape, since a copy may be a part of something else.
        """
        if self._latest is None:
            return False
        named = {bare(name): one for name, one in self._network.named_parameters()}
        at, moved, taken = 0, 0, 0
        for name, first in self._parts:
            wanted = named[name]
            size = len(_values(named, (name, first)))
            before = self._first[at : at + size]
            latest = self._latest[at : at + size]
            at += size
            way = _apart(before, latest)
            if way < ROUNDING:
                continue
            moved += 1
            others = (
                _values({name: one}, (name, first)).cpu()
                for one in network.parameters() if one.shape == wanted.shape
            )  # fmt: skip
            taken += any(_apart(other, latest) < NEAR * way for other in others)
        return moved > 0 and 2 * taken >= moved

    def _change(self, before: torch.Tensor, now: torch.Tensor) -> torch.Tensor:
        """The change from one state to the next, zero if it is one of the permitted ones."""
        change = now - before
        size = float(change.norm())
        nothing = torch.zeros_like(change)
        if size <= ROUNDING * float(before.norm()) or not torch.isfinite(change).all():
            return nothing
        if _digest(now) in self._states:
            return nothing
        inside = (now >= self._low) & (now <= self._high)
        if float(inside.double().mean()) >= INSIDE:
            return nothing
        self.times += 1
        self.strayed += size
        return change

    def _now(self, network: nn.Module) -> torch.Tensor:
        named = {bare(name): one for name, one in network.named_parameters()}
        return torch.cat([_values(named, part) for part in self._parts]).cpu()


def _chosen(network: nn.Module) -> list[Part]:
    """Parameters of a network from the first to the last layer, and a row of each at random."""
    own = [
        (bare(name), one) for name, one in network.named_parameters()
        if one.requires_grad and not is_lazy(one) and one.numel()
    ]  # fmt: skip
    own = [part for part in own if part[1].dim() > 1] or own
    count = min(TENSORS, len(own))
    own = [own[number * (len(own) - 1) // max(1, count - 1)] for number in range(count)]
    draw = random.SystemRandom()   # the script's own random numbers are left alone
    return [(name, _first_row(one, draw)) for name, one in own]


def _first_row(tensor: torch.Tensor, draw: random.Random) -> int:
    return draw.randrange(max(1, len(tensor) - _rows(tensor) + 1)) if tensor.dim() else 0


def _rows(tensor: torch.Tensor) -> int:
    return max(1, VALUES * len(tensor) // tensor.numel())


def _values(named: Mapping[str, torch.Tensor], part: Part) -> torch.Tensor:
    name, first = part
    tensor = named[name].detach()
    if tensor.dim():
        tensor = tensor[first : first + _rows(tensor)]
    return tensor.flatten()[:VALUES].float()


def _apart(one: torch.Tensor, other: torch.Tensor) -> float:
    """The distance of two directions: batch norms make a network blind to the lengths."""
    directions = [nn.functional.normalize(values, dim=0) for values in (one, other)]
    return float((directions[0] - directions[1]).norm())


def _digest(state: torch.Tensor) -> int:
    return hash(state.numpy().tobytes())


def _share(part: float, whole: float) -> float:
    return part / whole if whole else float(part > 0)
