"""Tests that batch norms behave as eval mode demands, whatever their flags say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

ALONE = 2   # images that go through a layer a second time, out of a batch at least twice as large
# As a share of the largest output. The statistics of two images differ from those of eight by half
# of it and more; the rounding of bfloat16 is below a hundredth.
TOLERANCE = 0.05


def norms_ignoring_eval(network: nn.Module, images: torch.Tensor) -> list[str]:
    """The names of batch norms whose output for an image depends on its batch in eval mode.

    Only layers that claim to be in eval mode and have running statistics count. Each is tested by
    itself on its own input: a network whose output depends on the batch for another reason, such as
    a normalization of the student's own, is right about its flags. The network is left in eval
    mode. The list is empty where the network cannot be run.
    """
    network.eval()
    found: list[str] = []
    hooks = [
        module.register_forward_hook(_comparing(name, found))
        for name, module in network.named_modules()
        if isinstance(module, _BatchNorm) and module.running_mean is not None
    ]
    try:
        if hooks:
            with torch.no_grad():
                network(images)
    except Exception:
        return []   # the error shows again when the network predicts
    finally:
        for hook in hooks:
            hook.remove()
    return found


def _comparing(name: str, found: list[str]) -> Callable[[nn.Module, Any, Any], None]:
    def compare(module: nn.Module, inputs: Any, output: Any) -> None:
        if module.training or name in found or len(inputs[0]) < 2 * ALONE:
            return
        alone = module.forward(inputs[0][:ALONE]).float()
        together = output[:ALONE].float()
        difference = (alone - together).abs().max()
        if difference > TOLERANCE * together.abs().max():   # false for NaN
            found.append(name)

    return compare
