"""Probes the GPUs that a worker was lent, with no student's code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from grader.worker.session import Answer, Session

_SIDE = 256
_CLOSE = 1e-2   # of the largest value: a GPU may round as TF32 does


def examine_gpus(session: Session, args: Mapping[str, Any], blobs: tuple[bytes, ...]) -> Answer:
    """Compute on every GPU that this process sees, and compare with the CPU.

    Args:
        session: the session; its submission is empty.
        args: none.
        blobs: none.

    Returns:
        `gpus`, and for each its `name`, `memory_mib` and whether its results are `correct`.
    """
    images, weights = torch.randn(4, 3, 32, 32), torch.randn(8, 3, 3, 3)
    square = torch.randn(_SIDE, _SIDE)
    expected = _computed(square, images, weights)
    found = []
    for number in range(torch.cuda.device_count()):
        device = torch.device("cuda", number)
        results = _computed(square.to(device), images.to(device), weights.to(device))
        right = all(_close(result.cpu(), wanted)
                    for result, wanted in zip(results, expected, strict=True))
        about = torch.cuda.get_device_properties(number)
        found.append(
            {"name": about.name, "memory_mib": about.total_memory // 2**20, "correct": right}
        )
    return {"gpus": found}, ()


def _computed(square: Tensor, images: Tensor, weights: Tensor) -> tuple[Tensor, ...]:
    """Multiply, convolve and take a gradient: what a training needs of a GPU and its libraries."""
    weights = weights.clone().requires_grad_()
    convolved = torch.nn.functional.conv2d(images, weights)
    (gradient,) = torch.autograd.grad(convolved.square().mean(), weights)
    return square @ square, convolved.detach(), gradient


def _close(result: Tensor, wanted: Tensor) -> bool:
    return bool((result - wanted).abs().max() <= _CLOSE * wanted.abs().max())
