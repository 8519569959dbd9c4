"""Sizes of parameters, also of those of lazy layers, which have none before their first pass."""

from __future__ import annotations

import torch
from torch.nn.parameter import is_lazy

LAZY = (
    "a parameter of a lazy layer has no size before the network's first pass: give the layer its "
    "size, or pass a batch through the network before it is used"
)


def elements(parameter: torch.Tensor) -> int:
    """The number of elements; 0 before a lazy layer's first pass."""
    return 0 if is_lazy(parameter) else parameter.numel()


def shape(parameter: torch.Tensor) -> tuple[int, ...] | None:
    """The shape; None before a lazy layer's first pass."""
    return None if is_lazy(parameter) else tuple(parameter.shape)
