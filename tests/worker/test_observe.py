"""Watching a training: modes as layers are called, steps as they were taken, honest budgets."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.modules import module as inner
from torch.optim import optimizer as optimizers
from torch.utils.data import DataLoader

from grader.worker.observe import Budget, BudgetReached, Observer

Watch = Callable[..., Observer]


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Iterator[Watch]:
    """Installs an observer, and takes its hooks out of torch afterwards."""
    hooks: tuple[Any, ...] = (
        inner._global_forward_pre_hooks,
        inner._global_forward_hooks,
        inner._global_forward_hooks_always_called,
        optimizers._global_optimizer_post_hooks,
    )
    before = [dict(registered) for registered in hooks]
    monkeypatch.setattr(DataLoader, "__iter__", DataLoader.__iter__)

    def install(**budget: Any) -> Observer:
        observer = Observer(Budget(**budget))
        observer.install()
        return observer

    yield install
    for registered, old in zip(hooks, before, strict=True):
        registered.clear()
        registered.update(old)


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 3))


def sgd(model: nn.Module, decay: float) -> torch.optim.SGD:
    return torch.optim.SGD(model.parameters(), lr=0.1, weight_decay=decay)


def train(model: nn.Module, optimizer: torch.optim.Optimizer, passes: int = 1) -> None:
    for _ in range(passes):
        optimizer.zero_grad()
        model(torch.randn(6, 4)).sum().backward()
        optimizer.step()


class Turned(nn.Module):
    """Runs its network in the mode opposite to the one that it shows."""

    def __init__(self) -> None:
        super().__init__()
        self.network = network()

    def forward(self, images: torch.Tensor) -> Any:
        mode = self.network.training
        self.network.train(not mode)
        try:
            return self.network(images)
        finally:
            self.network.train(mode)


def test_a_training_and_an_evaluation_are_told_apart(watch: Watch) -> None:
    observer, model = watch(), network()
    train(model, sgd(model, 0.0), passes=2)
    with torch.no_grad():
        model.eval()(torch.randn(5, 4))
    observer.finish()
    first, second = observer.runs
    assert (first.kind, first.passes, first.images) == ("train", 2, 12)
    assert (first.norms_training, first.norms_evaluating) == (2, 0)
    assert (second.kind, second.images, second.norms_evaluating) == ("evaluate", 5, 1)


def test_a_norm_has_the_mode_in_which_it_is_called(watch: Watch) -> None:
    observer, model = watch(), Turned()
    train(model, sgd(model, 0.0))
    with torch.no_grad():
        model.eval()(torch.randn(5, 4))
    observer.finish()
    training, evaluation = observer.runs
    assert (training.norms_training, training.norms_evaluating) == (0, 1)
    assert (evaluation.norms_training, evaluation.norms_evaluating) == (1, 0)


def test_the_groups_that_most_steps_were_taken_with_count(watch: Watch) -> None:
    observer, model = watch(), network()
    train(model, sgd(model, 0.5), passes=3)
    train(model, sgd(model, 0.0))
    settings = observer.steps.settings(model)
    assert settings is not None
    assert (settings.optimizer, settings.groups[0]["weight_decay"]) == ("SGD", 0.5)


def test_groups_that_are_changed_afterwards_are_as_they_were(watch: Watch) -> None:
    observer, model = watch(), network()
    optimizer = sgd(model, 0.5)
    train(model, optimizer, passes=3)
    optimizer.param_groups[0]["weight_decay"] = 0.0
    optimizer.param_groups[0]["params"].clear()
    settings = observer.steps.settings(model)
    assert settings is not None
    assert settings.groups[0]["weight_decay"] == 0.5
    assert len(settings.groups[0]["params"]) == 6


def test_of_equally_many_steps_the_later_count(watch: Watch) -> None:
    observer, model = watch(), network()
    train(model, sgd(model, 0.5), passes=2)
    train(model, sgd(model, 0.0), passes=2)
    settings = observer.steps.settings(model)
    assert settings is not None
    assert settings.groups[0]["weight_decay"] == 0.0


def test_an_optimizer_that_never_stepped_tells_nothing(watch: Watch) -> None:
    observer, model = watch(), network()
    sgd(model, 0.5)
    assert observer.steps.settings(model) is None


def test_images_that_are_passed_by_name_count_towards_the_budget(watch: Watch) -> None:
    class Named(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network()

        def forward(self, *, images: torch.Tensor) -> Any:
            return self.network(images)

    watch(images=10)
    model = Named()
    optimizer = sgd(model, 0.0)
    with pytest.raises(BudgetReached, match="epochs"):
        for _ in range(10):
            optimizer.zero_grad()
            model(images=torch.randn(6, 4)).sum().backward()
            optimizer.step()


def test_a_clock_that_stands_still_stops_no_clock_of_ours(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch(seconds=0.01)
    model = network()
    monkeypatch.setattr(time, "monotonic", lambda: 0.0)
    time.sleep(0.05)
    with pytest.raises(BudgetReached, match="seconds"):
        train(model, sgd(model, 0.0))
