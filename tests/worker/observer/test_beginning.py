"""The observer records a network's weights and first images before it has learnt anything."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.optim import swa_utils
from torch.utils.data import DataLoader, TensorDataset

from grader.worker.observer.beginning import (
    likeness,
    likenesses,
    movement,
    weights_of,
)
from grader.worker.observer.networks import ObservedNetwork
from grader.worker.observer.observer import Observer
from tests.worker.observer import test_observer

Install = test_observer.Install
install = test_observer.install   # the fixture


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Threads that wait for each other would take longer than these small networks."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def network(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(4, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 3))


def loader(images: int = 576, batch: int = 32) -> DataLoader[tuple[torch.Tensor, ...]]:
    torch.manual_seed(1)
    labels = torch.arange(images) % 3
    return DataLoader(TensorDataset(torch.randn(images, 4) + labels[:, None], labels), batch)


def train(model: nn.Module, lr: float = 0.1, batch: int = 32) -> None:
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    for images, labels in loader(batch=batch):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images), labels)
        loss.backward()  # type: ignore[no-untyped-call]  # torch's
        optimizer.step()


def evaluate(model: nn.Module, images: int = 90) -> None:
    model.eval()
    with torch.no_grad():
        for batch, _ in loader(images):
            model(batch)
    model.train()


def windows(observer: Observer) -> list[tuple[int, int, int]]:
    observer.finish()
    found = observer.trained[0].told.windows
    return [(one.after, one.images, one.most) for one in found]


def test_the_first_images_are_counted_in_windows(install: Install) -> None:
    observer = install()
    train(network())
    assert windows(observer) == [(after, 64, 22) for after in range(0, 512, 64)]


def test_an_evaluation_before_the_training_belongs_to_the_first_window(install: Install) -> None:
    observer, model = install(), network()
    evaluate(model)
    train(model, batch=128)
    assert windows(observer)[:2] == [(0, 218, 73), (128, 128, 43)]


def test_an_evaluation_after_the_first_step_is_in_no_window(install: Install) -> None:
    observer, model = install(), network()
    train(model)
    evaluate(model)
    assert sum(images for _, images, _ in windows(observer)) == 512


def test_weights_are_kept_as_they_were_before_the_first_step(install: Install) -> None:
    observer, model = install(), network()
    before = copy.deepcopy(model.state_dict())
    train(model)
    kept = observer.trained[0].beginning.weights
    assert kept is not None and set(kept) == set(before)
    assert all(torch.equal(kept[name], before[name]) for name, _ in model.named_parameters())
    assert (movement(kept, weights_of(model)) or 0) > 0.01


def observed(observer: Observer, *networks: nn.Module) -> list[ObservedNetwork]:
    observer.finish()
    return [observer._by_module[id(one)][1] for one in networks]


@pytest.mark.parametrize("stage", ["checkpoint", "copy", "average"])
def test_a_network_that_goes_on_with_weights_of_this_session_has_their_beginning(
    install: Install, stage: str, tmp_path: Path
) -> None:
    observer, first, second = install(), network(), network(5)
    average = swa_utils.AveragedModel(first)
    train(first)
    average.update_parameters(first)
    if stage == "checkpoint":
        torch.save(first.state_dict(), tmp_path / "best.pth")
        train(first)
        second.load_state_dict(torch.load(tmp_path / "best.pth"))
    elif stage == "average":
        second.load_state_dict(average.module.state_dict())
    else:
        second = copy.deepcopy(first)
    train(second, lr=0.01)
    mine, its = observed(observer, second, first)
    assert mine.told.windows == its.told.windows
    assert mine.beginning.weights is its.beginning.weights


def test_a_network_with_another_last_layer_has_to_guess_at_first(install: Install) -> None:
    observer, first = install(), network()
    train(first)
    second = copy.deepcopy(first)
    second[3] = nn.Linear(32, 3)
    before = copy.deepcopy(second.state_dict())
    train(second)
    mine, its = observed(observer, second, first)
    assert mine.told.windows[0] is mine.told.first[0] is not its.told.first[0]
    assert mine.told.windows[1:] == its.told.windows[1:]   # that it learns fast then is no news
    weights = mine.beginning.weights
    assert weights is not None and torch.equal(weights["3.weight"], before["3.weight"])


def test_a_network_of_its_own_has_a_beginning_of_its_own(install: Install) -> None:
    observer, first, second = install(), network(), network(5)
    train(first)
    train(second)
    mine, its = observed(observer, second, first)
    assert mine.beginning.weights is not its.beginning.weights
    assert mine.told.windows == mine.told.first and len(mine.told.first) == 8


def test_networks_that_were_initialized_apart_are_unlike() -> None:
    one, other = weights_of(network()), weights_of(network(5))
    assert abs(likeness(likenesses(one, other))) < 0.3
    wrapped = {f"module.{name}": value for name, value in one.items()}
    assert likeness(likenesses(one, one)) == likeness(likenesses(one, wrapped)) == 1
    assert likeness(likenesses(one, weights_of(nn.Linear(4, 3)))) == 0
    assert likeness(likenesses(weights_of(nn.BatchNorm1d(3)), one)) == 0


def test_biases_that_begin_at_zero_do_not_make_a_movement() -> None:
    one = {"weight": torch.ones(4, 4), "bias": torch.zeros(4)}
    assert movement(one, {"weight": torch.ones(4, 4), "bias": torch.full((4,), 1e-9)}) == 0
    assert movement(one, {"weight": torch.full((4, 4), float("nan"))}) is None
    assert movement(one, {"other": torch.ones(2)}) is None
