"""Sorts the parameters of a network by kind and by group, from the worker's description of it.

The description has names, shapes and classes. The kinds and groups are made of it here, on the
host: the student's code shares a process with the worker, and could ask for any that it knew.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from grader.checks.groups.assignment import Truth

Kind = Literal["batch_norm", "convolution", "linear", "other"]

_KINDS: dict[str, Kind] = {
    "torch.nn.modules.batchnorm._BatchNorm": "batch_norm",
    "torch.nn.modules.conv._ConvNd": "convolution",
    "torch.nn.modules.linear.Linear": "linear",
}
_AFFINE = ("weight", "bias")


@dataclass(frozen=True)
class Parameter:
    """A parameter of a described network.

    Attributes:
        name: The full name; the first one of a parameter that several modules own.
        own: The name within the module that owns it.
        elements: The number of elements; 0 before a lazy layer's first pass.
        kind: The kind of the module that owns it, by the module's class.
        trainable: It requires a gradient.
    """

    name: str
    own: str
    elements: int
    kind: Kind
    trainable: bool


def parameters_of(structure: Iterable[Sequence[Any]]) -> list[Parameter]:
    """The parameters of a network, each once, from the rows of the worker's `networks.describe`.

    The first module that owns a parameter decides on its kind.
    """
    found: dict[int, Parameter] = {}
    for name, own, shape, tensor, trainable, classes in structure:
        elements = 0 if shape is None else math.prod(shape)
        kind = _kind(own, classes)
        found.setdefault(tensor, Parameter(name, own, elements, kind, trainable))
    return [*found.values()]


def _kind(own: str, classes: Sequence[str]) -> Kind:
    kinds = [_KINDS[name] for name in classes if name in _KINDS]
    if not kinds or (kinds[0] == "batch_norm" and own not in _AFFINE):
        return "other"
    return kinds[0]


def truth_of(parameters: Iterable[Parameter]) -> Truth:
    """The right groups: the number of elements by name, in each of the three."""
    groups: Truth = ({}, {}, {})
    for one in parameters:
        bias = one.own == "bias" and one.kind in ("convolution", "linear")
        groups[0 if one.kind == "batch_norm" else 1 if bias else 2][one.name] = one.elements
    return groups
