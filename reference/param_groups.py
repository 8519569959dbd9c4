"""Problem 1 (c) and (e): how many parameters each layer has, and which of them are of which kind.

Both walk over `model.modules()` and go by the type of the module that owns a parameter. Names lie:
the batch norms of torchvision's shortcuts are called `downsample.1`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from torch import nn
from torch.nn import Parameter
from torch.nn.modules.batchnorm import _BatchNorm  # BatchNorm1d, 2d, 3d, SyncBatchNorm, lazy ones
from torch.nn.modules.conv import _ConvNd  # Conv1d, 2d, 3d, transposed ones, lazy ones
from torch.nn.utils.parametrize import is_parametrized


class Owned(NamedTuple):
    """A parameter and where it hangs: `layer.attribute`, in the module called `name`."""

    name: str
    layer: nn.Module
    attribute: str
    parameter: Parameter


def layer_parameter_counts(model: nn.Module) -> dict[str, int]:
    """Elements of the trainable parameters of each layer, by module name, in walk order.

    A layer is a module that owns parameters itself: the leaves, and the rare inner module that has
    some beside its children. Layers without trainable parameters are left out. A parameter that
    several layers share counts once, in the first, so the values add up to the model's own total.
    Raises ValueError (torch's own) while a lazy layer has not seen its first batch.
    """
    counts: dict[str, int] = {}
    for owned in owned_parameters(model):
        if owned.parameter.requires_grad:
            counts[owned.name] = counts.get(owned.name, 0) + owned.parameter.numel()
    return counts


def group_parameters(
    model: nn.Module,
) -> tuple[list[Parameter], list[Parameter], list[Parameter]]:
    """(batch-norm affine parameters, biases, all the rest), each in walk order.

    - Batch-norm affine: weight and bias of BatchNorm1d, 2d, 3d and SyncBatchNorm. A batch norm with
      `affine=False` has none; running statistics are buffers, not parameters.
    - Biases: those of convolutions, transposed ones included, and of linear layers.
    - The rest: weights, parameters that hang directly on a module, and everything of GroupNorm,
      LayerNorm, InstanceNorm, embeddings, recurrent and attention layers (whose inner linear layers
      are linear layers like others).

    Every parameter is in exactly one list, once, whether it is frozen or not. One that is shared is
    where its first owner in the order of `model.modules()` puts it. One that is parametrized
    (`torch.nn.utils.parametrize`) is where it would be without. Lazy layers count as what they will
    become.
    """
    batch_norm: list[Parameter] = []
    biases: list[Parameter] = []
    rest: list[Parameter] = []
    for _, layer, attribute, parameter in owned_parameters(model):
        if isinstance(layer, _BatchNorm) and attribute in ("weight", "bias"):
            batch_norm.append(parameter)
        elif isinstance(layer, _ConvNd | nn.Linear) and attribute == "bias":
            biases.append(parameter)
        else:
            rest.append(parameter)
    return batch_norm, biases, rest


def owned_parameters(model: nn.Module) -> Iterator[Owned]:
    """Every parameter of the model once, with the first module that owns it."""
    seen: set[Parameter] = set()  # parameters hash by identity
    for name, layer in model.named_modules():
        for attribute, parameter in _own(layer):
            if parameter not in seen:
                seen.add(parameter)
                yield Owned(name, layer, attribute, parameter)


def _own(layer: nn.Module) -> Iterator[tuple[str, Parameter]]:
    yield from layer.named_parameters(recurse=False)
    if is_parametrized(layer):  # a child keeps the originals, but the walk meets the layer first
        for attribute, originals in layer.parametrizations.items():  # type: ignore[union-attr, operator]
            for parameter in originals.parameters(recurse=False):
                yield attribute, parameter
