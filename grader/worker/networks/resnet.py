"""Builds residual networks from the specs that the host sends.

A network consists of torchvision's blocks under torchvision's names. Every network has `conv1`,
`bn1`, `layer1` to `layer4` and `fc` where ResNet-18 has them, whatever its spec says.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from torch.nn.utils.parametrize import is_parametrized
from torchvision.models.resnet import BasicBlock, Bottleneck

from grader.worker.networks.sizes import shape
from grader.worker.networks.variants import EXTRAS


def build(spec: Mapping[str, Any]) -> nn.Module:
    """Build the network of a spec, in training mode and initialised from the spec's seed.

    The network maps images (N, 3, H, W) to logits (N, num_classes).

    Keys of a spec, of which only `layers` is required:
        block: "basic" or "bottleneck".
        layers: the number of blocks in each of the four stages.
        width: channels of the first stage.
        num_classes: number of logits.
        stem: "large" (ResNet-18's), "small" (a 3x3 convolution) or "deep" (three of them).
        pre_activation: batch norm and ReLU come before each convolution.
        groups: groups of a bottleneck's 3x3 convolutions.
        hidden_layer: a second fully connected layer.
        conv_bias: convolutions have biases.
        dropout: probability of dropout before the last layer.
        extras: names in `variants.EXTRAS`.
        seed: seeds the initialisation; the process's own random numbers are left alone.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(spec.get("seed", 0)))
        network = ResNet(spec)
        if spec.get("conv_bias"):
            _give_convolutions_biases(network)
        for extra in spec.get("extras", ()):
            EXTRAS[extra](network)
    return network


class ResNet(nn.Module):
    """torchvision's ResNet with more options; its layers have the same names and order."""

    layer1: nn.Module
    layer2: nn.Module
    layer3: nn.Module
    layer4: nn.Module

    def __init__(self, spec: Mapping[str, Any]) -> None:
        super().__init__()
        width, pre_activation = int(spec.get("width", 64)), bool(spec.get("pre_activation"))
        block = _BLOCKS[spec.get("block", "basic"), pre_activation]
        large = spec.get("stem", "large") == "large"
        self.conv1 = nn.Conv2d(
            3, width, 7 if large else 3, stride=2 if large else 1, padding=3 if large else 1,
            bias=False,
        )
        self.bn1 = nn.BatchNorm2d(width)
        if spec.get("stem") == "deep":
            self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
            self.bn2 = nn.BatchNorm2d(width)
            self.conv3 = nn.Conv2d(width, width, 3, padding=1, bias=False)
            self.bn3 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        small = spec.get("stem") == "small"
        self.maxpool = nn.Identity() if small else nn.MaxPool2d(3, stride=2, padding=1)
        channels, groups = width, int(spec.get("groups", 1))
        for stage, depth in enumerate(spec["layers"]):
            planes = width * 2**stage
            blocks: list[nn.Module] = []
            for index in range(int(depth)):
                stride = 2 if stage > 0 and index == 0 else 1
                downsample = None
                if stride != 1 or channels != planes * block.expansion:
                    downsample = nn.Sequential(
                        nn.Conv2d(channels, planes * block.expansion, 1, stride, bias=False),
                        nn.BatchNorm2d(planes * block.expansion),
                    )
                blocks.append(block(channels, planes, stride, downsample, groups))
                channels = planes * block.expansion
            setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))
        if pre_activation:
            self.bn4 = nn.BatchNorm2d(channels)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        if spec.get("dropout"):
            self.dropout = nn.Dropout(float(spec["dropout"]))
        if spec.get("hidden_layer"):
            self.fc1 = nn.Linear(channels, channels)
        self.fc = nn.Linear(channels, int(spec.get("num_classes", 1000)))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        x = self.relu(self.bn1(self.conv1(images)))
        if hasattr(self, "conv3"):
            x = self.relu(self.bn2(self.conv2(x)))
            x = self.relu(self.bn3(self.conv3(x)))
        x = self.maxpool(x)
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = stage(x)
        if hasattr(self, "bn4"):
            x = self.relu(self.bn4(x))
        x = torch.flatten(self.avgpool(x), 1)
        if hasattr(self, "fc1"):
            x = self.relu(self.fc1(x))
        if hasattr(self, "dropout"):
            x = self.dropout(x)
        logits: torch.Tensor = self.fc(x)
        return logits


