"""One budget for the same weights, and every change of them outside of seen steps is measured."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import parametrizations
from torch.optim import SGD, swa_utils

from grader.worker.observer.observer import BudgetReached, Observer
from tests.worker.observer import test_observer

Install = test_observer.Install
install = test_observer.install   # the fixture
Between = Callable[[nn.Sequential], Any]


def network(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(8, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 8))


def batches(count: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
    torch.manual_seed(1)
    return [(torch.randn(10, 8), torch.randint(8, (10,))) for _ in range(count)]


def train(
    model: nn.Module, steps: int, between: Between = lambda model: None, lr: float = 0.05
) -> None:
    optimizer = SGD(model.parameters(), lr=lr, momentum=0.9)
    for images, labels in batches(steps):
        optimizer.zero_grad()
        F.cross_entropy(model(images), labels).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        between(model)  # type: ignore[arg-type]


def copied(model: nn.Sequential) -> nn.Module:
    return copy.deepcopy(model)


def loaded(model: nn.Sequential) -> nn.Module:
    other = network(5)
    other.load_state_dict(model.state_dict())
    return other


def noised(model: nn.Sequential) -> nn.Module:
    other = copy.deepcopy(model)
    for parameter in other.parameters():
        parameter.data += 1e-4 * torch.randn_like(parameter)
    return other


def scaled(model: nn.Sequential) -> nn.Module:
    """The same function, since batch norm undoes the factor."""
    other = copy.deepcopy(model)
    for parameter in other[0].parameters():
        parameter.data *= 3
    return other


def with_a_new_head(model: nn.Sequential) -> nn.Module:
    torch.manual_seed(7)
    return nn.Sequential(*copy.deepcopy(model)[:3], nn.Linear(32, 8))


def around_the_same_layers(model: nn.Sequential) -> nn.Module:
    return nn.Sequential(model, nn.Linear(8, 8))


def loaded_after_a_step(model: nn.Sequential) -> nn.Module:
    other = network(5)
    train(other, 1)
    other.load_state_dict(model.state_dict())
    return other


@pytest.mark.parametrize(
    "again",
    [copied, loaded, noised, scaled, with_a_new_head, around_the_same_layers, loaded_after_a_step],
)
def test_a_network_that_goes_on_with_trained_weights_goes_on_with_their_budget(
    install: Install, again: Callable[[nn.Sequential], nn.Module]
) -> None:
    install(images=100)
    model = network()
    train(model, 9)
    other = again(model)
    with pytest.raises(BudgetReached, match="epochs"):
        train(other, 6)


def test_copy_after_copy_has_one_budget(install: Install) -> None:
    install(images=100)
    model = network()
    with pytest.raises(BudgetReached, match="epochs"):
        for _ in range(4):
            train(model, 4)
            model = copy.deepcopy(model)


def test_modules_that_take_turns_on_the_same_weights_have_one_budget(install: Install) -> None:
    install(images=100)
    model = network()
    outer = around_the_same_layers(model)
    with pytest.raises(BudgetReached, match="epochs"):
        for _ in range(4):
            train(model, 2)
            train(outer, 2)


@pytest.mark.parametrize("seed", [0, 1])
def test_a_network_that_begins_anew_has_a_budget_of_its_own(install: Install, seed: int) -> None:
    install(images=100)
    first = network()
    second = network(seed)   # also with the same weights: those of no training
    train(first, 10)
    train(second, 10)
    train(copy.deepcopy(network()), 10)


def test_a_search_on_copies_costs_the_network_nothing(install: Install) -> None:
    install(images=100)
    model = network()
    for lr in (0.001, 0.01, 0.1):
        train(copy.deepcopy(model), 4, lr=lr)
    train(model, 10)


def test_two_modules_of_one_training_count_each_image_once(install: Install) -> None:
    install(images=100)
    model, head = network(), nn.Linear(32, 8)
    both = nn.Sequential(model[:3], head)
    optimizer = SGD([*model.parameters(), *head.parameters()], lr=0.01)
    for images, labels in batches(10):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images), labels) + F.cross_entropy(both(images), labels)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()


def facts(observer: Observer, predicting: nn.Module | None = None) -> dict[str, Any]:
    observer.finish()
    trained = observer.trained[0]
    return observer.ledger.facts(trained, predicting or trained.module)


def by_functions(model: Any, times: int = 30, lr: float = 0.05) -> None:
    """Train a network without a call of it."""
    first, norm, last = model[0], model[1], model[3]
    own = list(model.parameters())
    for images, labels in batches(times):
        hidden = F.linear(images, first.weight, first.bias)
        hidden = F.batch_norm(hidden, None, None, norm.weight, norm.bias, training=True)
        loss = F.cross_entropy(F.linear(F.relu(hidden), last.weight, last.bias), labels)
        for tensor, gradient in zip(own, torch.autograd.grad(loss, own), strict=True):
            tensor.data -= lr * gradient


def elsewhere(model: nn.Sequential) -> None:
    """Train tensors that are no parameters of the network, and put them in its place."""
    twin = copy.deepcopy(model)
    by_functions(twin)
    model.load_state_dict(twin.state_dict())


def by_backward(model: Any) -> None:
    """The gradients of a seen step are mixed with others."""
    for images, labels in batches(3):
        hidden = F.relu(F.linear(images, model[0].weight))
        loss = F.cross_entropy(F.linear(hidden, model[3].weight), labels)
        loss.backward()  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("unseen", [by_functions, elsewhere])
def test_training_after_the_steps_that_were_seen_is_measured(
    install: Install, unseen: Between
) -> None:
    observer, model = install(), network()
    train(model, 4, lr=1e-3)
    unseen(model)
    assert facts(observer)["astray"] > 1


def test_training_between_the_steps_that_were_seen_is_measured(install: Install) -> None:
    observer, model = install(), network()
    train(model, 10, lambda model: by_functions(model, 3), lr=0.01)
    found = facts(observer)
    assert found["astray"] > 1
    assert (found["times"], found["gradients"], found["backward_passes"]) == (10, 30, 10)


def test_gradients_without_a_call_of_the_network_are_counted(install: Install) -> None:
    observer, model = install(), network()
    train(model, 5, by_backward)
    found = facts(observer)
    assert (found["gradients"], found["backward_passes"]) == (15, 5)


def test_training_by_hand_that_goes_on_unseen_is_measured(install: Install) -> None:
    observer, model = install(), network()
    for images, labels in batches(6):
        loss = F.cross_entropy(model(images), labels)
        own = list(model.parameters())
        for tensor, gradient in zip(own, torch.autograd.grad(loss, own), strict=True):
            tensor.data -= 0.01 * gradient
    with torch.no_grad():
        model(batches(1)[0][0])
    by_functions(model)
    found = facts(observer)
    assert found["astray"] > 1
    assert found["gradients"] == 30


def decays(model: nn.Sequential) -> None:
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(1 - 0.05 * 1e-2)


def clips(model: nn.Sequential) -> None:
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.clamp_(-0.3, 0.3)


def looks_at_an_average(model: nn.Sequential) -> None:
    """Swaps an average of the weights in and out."""
    kept = copy.deepcopy(model.state_dict())
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(0.5)
        model.eval()(batches(1)[0][0])
    model.train().load_state_dict(kept)


def penalizes(model: nn.Sequential) -> None:
    """The gradient with respect to the images, as a picture shows it."""
    images = batches(1)[0][0].requires_grad_()
    torch.autograd.grad(model(images).sum(), images)


@pytest.mark.parametrize("between", [decays, clips, looks_at_an_average, penalizes])
def test_honest_code_between_steps_is_no_unseen_training(
    install: Install, between: Between
) -> None:
    observer, model = install(), network()
    train(model, 40, between)
    found = facts(observer)
    assert found["astray"] < 0.25
    assert found["gradients"] == 0


def test_an_earlier_state_and_an_average_are_no_unseen_training(install: Install) -> None:
    observer, model = install(), network()
    average = swa_utils.AveragedModel(model)
    train(model, 10)
    best = copy.deepcopy(model.state_dict())
    train(model, 30, lambda model: average.update_parameters(model))
    model.load_state_dict(best)
    train(model, 5)
    model.load_state_dict(average.module.state_dict())
    assert facts(observer)["astray"] == 0


def test_a_copy_that_predicts_is_compared_with_the_trained_network(install: Install) -> None:
    observer, model = install(), network()
    train(model, 10)
    other = copy.deepcopy(model)
    assert facts(observer, other)["astray"] == 0
    by_functions(other, 60, 0.2)
    assert observer.ledger.facts(observer.trained[0], other)["astray"] > 0.5


def test_a_parametrized_network_is_followed(install: Install) -> None:
    observer, model = install(), network()
    parametrizations.weight_norm(model[0])
    train(model, 20)
    assert facts(observer)["astray"] == 0
