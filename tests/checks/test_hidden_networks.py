"""The reference's answers on thousands of drawn networks equal an independent count of them.

The seeds count up from 0, so that every run of the tests draws the same networks. The networks are
built as they are drawn except for their width, which takes the time and changes no answer.
"""

from __future__ import annotations

import collections
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, parametrize

from grader.checks.groups.kinds import parameters_of, truth_of
from grader.checks.hidden_networks import (
    HINT_FEATURES,
    HINTS_PER_NETWORK,
    RESNET18,
    SCORED_FEATURES,
    features_in_words,
    hint_network,
    scored_networks,
)
from grader.worker.networks import resnet as networks
from grader.worker.networks.variants import EXTRAS
from reference.param_groups import group_parameters, layer_parameter_counts
from tests.checks.independent_count import count

RUNS = 700   # of three networks each
NARROW = {"width": 4}
LARGEST = 7_000_000


def drawn(seed: int) -> list[dict[str, Any]]:
    random = np.random.default_rng(seed)
    return [*scored_networks(random), hint_network(random)]


def features(spec: Mapping[str, Any]) -> set[tuple[str, Any]]:
    return {feature for feature in SCORED_FEATURES if spec.get(feature[0]) == feature[1]}


def check_counts(network: nn.Module, spec: object) -> None:
    """Hold the reference and the host's groups of a student's own network to the count."""
    expected = count(network)
    groups = group_parameters(network)
    assert [{id(one) for one in group} for group in groups] == [*expected.groups], spec
    assert sum(map(len, groups)) == sum(map(len, expected.groups)), spec
    assert layer_parameter_counts(network) == expected.layers, spec
    ids = {name: id(one) for name, one in network.named_parameters()}
    found = parameters_of(networks.describe(network))
    assert [{ids[name] for name in group} for group in truth_of(found)] == [*expected.groups], spec
    trainable = sum(one.elements for one in found if one.trainable)
    assert trainable == sum(expected.layers.values()), spec


@pytest.mark.parametrize("tenth", range(10))
def test_the_reference_counts_every_drawn_network_as_the_independent_count_does(
    tenth: int,
) -> None:
    for seed in range(tenth, RUNS, 10):
        for spec in drawn(seed):
            check_counts(networks.build(spec | NARROW), spec)


@pytest.mark.parametrize("extra", sorted(EXTRAS))
def test_every_hint_feature_is_counted_by_itself(extra: str) -> None:
    check_counts(networks.build({"layers": [1, 2, 1, 1], "extras": [extra]} | NARROW), extra)


def test_all_hint_features_go_together() -> None:
    spec = {"layers": [1, 1, 1, 1], "extras": sorted(EXTRAS)} | NARROW
    network = networks.build(spec)
    check_counts(network, spec)
    assert network(torch.zeros(2, 3, 32, 32)).shape == (2, 1000)


@pytest.mark.parametrize("seed", range(12))
def test_a_drawn_network_runs_in_either_mode_and_is_small(seed: int) -> None:
    images = torch.randn(2, 3, 32, 32)
    for spec in drawn(seed):
        network = networks.build(spec)
        assert sum(parameter.numel() for parameter in network.parameters()) < LARGEST
        for mode in (True, False):
            logits = network.train(mode)(images)
            assert logits.shape == (2, spec["num_classes"])
            assert torch.isfinite(logits).all()


def test_the_widest_and_deepest_scored_network_is_small() -> None:
    specs = [spec for seed in range(2000) for spec in scored_networks(np.random.default_rng(seed))]
    for block in ("basic", "bottleneck"):
        largest = max(
            (spec for spec in specs if spec["block"] == block),
            key=lambda spec: (spec["width"], spec["layers"][3], spec["hidden_layer"]),
        )
        with torch.device("meta"):
            network = networks.build(largest | {"stem": "deep", "num_classes": 199})
        assert sum(parameter.numel() for parameter in network.parameters()) < LARGEST


def test_a_seed_draws_the_same_networks_and_another_seed_others() -> None:
    assert drawn(3) == drawn(3)
    once, again = (networks.build(drawn(3)[0]).state_dict() for _ in range(2))
    assert all(torch.equal(once[name], again[name]) for name in once)
    differing = {str(drawn(seed)) for seed in range(200)}
    assert len(differing) == 200


def test_drawing_leaves_the_random_numbers_of_others_alone() -> None:
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    networks.build(drawn(0)[2])
    assert torch.equal(torch.rand(3), expected)


def test_a_scored_network_has_no_hint_feature() -> None:
    allowed = {
        "block", "layers", "width", "num_classes", "stem", "pre_activation", "hidden_layer",
        "groups", "conv_bias", "seed",
    }
    kinds = set()
    for seed in range(400):
        assert all(set(spec) <= allowed for spec in scored_networks(np.random.default_rng(seed)))
    for seed in range(30):
        for spec in scored_networks(np.random.default_rng(seed)):
            network = networks.build(spec | NARROW)
            kinds |= {type(one) for one in network.modules() if [*one.parameters(recurse=False)]}
            assert all(one.requires_grad for one in network.parameters())
            assert all(norm.affine for norm in norms(network))
            shared = [*network.named_parameters(remove_duplicate=False)]
            assert len(shared) == len([*network.parameters()])
    assert kinds == {nn.Conv2d, nn.BatchNorm2d, nn.Linear}


