"""Problem 1 (c) and (e): count the parameters of each layer, and sort them into three groups.

Both functions walk over `model.named_modules()` and look at the type of the module that owns a
parameter. Its name is no guide: torchvision calls the batch norms of its shortcuts `downsample.1`.
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
    """A parameter and the module that owns it.

    Attributes:
        name: The module's name in `model.named_modules()`; "" for the model itself.
        layer: The module.
        attribute: The parameter's name in the module, such as "weight".
        parameter: The parameter, which is `layer.attribute` unless it is parametrized.
    """

    name: str
    layer: nn.Module
    attribute: str
    parameter: Parameter


def layer_parameter_counts(model: nn.Module) -> dict[str, int]:
    """Count the elements of each layer's trainable parameters.

    A layer is a module that owns parameters itself: a leaf, or an inner module that has parameters
    beside its children. A parameter that several layers share counts once, in the first of them, so
    the values add up to the model's total.

    Args:
        model: Any module.

    Returns:
        Number of elements by module name, in the order of `model.named_modules()`. Layers without
        trainable parameters are left out.

    Raises:
        ValueError: A lazy layer has not seen its first batch (torch's own error).
    """
    counts: dict[str, int] = {}
    for owned in owned_parameters(model):
        if owned.parameter.requires_grad:
            counts[owned.name] = counts.get(owned.name, 0) + owned.parameter.numel()
    return counts


def group_parameters(
    model: nn.Module,
) -> tuple[list[Parameter], list[Parameter], list[Parameter]]:
    """Sort the parameters into batch-norm affine parameters, biases, and the rest.

    1. Batch-norm affine parameters: weight and bias of BatchNorm1d, 2d, 3d and SyncBatchNorm. A
       batch norm with `affine=False` has none; running statistics are buffers, not parameters.
    2. Biases of convolutions (transposed ones too) and of linear layers.
    3. The rest: all other weights, parameters that a module of your own holds, and everything in
       GroupNorm, LayerNorm, InstanceNorm, embeddings, recurrent and attention layers. A linear
       layer inside an attention layer counts as a linear layer.

    A shared parameter goes where its first owner in the order of `model.modules()` puts it. A
    parametrized one (`torch.nn.utils.parametrize`) goes where it would be without the
    parametrization. A lazy layer counts as what it will become.

    Args:
        model: Any module; it need not be a ResNet.

    Returns:
        The three lists, in the order of `model.named_modules()`. Every parameter of the model,
        frozen or not, is in exactly one of them, once.
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
    """Yield every parameter of the model once, with the first module that owns it."""
    seen: set[Parameter] = set()  # parameters are hashed by identity
    for name, layer in model.named_modules():
        for attribute, parameter in _own(layer):
            if parameter not in seen:
                seen.add(parameter)
                yield Owned(name, layer, attribute, parameter)


def _own(layer: nn.Module) -> Iterator[tuple[str, Parameter]]:
    yield from layer.named_parameters(recurse=False)
    if is_parametrized(layer):  # a child holds the originals, but the walk meets the layer first
        for attribute, originals in layer.parametrizations.items():  # type: ignore[union-attr, operator]
            for parameter in originals.parameters(recurse=False):
                yield attribute, parameter
