"""Counts how often gradients of a network are computed without a pass that was seen."""

from __future__ import annotations

import functools
from typing import Any

import torch
from torch import nn


class GradientCalls:
    """The calls of autograd; `number` is that of the outermost one that runs or ran last."""

    def __init__(self) -> None:
        self.number = 0
        self._depth = 0

    def install(self) -> None:
        """Replace `torch.autograd.backward`, which `Tensor.backward` calls, and `autograd.grad`."""
        for name in ("backward", "grad"):
            setattr(torch.autograd, name, self._numbered(getattr(torch.autograd, name)))

    def _numbered(self, function: Any) -> Any:
        calls = self

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            calls.number += calls._depth == 0   # checkpointing calls it within a call
            calls._depth += 1
            try:
                return function(*args, **kwargs)
            finally:
                calls._depth -= 1

        return call


class Gradients:
    """The gradients of a network's first and last parameters.

    Attributes:
        unseen: calls that computed them, in which no pass of the network went backward.
    """

    def __init__(self, network: nn.Module, calls: GradientCalls) -> None:
        self._calls = calls
        self._seen = self._unseen = 0   # numbers of calls
        self.unseen = 0
        own = [one for one in network.parameters() if one.requires_grad]
        for parameter in {id(one): one for one in (*own[:1], *own[-1:])}.values():
            parameter.register_hook(self._computed)  # type: ignore[no-untyped-call]  # torch's

    def goes_backward(self) -> None:
        """Note that a pass of the network goes backward."""
        self._seen = self._calls.number

    def _computed(self, gradient: torch.Tensor) -> None:
        if self._calls.number not in (self._seen, self._unseen):
            self._unseen = self._calls.number
            self.unseen += 1
