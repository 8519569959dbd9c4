"""Thousands of drawn networks: the reference's answers against an independent count of them.

The seeds are those from 0 on, so that every run of the tests draws the same networks; hypothesis
would draw seeds, which do not shrink to anything. The networks are built as they are drawn but for
their width, which no answer depends on and which takes the time.
"""

from __future__ import annotations

import collections
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from grader.checks.groups.assignment import truth_of
from grader.checks.hidden_networks import (
    BEYOND,
    COVERED,
    FEATURES_BEYOND,
    RESNET18,
    beyond,
    covered,
    in_words,
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
    return [*covered(random), beyond(random)]


def features(spec: Mapping[str, Any]) -> set[tuple[str, Any]]:
    return {feature for feature in COVERED if spec.get(feature[0]) == feature[1]}


def check_counts(network: nn.Module, spec: object) -> None:
    """The reference, and what the host takes for the truth on a student's own network."""
    expected = count(network)
    groups = group_parameters(network)
    assert [{id(one) for one in group} for group in groups] == [*expected.groups], spec
    assert sum(map(len, groups)) == sum(map(len, expected.groups)), spec
    assert layer_parameter_counts(network) == expected.layers, spec
    ids = {name: id(one) for name, one in network.named_parameters()}
    rows = networks.describe(network)
    assert [{ids[name] for name in group} for group in truth_of(rows)] == [*expected.groups], spec
    assert sum(row[1] for row in rows if row[4]) == sum(expected.layers.values()), spec


@pytest.mark.parametrize("tenth", range(10))
def test_the_reference_counts_every_drawn_network_as_the_independent_count_does(
    tenth: int,
) -> None:
    for seed in range(tenth, RUNS, 10):
        for spec in drawn(seed):
            check_counts(networks.build(spec | NARROW), spec)


@pytest.mark.parametrize("extra", sorted(EXTRAS))
def test_every_feature_beyond_is_counted_by_itself(extra: str) -> None:
    check_counts(networks.build({"layers": [1, 2, 1, 1], "extras": [extra]} | NARROW), extra)


def test_all_features_beyond_go_together() -> None:
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


def test_the_widest_and_deepest_covered_network_is_within_the_budget() -> None:
    specs = [spec for seed in range(2000) for spec in covered(np.random.default_rng(seed))]
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


def test_what_is_covered_has_nothing_from_beyond() -> None:
    allowed = {
        "block", "layers", "width", "num_classes", "stem", "pre_activation", "hidden_layer",
        "groups", "conv_bias", "seed",
    }
    kinds = set()
    for seed in range(400):
        assert all(set(spec) <= allowed for spec in covered(np.random.default_rng(seed)))
    for seed in range(30):
        for spec in covered(np.random.default_rng(seed)):
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
        assert len(last["extras"]) == FEATURES_BEYOND
    assert set(met) == {*COVERED, *BEYOND}
    assert min(met[feature] for feature in COVERED) > 200
    assert min(met[extra] for extra in BEYOND) > 100


def test_covered_networks_vary() -> None:
    specs = [drawn(seed)[0] for seed in range(100)]
    assert len({str(spec) for spec in specs}) == 100
    for key, least in {"width": 6, "num_classes": 50, "block": 2, "stem": 3}.items():
        assert len({spec[key] for spec in specs}) >= least
    assert len({tuple(spec["layers"]) for spec in specs}) == 12


def test_a_covered_network_has_every_layer_of_resnet18_under_its_name() -> None:
    """So that code which goes by torchvision's names and is right for ResNet-18 meets no others:
    its batch norms are told from its convolutions by the same parts of their names."""
    for seed in range(30):
        for spec in covered(np.random.default_rng(seed)):
            network = networks.build(spec | NARROW)
            for name in ("conv1", "bn1", "relu", "maxpool", "layer4", "avgpool", "fc"):
                assert hasattr(network, name)
            for name, module in network.named_modules():
                last = name.rpartition(".")[2]
                norm = "bn" in last or name.endswith("downsample.1")
                assert isinstance(module, nn.BatchNorm2d) == norm, name
            assert isinstance(network.get_submodule("fc"), nn.Linear)


def test_host_and_worker_know_the_same_features() -> None:
    assert set(BEYOND) == set(EXTRAS)


def test_features_are_told_in_words() -> None:
    assert in_words(RESNET18) == "another depth and width"
    spec = {"block": "bottleneck", "groups": 2, "conv_bias": True}
    assert in_words(spec) == (
        "bottleneck blocks, grouped convolutions and biases in its convolutions"
    )
    assert in_words({"extras": ["frozen", "group_norm"]}) == "frozen parameters and GroupNorm"


class Stretching(nn.BatchNorm2d):
    """A student's own batch norm, with a parameter that is none of its affine ones."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        self.stretch = nn.Parameter(torch.ones(1))


def test_the_hosts_truth_puts_what_else_a_batch_norm_holds_among_the_rest() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 1), Stretching(4))
    assert [list(group) for group in truth_of(networks.describe(network))] == [
        ["1.weight", "1.bias"], ["0.bias"], ["0.weight", "1.stretch"],
    ]
