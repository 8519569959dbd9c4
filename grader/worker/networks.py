"""Networks that the host describes in words: a spec in, a module out.

Built from torchvision's own blocks under torchvision's own names, so that a hidden network is one
of the family that the homework is about and differs only in depth, width, classes or biases.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torchvision.models.resnet import BasicBlock, Bottleneck


def build(spec: Mapping[str, Any]) -> nn.Module:
    """The network of a spec, initialised from its `seed`.

    Keys: block ("basic" | "bottleneck"), layers (4 depths), width (channels of the first stage),
    num_classes, conv_bias (bool), dropout (before the last layer), extras (list of names in
    `_EXTRAS`: what lies beyond the homework), seed.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(spec.get("seed", 0)))
        network: nn.Module = _resnet(spec)
        if spec.get("conv_bias"):
            _give_convolutions_biases(network)
        for extra in spec.get("extras", ()):
            _EXTRAS[extra](network)
    return network


class ResNet(nn.Module):
    """torchvision's ResNet for any width of the first stage; same names, same order."""

    layer1: nn.Module
    layer2: nn.Module
    layer3: nn.Module
    layer4: nn.Module

    def __init__(
        self,
        block: type[BasicBlock] | type[Bottleneck],
        layers: Sequence[int],
        width: int,
        num_classes: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        channels = width
        for stage, depth in enumerate(layers):
            planes = width * 2**stage
            blocks: list[nn.Module] = []
            for index in range(depth):
                stride = 2 if stage > 0 and index == 0 else 1
                downsample = None
                if stride != 1 or channels != planes * block.expansion:
                    downsample = nn.Sequential(
                        nn.Conv2d(channels, planes * block.expansion, 1, stride, bias=False),
                        nn.BatchNorm2d(planes * block.expansion),
                    )
                blocks.append(block(channels, planes, stride, downsample))
                channels = planes * block.expansion
            setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        if dropout:
            self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(channels, num_classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        x = self.maxpool(self.relu(self.bn1(self.conv1(images))))
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = stage(x)
        x = torch.flatten(self.avgpool(x), 1)
        if hasattr(self, "dropout"):
            x = self.dropout(x)
        logits: torch.Tensor = self.fc(x)
        return logits


def _resnet(spec: Mapping[str, Any]) -> ResNet:
    block = {"basic": BasicBlock, "bottleneck": Bottleneck}[spec.get("block", "basic")]
    return ResNet(
        block,
        [int(depth) for depth in spec["layers"]],
        int(spec.get("width", 64)),
        int(spec.get("num_classes", 1000)),
        float(spec.get("dropout", 0.0)),
    )


def _give_convolutions_biases(network: nn.Module) -> None:
    for module in network.modules():
        if isinstance(module, nn.Conv2d) and module.bias is None:
            module.bias = nn.Parameter(torch.zeros(module.out_channels))


def _group_norm(network: Any) -> None:
    network.bn1 = nn.GroupNorm(1, network.bn1.num_features)


def _batch_norm_1d(network: Any) -> None:
    features = network.fc.in_features
    network.fc = nn.Sequential(
        nn.Linear(features, features), nn.BatchNorm1d(features), network.fc
    )


def _frozen(network: Any) -> None:
    network.conv1.weight.requires_grad_(False)


def _shared(network: Any) -> None:
    network.layer1[-1].conv2.weight = network.layer1[-1].conv1.weight


_EXTRAS = {
    "group_norm": _group_norm,
    "batch_norm_1d": _batch_norm_1d,
    "frozen": _frozen,
    "shared": _shared,
}


def describe(network: nn.Module) -> list[list[Any]]:
    """[name, elements, kind of owner, own name, trainable] of each parameter, in walk order.

    The kind is "batch_norm", "conv_or_linear" or "other", by the owner's type. From this the host
    can tell which group each parameter of a student's own network belongs to.
    """
    rows: list[list[Any]] = []
    seen: set[int] = set()
    for prefix, module in network.named_modules():
        for own, parameter in module.named_parameters(recurse=False):
            if id(parameter) not in seen:
                seen.add(id(parameter))
                name = f"{prefix}.{own}" if prefix else own
                count = parameter.numel()
                rows.append([name, count, _kind(module), own, parameter.requires_grad])
    return rows


def _kind(module: nn.Module) -> str:
    if isinstance(module, nn.modules.batchnorm._BatchNorm):
        return "batch_norm"
    if isinstance(module, (nn.modules.conv._ConvNd, nn.Linear)):
        return "conv_or_linear"
    return "other"
