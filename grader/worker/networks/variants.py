"""Features that the homework does not mention, put into a residual network; they only give hints.

Each feature changes another place of the network, so that any of them can be combined, and the
network still runs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

Extra = Callable[[Any], None]   # changes a `ResNet` of resnet.py in place


class OnSequence(nn.Module):
    """Runs a one-dimensional layer on a feature map, (N, C, H, W), flattened to (N, C, H * W)."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.layer(x.flatten(2))
        return y.reshape(x.shape)


class Scaled(nn.Module):
    """Scales and shifts each channel by a weight and a bias that the module itself holds."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(channels, 1, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.weight + self.bias


def _batch_norm_1d(network: Any) -> None:
    network.layer1.append(OnSequence(nn.BatchNorm1d(_channels(network.layer1))))


def _frozen(network: Any) -> None:
    network.conv1.requires_grad_(False)
    network.layer4[0].bn1.requires_grad_(False)
    network.fc.bias.requires_grad_(False)


def _group_norm(network: Any) -> None:
    network.bn1 = nn.GroupNorm(2, network.bn1.num_features)


def _norms_without_affine(network: Any) -> None:
    block = network.layer3[0]
    block.bn1 = nn.BatchNorm2d(block.bn1.num_features, affine=False)
    block.bn2 = nn.GroupNorm(2, block.bn2.num_features, affine=False)


def _own_parameters(network: Any) -> None:
    network.layer2.append(Scaled(_channels(network.layer2)))


def _shared_parameters(network: Any) -> None:
    network.layer1[0].conv2.weight = network.layer1[0].conv1.weight


def _channels(blocks: Any) -> int:
    channels: int = blocks[0].conv2.out_channels   # of a basic block
    return channels


EXTRAS: dict[str, Extra] = {
    "batch_norm_1d": _batch_norm_1d,
    "frozen": _frozen,
    "group_norm": _group_norm,
    "norms_without_affine": _norms_without_affine,
    "own_parameters": _own_parameters,
    "shared_parameters": _shared_parameters,
}
