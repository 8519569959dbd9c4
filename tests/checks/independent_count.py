"""Counts the groups of a network's parameters another way than the reference and the worker do.

The reference and the worker walk over modules and ask `isinstance`. This module walks over the
parameters' full names, takes each name apart, and looks up the exact class of the parameter's owner
in a table. The two ways share no line of code.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from torch import nn
from torch.nn.modules.linear import NonDynamicallyQuantizableLinear  # in multi-head attention
from torch.nn.utils.parametrize import type_before_parametrizations

# Exact class -> the group of each of its own parameters; those not listed are in group (iii).
_NORM = {"weight": 0, "bias": 0}
_BIAS = {"bias": 1}
GROUP_OF: dict[type, dict[str, int]] = {
    nn.BatchNorm1d: _NORM,
    nn.BatchNorm2d: _NORM,
    nn.BatchNorm3d: _NORM,
    nn.SyncBatchNorm: _NORM,
    nn.Conv1d: _BIAS,
    nn.Conv2d: _BIAS,
    nn.Conv3d: _BIAS,
    nn.ConvTranspose1d: _BIAS,
    nn.ConvTranspose2d: _BIAS,
    nn.ConvTranspose3d: _BIAS,
    nn.Linear: _BIAS,
    NonDynamicallyQuantizableLinear: _BIAS,
}
_PARAMETRIZED = re.compile(r"(.*?)\.?parametrizations\.(\w+)\.original\d*")


@dataclass(frozen=True)
class Counted:
    """The ids of the parameters of each group, and the trainable elements of each layer."""

    groups: tuple[frozenset[int], frozenset[int], frozenset[int]]
    layers: dict[str, int]


def count(network: nn.Module) -> Counted:
    """Count each parameter once; a shared one belongs to the first of its names."""
    groups: tuple[set[int], set[int], set[int]] = (set(), set(), set())
    layers: dict[str, int] = {}
    for name, parameter in network.named_parameters(remove_duplicate=False):
        if any(id(parameter) in group for group in groups):
            continue
        parametrized = _PARAMETRIZED.fullmatch(name)
        layer, _, attribute = name.rpartition(".")
        if parametrized:
            layer, attribute = parametrized[1], parametrized[2]
        kind = type_before_parametrizations(network.get_submodule(layer))
        groups[GROUP_OF.get(kind, {}).get(attribute, 2)].add(id(parameter))
        if parameter.requires_grad:
            layers[layer] = layers.get(layer, 0) + parameter.numel()
    return Counted((frozenset(groups[0]), frozenset(groups[1]), frozenset(groups[2])), layers)
