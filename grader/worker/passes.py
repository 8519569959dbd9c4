"""One forward pass as it was seen, and consecutive passes of the same kind put together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd

Labels = tuple[int, torch.Tensor]   # how many, and which


@dataclass
class Run:
    """Consecutive passes of one kind through one network."""

    kind: str
    after_steps: int
    passes: int = 0
    images: int = 0
    norms_training: int = 0
    norms_evaluating: int = 0
    dropouts_training: int = 0
    with_gradients: int = 0
    seen: int = 0
    correct: int = 0
    loss: float = 0.0
    lr: float | None = None
    statistics_moved: bool = False

    def add(self, one: Pass) -> None:
        """Count a pass in, now that what followed it is known."""
        self.passes += 1
        self.images += one.images
        self.norms_training += one.in_train_mode
        self.norms_evaluating += not one.in_train_mode
        self.dropouts_training += one.dropouts > 0
        self.with_gradients += one.gradients
        self.statistics_moved = self.statistics_moved or one.moved
        self._score(one.output, one.targets)

    def _score(self, output: torch.Tensor | None, targets: torch.Tensor | None) -> None:
        if output is None or targets is None or output.dim() != 2 or len(output) != len(targets):
            return
        targets = targets.to(output.device)
        if int(targets.max()) >= output.shape[1] or int(targets.min()) < 0:
            return
        self.seen += len(targets)
        self.loss += float(F.cross_entropy(output.float(), targets, reduction="sum"))
        self.correct += int((output.argmax(1) == targets).sum())


class Pass:
    """A forward pass of a whole network, until it can be told apart: a backward pass may follow."""

    def __init__(self, network: nn.Module, inputs: Any, latest: Labels | None) -> None:
        norms = [inner for inner in network.modules() if isinstance(inner, _BatchNorm)]
        drops = [inner for inner in network.modules() if isinstance(inner, _DropoutNd)]
        self.network = network
        self.images = int(inputs[0].shape[0]) if inputs and _is_batch(inputs[0]) else 0
        self.targets = latest[1] if latest is not None and latest[0] == self.images else None
        self.dropouts = sum(inner.training for inner in drops)
        self.gradients = torch.is_grad_enabled()
        self.moved = self.backward = False
        self.steps = 0
        self.output: torch.Tensor | None = None
        self._before = any(inner.training for inner in norms or drops or [network])
        self._at_work: list[bool] = []
        # What cannot be a training pass must leave the running statistics alone, bit for bit.
        watched = not (self.gradients and self._before)
        self._statistics = _statistics(norms) if watched else None

    @property
    def kind(self) -> str:
        return "train" if self.backward or self.steps else "evaluate"

    @property
    def in_train_mode(self) -> bool:
        """Of batch norms what they were as they were called: forward() may have switched them."""
        return any(self._at_work) if self._at_work else self._before

    def calls(self, module: nn.Module) -> None:
        """A layer inside the network is about to run."""
        if isinstance(module, _BatchNorm):
            self._at_work.append(module.training)

    def ends(self, output: Any) -> None:
        """The network has put out this."""
        if self._statistics is not None:
            now = _statistics(m for m in self.network.modules() if isinstance(m, _BatchNorm))
            pairs = zip(self._statistics, now, strict=True)
            self.moved = not all(torch.equal(_bits(old), _bits(new)) for old, new in pairs)
        if isinstance(output, (tuple, list)) and output:
            output = output[0]
        if not isinstance(output, torch.Tensor):
            return
        self.output = output.detach()
        if not self.images and output.dim():
            self.images = len(output)   # of a network that is called as model(x=images)
        if output.requires_grad:
            output.register_hook(self._goes_backward)  # type: ignore[no-untyped-call]  # torch's

    def _goes_backward(self, gradient: torch.Tensor) -> None:
        self.backward = True


def _is_batch(value: Any) -> bool:
    return isinstance(value, torch.Tensor) and value.dim() > 0


def _statistics(norms: Iterable[nn.Module]) -> list[torch.Tensor]:
    return [buffer.clone() for module in norms for buffer in module.buffers(recurse=False)]


def _bits(values: torch.Tensor) -> torch.Tensor:
    """For comparing bit by bit: after a training that diverged, NaN is not equal to itself."""
    return values.reshape(-1).view(torch.uint8)
