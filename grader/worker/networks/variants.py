"""What the homework does not speak of, put into a residual network: hints only.

Each extra has a place of its own in the network, so that any of them go together, and leaves it
one that can be run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn.utils import parametrizations, parametrize

Extra = Callable[[Any], None]   # takes a `networks.ResNet`: its layers have torchvision's names


class OnPositions(nn.Module):
    """Runs a layer on a feature map as a sequence, (N, positions, C), and adds what came out."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        sequence = x.flatten(2).transpose(1, 2)
        attends = isinstance(self.layer, nn.MultiheadAttention)
        out = self.layer(sequence, sequence, sequence) if attends else self.layer(sequence)
        y: torch.Tensor = out[0] if isinstance(out, tuple) else out
        return x + y.transpose(1, 2).reshape(x.shape)


class Reshaped(nn.Module):
    """Runs a layer that is made for another number of dimensions on a feature map."""

    def __init__(self, dimensions: int, layer: nn.Module) -> None:
        super().__init__()
        self.dimensions, self.layer = dimensions, layer

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.layer(x.flatten(2) if self.dimensions == 1 else x.unsqueeze(2))
        return y.reshape(x.shape)


class Embedded(nn.Module):
    """Adds an embedding of where in the feature map a value is, row by row."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.rows = nn.Embedding(8, channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        index = torch.arange(x.shape[2], device=x.device) % self.rows.num_embeddings
        places: torch.Tensor = self.rows(index)
        return x + places.T[None, :, :, None]


class Scaled(nn.Module):
    """Its weight and its bias hang on the module itself, and it is no layer of torch's."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(channels, 1, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.weight + self.bias


class Shifted(nn.Module):
    """Shifts by parameters that are held in a list or in a dictionary."""

    def __init__(self, held: nn.ParameterList | nn.ParameterDict) -> None:
        super().__init__()
        self.shifts = held

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for shift in self.shifts.parameters():
            x = x + shift
        return x


class Doubled(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 2 * x


def _after(stage: str, make: Callable[[int], nn.Module]) -> Extra:
    """A module more at the end of a stage; `make` takes the number of its channels."""

    def add(network: Any) -> None:
        blocks = getattr(network, stage)
        channels = blocks[0].conv2.out_channels   # of a basic block
        blocks.append(make(channels))

    return add


def _group_norm(network: Any) -> None:
    network.bn1 = nn.GroupNorm(2, network.bn1.num_features)


def _instance_norm(network: Any) -> None:
    block = network.layer1[0]
    block.bn2 = nn.InstanceNorm2d(block.bn2.num_features, affine=True)


def _norms_without_affine(network: Any) -> None:
    block = network.layer3[0]
    block.bn1 = nn.BatchNorm2d(block.bn1.num_features, affine=False)
    block.bn2 = nn.GroupNorm(2, block.bn2.num_features, affine=False)


def _sync_batch_norm(network: Any) -> None:
    block = network.layer2[0]
    block.bn1 = nn.SyncBatchNorm(block.bn1.num_features)


def _frozen(network: Any) -> None:
    network.conv1.requires_grad_(False)
    network.layer4[0].bn1.requires_grad_(False)
    network.fc.bias.requires_grad_(False)


def _shared_parameters(network: Any) -> None:
    network.layer1[0].conv2.weight = network.layer1[0].conv1.weight


def _shared_module(network: Any) -> None:
    network.layer1.append(network.layer1[0])


def _empty_containers(network: Any) -> None:
    network.heads = nn.ModuleDict({"none": nn.ModuleList(), "nothing": nn.Sequential()})
    network.scales = nn.ParameterList()


def _no_linear_bias(network: Any) -> None:
    features = network.fc.in_features
    network.fc = nn.Sequential(nn.Linear(features, features, bias=False), network.fc)


def _parametrized_bias(network: Any) -> None:
    last = network.fc[-1] if isinstance(network.fc, nn.Sequential) else network.fc
    parametrize.register_parametrization(last, "bias", Doubled())


def _weight_norm(network: Any) -> None:
    parametrizations.weight_norm(network.layer2[0].conv2)


def _lazy(channels: int) -> nn.Module:
    return nn.Sequential(nn.LazyConv2d(channels, 1), nn.LazyBatchNorm2d())


def _convolutions_1d_3d(channels: int) -> nn.Module:
    flat, deep = nn.Conv1d(channels, channels, 1), nn.Conv3d(channels, channels, 1)
    return nn.Sequential(Reshaped(1, flat), Reshaped(3, deep))


def _orthogonal(channels: int) -> nn.Module:
    return parametrizations.orthogonal(nn.Conv2d(channels, channels, 1))


def _recurrent(channels: int) -> nn.Module:
    return OnPositions(nn.LSTM(channels, channels, batch_first=True))


def _attention(channels: int) -> nn.Module:
    return OnPositions(nn.MultiheadAttention(channels, 2, batch_first=True))


def _parameters(channels: int) -> dict[str, nn.Parameter]:
    return {name: nn.Parameter(torch.zeros(channels, 1, 1)) for name in ("weight", "bias")}


EXTRAS: dict[str, Extra] = {
    "attention": _after("layer3", _attention),
    "batch_norm_1d": _after("layer1", lambda n: Reshaped(1, nn.BatchNorm1d(n))),
    "batch_norm_3d": _after("layer1", lambda n: Reshaped(3, nn.BatchNorm3d(n))),
    "convolutions_1d_3d": _after("layer1", _convolutions_1d_3d),
    "embedding": _after("layer2", Embedded),
    "empty_containers": _empty_containers,
    "frozen": _frozen,
    "group_norm": _group_norm,
    "instance_norm": _instance_norm,
    "layer_norm": _after("layer4", lambda n: OnPositions(nn.LayerNorm(n))),
    "lazy": _after("layer2", _lazy),
    "no_linear_bias": _no_linear_bias,
    "norms_without_affine": _norms_without_affine,
    "orthogonal": _after("layer1", _orthogonal),
    "own_parameters": _after("layer2", Scaled),
    "parameter_dict": _after("layer2", lambda n: Shifted(nn.ParameterDict(_parameters(n)))),
    "parameter_list": _after(
        "layer3", lambda n: Shifted(nn.ParameterList(_parameters(n).values()))
    ),
    "parametrized_bias": _parametrized_bias,
    "prelu": _after("layer3", nn.PReLU),
    "recurrent": _after("layer3", _recurrent),
    "shared_module": _shared_module,
    "shared_parameters": _shared_parameters,
    "sync_batch_norm": _sync_batch_norm,
    "transposed": _after("layer2", lambda n: nn.ConvTranspose2d(n, n, 3, padding=1)),
    "weight_norm": _weight_norm,
}
