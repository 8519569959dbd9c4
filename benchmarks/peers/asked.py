"""The tests that each peer runs on a submission: the three things of the code-only rubric.

Every test uses ResNet-18 and one small network, and raises AssertionError. (The grader asks about
seven networks.) This file imports nothing of the project, since peers get its text, in notebook
cells and in test files.
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
import torchvision
from torch import nn

Parameters = set[nn.Parameter]


def networks() -> list[nn.Module]:
    return [
        torchvision.models.resnet18(weights=None),
        nn.Sequential(
            nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(),
            nn.Sequential(nn.Conv2d(8, 16, 1, bias=False), nn.BatchNorm2d(16)),
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10),
        ),
    ]  # fmt: skip


def groups_of(network: nn.Module) -> tuple[Parameters, Parameters, Parameters]:
    groups: tuple[Parameters, Parameters, Parameters] = (set(), set(), set())
    for layer in network.modules():
        for name, parameter in layer.named_parameters(recurse=False):
            norm = isinstance(layer, nn.BatchNorm2d)
            groups[0 if norm else 1 if name == "bias" else 2].add(parameter)
    return groups


def check_layer_counts(layer_parameter_counts: Callable[[nn.Module], Any]) -> None:
    for network in networks():
        expected = {
            name: sum(parameter.numel() for parameter in layer.parameters())
            for name, layer in network.named_modules()
            if not list(layer.children()) and list(layer.parameters())
        }
        found = {name: n for name, n in layer_parameter_counts(network).items() if n}
        assert found == expected, found


def check_parameter_groups(group_parameters: Callable[[nn.Module], Iterable[Any]]) -> None:
    for network in networks():
        for found, expected in zip(group_parameters(network), groups_of(network), strict=True):
            assert len(found) == len(expected) and set(found) == expected, len(found)


def check_optimizer_groups(make_optimizer: Callable[[nn.Module], Any]) -> None:
    for network in networks():
        norms, biases, rest = groups_of(network)
        optimizer = make_optimizer(network)
        assert isinstance(optimizer, torch.optim.Optimizer), type(optimizer)
        decayed = [
            parameter
            for group in optimizer.param_groups if group["weight_decay"] > 0
            for parameter in group["params"]
        ]
        spared = [
            parameter
            for group in optimizer.param_groups if group["weight_decay"] == 0
            for parameter in group["params"]
        ]
        assert len(decayed) == len(rest) and set(decayed) == rest, len(decayed)
        assert len(spared) == len(norms | biases) and set(spared) == norms | biases, len(spared)
