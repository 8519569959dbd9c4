"""The host sorts a described network's parameters by the classes of the modules that own them."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations

from grader.checks.groups.kinds import parameters_of, truth_of
from grader.checks.groups.partial_credit import layers_of
from grader.worker import networks
from tests.checks.evidence import parameter, structure, truth


def test_the_groups_of_an_own_network_follow_the_types_of_its_layers() -> None:
    rows = structure(conv_bias=True)
    first, second, third = truth(rows)
    rows.append(parameter("norm.bias", 3, "other", len(rows)))
    assert truth_of(parameters_of(rows)) == (first, second, {**third, "norm.bias": 3})


class OwnNorm(nn.BatchNorm2d):
    """A student's batch norm."""


class OwnHead(nn.Linear):
    """A student's fully connected layer."""


class Disguised(nn.Module):
    """No batch norm, whatever it is called."""

    def __init__(self) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(3))


Disguised.__qualname__ = Disguised.__name__ = "BatchNorm2d"


def test_a_students_subclass_counts_as_what_it_derives_from() -> None:
    network = nn.Sequential(OwnNorm(3), OwnHead(3, 2), Disguised())
    assert [list(group) for group in truth_of(parameters_of(networks.describe(network)))] == [
        ["0.weight", "0.bias"], ["1.bias"], ["1.weight", "2.bias"],
    ]


def test_a_shared_parameter_counts_once_as_a_part_of_its_first_owner() -> None:
    first, second = nn.Linear(3, 3), nn.Conv2d(3, 3, 1)
    second.bias = first.bias
    rows = networks.describe(nn.Sequential(first, second))
    assert [row[0] for row in rows] == ["0.weight", "0.bias", "1.weight", "1.bias"]
    found = parameters_of(rows)
    assert [one.name for one in found] == ["0.weight", "0.bias", "1.weight"]
    assert [one.kind for one in found] == ["linear", "linear", "convolution"]


def test_a_parametrized_tensor_belongs_to_the_layer_that_has_it() -> None:
    network = nn.Sequential(parametrizations.weight_norm(nn.Conv2d(3, 2, 1)))
    found = {one.name: one for one in parameters_of(networks.describe(network))}
    original = found["0.parametrizations.weight.original1"]
    assert (original.kind, original.own, original.elements) == ("convolution", "weight", 6)
    assert len(found) == 3


@pytest.mark.parametrize(
    ("layer", "words"),
    [(nn.Conv1d(2, 2, 1), "convolutions"), (nn.Linear(2, 2), "linear layers"),
     (nn.BatchNorm1d(2), "batch norms"), (nn.GroupNorm(1, 2), "other layers")],
)  # fmt: skip
def test_a_layer_is_called_what_it_is_whatever_its_name(layer: nn.Module, words: str) -> None:
    rows = networks.describe(nn.ModuleDict({"fc": layer}))
    assert set(layers_of(parameters_of(rows)).values()) == {(words, False)}