def norms(network: nn.Module) -> list[nn.BatchNorm2d]:
    return [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]


def test_every_feature_is_drawn_often_enough() -> None:
    met: collections.Counter[object] = collections.Counter()
    for seed in range(1000):
        first, second, last = drawn(seed)
        met.update(features(first) | features(second))
        met.update(last["extras"])
        assert "conv_bias" not in first and second["conv_bias"]
        assert len(last["extras"]) == HINTS_PER_NETWORK
    assert set(met) == {*SCORED_FEATURES, *HINT_FEATURES}
    assert min(met[feature] for feature in SCORED_FEATURES) > 200
    assert min(met[extra] for extra in HINT_FEATURES) > 400


def test_scored_networks_vary() -> None:
    specs = [drawn(seed)[0] for seed in range(100)]
    assert len({str(spec) for spec in specs}) == 100
    for key, least in {"width": 6, "num_classes": 50, "block": 2, "stem": 3}.items():
        assert len({spec[key] for spec in specs}) >= least
    assert len({tuple(spec["layers"]) for spec in specs}) == 12


def test_a_scored_network_has_every_layer_of_resnet18_under_its_name() -> None:
    """Code that goes by torchvision's names and is right for ResNet-18 is right here as well."""
    for seed in range(30):
        for spec in scored_networks(np.random.default_rng(seed)):
            network = networks.build(spec | NARROW)
            for name in ("conv1", "bn1", "relu", "maxpool", "layer4", "avgpool", "fc"):
                assert hasattr(network, name)
            for name, module in network.named_modules():
                last = name.rpartition(".")[2]
                norm = "bn" in last or name.endswith("downsample.1")
                assert isinstance(module, nn.BatchNorm2d) == norm, name
            assert isinstance(network.get_submodule("fc"), nn.Linear)


def test_host_and_worker_know_the_same_features() -> None:
    assert set(HINT_FEATURES) == set(EXTRAS)


def test_features_are_put_in_words() -> None:
    assert features_in_words(RESNET18) == "another depth and width"
    spec = {"block": "bottleneck", "groups": 2, "conv_bias": True}
    assert features_in_words(spec) == (
        "bottleneck blocks, grouped convolutions and biases in its convolutions"
    )
    words = features_in_words({"extras": ["frozen", "group_norm"]})
    assert words == "frozen parameters and GroupNorm"


def initialised(lazy: nn.Module) -> nn.Module:
    lazy(torch.zeros(1, 3, 4, 4))
    return lazy


def with_doubled_bias() -> nn.Module:
    linear = nn.Linear(4, 4)
    parametrize.register_parametrization(linear, "bias", Doubled())
    return linear


class Doubled(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 2 * x


TWICE = nn.Conv2d(4, 4, 1)
# Layers that a student's own network may have, and that no hidden network has.
OTHER_LAYERS: dict[str, nn.Module] = {
    "a block that is used twice": nn.Sequential(TWICE, nn.ReLU(), TWICE),
    "attention": nn.MultiheadAttention(4, 2),
    "batch norm in 3 dimensions": nn.BatchNorm3d(4),
    "bilinear": nn.Bilinear(2, 2, 2),
    "convolution in 1 dimension": nn.Conv1d(4, 4, 1),
    "convolution in 3 dimensions": nn.Conv3d(4, 4, 1),
    "embedding": nn.Embedding(8, 4),
    "empty containers": nn.ModuleDict({"none": nn.ModuleList(), "nothing": nn.ParameterList()}),
    "instance norm": nn.InstanceNorm2d(4, affine=True),
    "layer norm": nn.LayerNorm(4),
    "lazy layers after a batch": initialised(
        nn.Sequential(nn.LazyConv2d(4, 1), nn.LazyBatchNorm2d())
    ),
    "linear without a bias": nn.Linear(4, 4, bias=False),
    "orthogonal": parametrizations.orthogonal(nn.Conv2d(4, 4, 1)),
    "parameter dict": nn.ParameterDict({"bias": nn.Parameter(torch.zeros(4))}),
    "parameter list": nn.ParameterList([nn.Parameter(torch.zeros(4))]),
    "parametrized bias": with_doubled_bias(),
    "prelu": nn.PReLU(4),
    "recurrent": nn.LSTM(4, 4),
    "synchronised batch norm": nn.SyncBatchNorm(4),
    "transposed convolution": nn.ConvTranspose2d(4, 4, 3),
    "weight norm": parametrizations.weight_norm(nn.Conv2d(4, 4, 1)),
}


@pytest.mark.parametrize("name", sorted(OTHER_LAYERS))
def test_other_layers_of_a_students_own_network_are_counted(name: str) -> None:
    check_counts(nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), OTHER_LAYERS[name]), name)


class Stretching(nn.BatchNorm2d):
    """A student's own batch norm with a third parameter besides the two affine ones."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        self.stretch = nn.Parameter(torch.ones(1))


def test_a_further_parameter_of_a_batch_norm_belongs_to_the_rest() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 1), Stretching(4))
    assert [list(group) for group in truth_of(parameters_of(networks.describe(network)))] == [
        ["1.weight", "1.bias"], ["0.bias"], ["0.weight", "1.stretch"],
    ]
