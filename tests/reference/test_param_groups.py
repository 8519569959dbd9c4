from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
import torch
from torch import Tensor, nn
from torch.nn import Parameter
from torch.nn.utils import parametrizations, parametrize
from torchvision.models import resnet18, resnet50

from reference.param_groups import group_parameters, layer_parameter_counts
from reference.resnet import ResNet18


def elements(group: list[Parameter]) -> int:
    return sum(parameter.numel() for parameter in group)


def same(found: Sequence[Tensor], expected: Sequence[Tensor | None]) -> bool:
    """Compare identity and order; parameters with equal values are not enough."""
    return [id(parameter) for parameter in found] == [id(parameter) for parameter in expected]


class WithOwnParameter(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(3))
        self.inner = nn.Linear(3, 3)


class Doubled(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return 2 * x


class Stretched(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.ones(()))

    def forward(self, x: Tensor) -> Tensor:
        return self.factor * x


@pytest.fixture(scope="module")
def torchvisions() -> nn.Module:
    model: nn.Module = resnet18(weights=None)
    return model


def test_resnet18_has_9600_and_1000_and_11678912_elements(torchvisions: nn.Module) -> None:
    groups = group_parameters(torchvisions)
    assert [elements(group) for group in groups] == [9_600, 1_000, 11_678_912]
    assert [len(group) for group in groups] == [40, 1, 21]


def test_the_layers_of_resnet18_add_up_to_11689512(torchvisions: nn.Module) -> None:
    counts = layer_parameter_counts(torchvisions)
    assert sum(counts.values()) == 11_689_512
    assert len(counts) == 41
    assert counts["conv1"] == 9_408
    assert counts["layer2.0.downsample.1"] == 256
    assert counts["fc"] == 513_000
    assert "relu" not in counts and "layer1" not in counts and "" not in counts


@pytest.mark.parametrize(
    "build",
    [
        lambda: resnet50(weights=None, num_classes=7),
        lambda: ResNet18(width=8),
        lambda: nn.TransformerEncoderLayer(16, 2),
        lambda: nn.LSTM(3, 4),
        lambda: parametrizations.weight_norm(nn.Conv2d(3, 4, 3)),
    ],
)
def test_every_parameter_is_in_one_group_and_there_once(build: Callable[[], nn.Module]) -> None:
    model = build()
    grouped = [id(parameter) for group in group_parameters(model) for parameter in group]
    assert len(grouped) == len(set(grouped))
    assert set(grouped) == {id(parameter) for parameter in model.parameters()}
    assert sum(layer_parameter_counts(model).values()) == elements(list(model.parameters()))


@pytest.mark.parametrize(
    "norm",
    [nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm],
)
def test_every_kind_of_batch_norm_is_batch_norm(norm: Callable[[int], nn.Module]) -> None:
    layer = norm(4)
    assert same(group_parameters(layer)[0], [*layer.parameters()])


def test_a_batch_norm_without_affine_part_has_no_parameters() -> None:
    assert group_parameters(nn.BatchNorm2d(4, affine=False)) == ([], [], [])
    assert layer_parameter_counts(nn.BatchNorm2d(4, affine=False)) == {}


@pytest.mark.parametrize(
    "norm", [nn.GroupNorm(2, 4), nn.LayerNorm(4), nn.InstanceNorm2d(4, affine=True)]
)
def test_other_norms_belong_to_the_rest(norm: nn.Module) -> None:
    batch_norm, biases, rest = group_parameters(norm)
    assert not batch_norm and not biases and len(rest) == 2


@pytest.mark.parametrize(
    "layer",
    [
        nn.Linear(3, 4),
        nn.Conv1d(3, 4, 3),
        nn.Conv2d(3, 4, 3),
        nn.Conv3d(3, 4, 3),
        nn.ConvTranspose1d(3, 4, 3),
        nn.ConvTranspose2d(3, 4, 3),
        nn.ConvTranspose3d(3, 4, 3),
    ],
)
def test_biases_are_those_of_convolutions_and_linear_layers(
    layer: nn.Linear | nn.Conv2d,
) -> None:
    batch_norm, biases, rest = group_parameters(layer)
    assert batch_norm == [] and same(biases, [layer.bias]) and same(rest, [layer.weight])


def test_a_parameter_of_a_module_of_ones_own_belongs_to_the_rest() -> None:
    model = WithOwnParameter()
    _, biases, rest = group_parameters(model)
    assert same(biases, [model.inner.bias]) and same(rest, [model.bias, model.inner.weight])
    assert layer_parameter_counts(model) == {"": 3, "inner": 12}


def test_a_shared_parameter_comes_once_in_the_group_of_its_first_owner() -> None:
    norm, linear = nn.BatchNorm1d(4), nn.Linear(4, 4)
    linear.bias = norm.bias
    assert same(group_parameters(nn.Sequential(norm, linear))[0], [norm.weight, norm.bias])
    batch_norm, biases, _ = group_parameters(nn.Sequential(linear, norm))
    assert same(batch_norm, [norm.weight]) and same(biases, [norm.bias])
    assert layer_parameter_counts(nn.Sequential(norm, linear)) == {"0": 8, "1": 16}


def test_a_shared_module_comes_once() -> None:
    layer = nn.Linear(2, 2)
    assert [len(group) for group in group_parameters(nn.Sequential(layer, layer))] == [0, 1, 1]
    assert layer_parameter_counts(nn.Sequential(layer, layer)) == {"0": 6}


def test_frozen_parameters_are_grouped_but_not_counted() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))
    model[0].weight.requires_grad_(False)
    model[1].requires_grad_(False)
    assert [len(group) for group in group_parameters(model)] == [2, 1, 1]
    assert layer_parameter_counts(model) == {"0": 4}


def test_parametrized_parameters_stay_in_their_group() -> None:
    norm, linear = nn.BatchNorm1d(4), nn.Linear(4, 4)
    parametrize.register_parametrization(norm, "weight", Doubled())
    parametrize.register_parametrization(linear, "bias", Stretched())
    assert [len(group) for group in group_parameters(nn.Sequential(norm, linear))] == [2, 1, 2]
    assert layer_parameter_counts(nn.Sequential(norm, linear)) == {
        "0": 8,
        "1": 20,
        "1.parametrizations.bias.0": 1,
    }


@pytest.mark.filterwarnings("ignore:Lazy modules are a new feature")
def test_lazy_layers_are_grouped_as_what_they_become() -> None:
    model = nn.Sequential(nn.LazyConv2d(4, 3), nn.LazyBatchNorm2d(), nn.LazyConvTranspose2d(2, 3))
    before = group_parameters(model)
    with pytest.raises(ValueError, match="uninitialized"):
        layer_parameter_counts(model)
    model(torch.zeros(2, 3, 8, 8))
    after = group_parameters(model)
    assert [len(group) for group in before] == [2, 2, 2]
    for old, new in zip(before, after, strict=True):
        assert same(old, new)


def test_names_do_not_matter() -> None:
    model = nn.ModuleDict({"bn": nn.Linear(2, 2), "bias": nn.BatchNorm1d(2)})
    batch_norm, biases, _ = group_parameters(model)
    assert same(batch_norm, [*model["bias"].parameters()]) and len(biases) == 1
