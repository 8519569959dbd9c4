"""Cautions name the mistakes that were observed in a training."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from torchvision import transforms

from grader.worker.events.phases import Phase
from grader.worker.observer.networks import ObservedNetwork
from grader.worker.observer.observer import Budget, Observer
from grader.worker.probes.cautions import cautions
from grader.worker.shims import ShimLog

ONE = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.2,))])
OTHER = transforms.Normalize((0.4,), (0.2,))


def kinds(*served: tuple[bool, Any], loader: DataLoader[Any] | None = None) -> list[str]:
    """The cautions after two epochs over `loader`; `served` has (train, transform) of data sets."""
    log = ShimLog()
    log.served.extend(
        SimpleNamespace(train=train, transform=transform) for train, transform in served
    )
    network = ObservedNetwork(nn.Linear(1, 1), frozenset(), lambda one: None)
    network.training_loader = loader
    observer = Observer(Budget(), Path(__file__).parent)
    number, _ = observer.batches.numbers(loader)
    network.told.phases += [Phase("train", step, loader=number) for step in range(2)]
    found = cautions(observer, network, log)
    return [one.kind for one in found]


def test_training_and_test_images_normalized_differently_are_a_caution() -> None:
    assert kinds((True, ONE), (False, OTHER)) == ["normalised_differently"]


@pytest.mark.parametrize(
    "served",
    [
        [(True, ONE), (False, ONE)],
        [(True, ONE), (False, transforms.ToTensor())],
        [(True, ONE), (False, None)],
        [(True, ONE), (True, OTHER), (False, OTHER)],
        [(True, ONE), (False, transforms.Normalize(0.5, 0.2))],
        [(True, ONE)],
        [],
    ],
    ids=["alike", "none", "no transform", "several", "single numbers", "one set", "nothing"],
)
def test_constants_that_may_be_the_same_are_no_caution(served: list[tuple[bool, Any]]) -> None:
    assert kinds(*served) == []


@pytest.mark.parametrize("shuffle", [False, True])
def test_images_in_the_same_order_in_each_epoch_are_a_caution(shuffle: bool) -> None:
    data = TensorDataset(torch.zeros(4, 1))
    found = kinds(loader=DataLoader(data, batch_size=2, shuffle=shuffle))
    assert found == ([] if shuffle else ["not_shuffled"])