class PreActivatedBasicBlock(BasicBlock):  # type: ignore[misc]  # torchvision has no types
    """A basic block with batch norm and ReLU before each convolution."""

    def __init__(self, inplanes: int, *args: Any) -> None:
        super().__init__(inplanes, *args)
        self.bn1 = nn.BatchNorm2d(inplanes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        identity = x if self.downsample is None else self.downsample(x)
        x = self.conv1(self.bn1(x).relu())
        out: torch.Tensor = self.conv2(self.bn2(x).relu()) + identity
        return out


class PreActivatedBottleneck(Bottleneck):  # type: ignore[misc]  # torchvision has no types
    """A bottleneck block with batch norm and ReLU before each convolution."""

    def __init__(self, inplanes: int, *args: Any) -> None:
        super().__init__(inplanes, *args)
        self.bn1 = nn.BatchNorm2d(inplanes)
        self.bn3 = nn.BatchNorm2d(self.conv3.in_channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        identity = x if self.downsample is None else self.downsample(x)
        x = self.conv1(self.bn1(x).relu())
        x = self.conv2(self.bn2(x).relu())
        out: torch.Tensor = self.conv3(self.bn3(x).relu()) + identity
        return out


_BLOCKS: Mapping[tuple[str, bool], type[BasicBlock] | type[Bottleneck]] = {
    ("basic", False): BasicBlock,
    ("basic", True): PreActivatedBasicBlock,
    ("bottleneck", False): Bottleneck,
    ("bottleneck", True): PreActivatedBottleneck,
}


def _give_convolutions_biases(network: nn.Module) -> None:
    for module in network.modules():
        if isinstance(module, nn.Conv2d) and module.bias is None:
            module.bias = nn.Parameter(torch.zeros(module.out_channels))


def describe(network: nn.Module) -> list[list[Any]]:
    """List a network's parameters: [name, own name, shape, tensor, trainable, classes] each.

    It says what the network is, and the host says what that means: nothing in this process may tell
    which group a parameter is in, or count a layer's.

    A parameter has a row for each module that owns it, in the order of `named_modules`, and all its
    rows have the same number `tensor`. The classes are those of torch.nn that the owner's class is
    or derives from, the nearest first. A parametrized tensor has the owner and own name that it has
    without the parametrization. Before a lazy layer's first pass, the shape is None.
    """
    rows: list[list[Any]] = []
    tensors: dict[int, int] = {}
    for prefix, module in network.named_modules():
        dot, classes = f"{prefix}." if prefix else "", _classes(module)
        own = [(f"{dot}{attribute}", attribute, parameter)
               for attribute, parameter in module.named_parameters(recurse=False)]
        for name, attribute, parameter in own + _originals(module, dot):
            tensor = tensors.setdefault(id(parameter), len(tensors))
            trainable = parameter.requires_grad
            rows.append([name, attribute, shape(parameter), tensor, trainable, classes])
    return rows


def _classes(module: nn.Module) -> list[str]:
    own = (cls for cls in type(module).__mro__ if str(cls.__module__).startswith("torch.nn."))
    return [f"{cls.__module__}.{cls.__qualname__}" for cls in own]


def _originals(module: nn.Module, dot: str) -> list[tuple[str, str, nn.Parameter]]:
    """The parameters behind a module's parametrized tensors: (full name, attribute, parameter)."""
    if not is_parametrized(module):
        return []
    chains: Any = module.parametrizations
    return [
        (f"{dot}parametrizations.{attribute}.{own}", attribute, parameter)
        for attribute, chain in chains.items()
        for own, parameter in chain.named_parameters(recurse=False)
    ]
