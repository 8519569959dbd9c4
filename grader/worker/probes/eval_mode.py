"""Whether batch norms do in eval mode what eval mode means, whatever their flags say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

SHARE = 2          # images of a batch of at least twice as many that are put through a layer alone
# Of the largest output. A batch of two has other statistics than one of eight: they differ by half
# of it and more. The rounding of bfloat16 is below a hundredth.
TOLERANCE = 0.05


def deaf_norms(network: nn.Module, images: torch.Tensor) -> list[str]:
    """The batch norms that say they are in eval mode, have running statistics, and whose output
    for an image still depends on the batch that it is in.

    Asked layer by layer, on the layer's own input: a network whose output depends on the batch for
    another reason (a normalisation of the student's own, say) is right in what its flags say. The
    network is left in eval mode. [] where it cannot be told.
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
        return []   # what is wrong with it shows where it predicts
    finally:
        for hook in hooks:
            hook.remove()
    return found


def _comparing(name: str, found: list[str]) -> Callable[[nn.Module, Any, Any], None]:
    def compare(module: nn.Module, inputs: Any, output: Any) -> None:
        if module.training or name in found or len(inputs[0]) < 2 * SHARE:
            return
        alone = module.forward(inputs[0][:SHARE]).float()
        together = output[:SHARE].float()
        difference = (alone - together).abs().max()
        if difference > TOLERANCE * together.abs().max():   # of NaN neither is true
            found.append(name)

    return compare
