"""The observer records modes as layers run, steps as they are taken, and keeps budgets."""

from __future__ import annotations

import os
import sys
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.optim import optimizer as optimizers
from torch.optim import swa_utils
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau
from torch.utils.data import DataLoader, TensorDataset

from grader.stopwatch import WINDOW, Stopwatch
from grader.worker.events.optimizers import Settings
from grader.worker.events.phases import Phase
from grader.worker.observer import optimizer_steps
from grader.worker.observer.networks import ObservedNetwork
from grader.worker.observer.observer import PATIENCE, Budget, BudgetReached, Observer

Install = Callable[..., Observer]
T = TypeVar("T")
PATCHED: tuple[tuple[Any, str], ...] = (
    (nn.Module, "__call__"),
    (DataLoader, "__init__"),
    (DataLoader, "__iter__"),
    (LRScheduler, "step"),
    (ReduceLROnPlateau, "step"),
    (F, "cross_entropy"),
    (F, "nll_loss"),
    (torch.optim.Optimizer, "zero_grad"),
    (nn.Module, "zero_grad"),
    (swa_utils, "update_bn"),
    (torch.autograd, "backward"),
    (torch.autograd, "grad"),
)


def without_hooks(monkeypatch: pytest.MonkeyPatch, make: Callable[[], T]) -> Iterator[T]:
    """Yields what `make` makes, which may hook into torch, and removes the hooks afterwards."""
    tables: tuple[Any, ...] = (
        optimizers._global_optimizer_pre_hooks, optimizers._global_optimizer_post_hooks,
    )  # fmt: skip
    before = [dict(table) for table in tables]
    steps = (sys.modules["torch.optim.sgd"], "sgd"), (sys.modules["torch.optim.adam"], "adam")
    for owner, name in (*PATCHED, *steps, (torch.autograd, "backward")):
        monkeypatch.setattr(owner, name, getattr(owner, name))
    yield make()
    for table, entries in zip(tables, before, strict=True):
        table.clear()
        table.update(entries)


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Installs an observer, and removes its hooks from torch afterwards."""

    def installed(**budget: Any) -> Observer:
        observer = Observer(Budget(**budget), Path(__file__).parent)
        observer.install()
        return observer

    yield from without_hooks(monkeypatch, lambda: installed)


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 3))


def phases(observer: Observer) -> list[Phase]:
    return observer.trained[0].phases


def settings_of(observer: Observer, model: nn.Module) -> Settings | None:
    numbers = {observer._number_of(parameter) for parameter in model.parameters()}
    return observer.history.optimizers.of(numbers)


def sgd(model: nn.Module, decay: float) -> torch.optim.SGD:
    return torch.optim.SGD(model.parameters(), lr=0.1, weight_decay=decay)


def forget(model: nn.Module) -> None:
    for parameter in model.parameters():
        parameter.grad = None


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


def test_a_training_phase_and_an_evaluation_phase_are_distinguished(install: Install) -> None:
    observer, model = install(), network()
    train(model, sgd(model, 0.0), passes=2)
    with torch.no_grad():
        model.eval()(torch.randn(5, 4))
    observer.finish()
    first, second = phases(observer)
    assert (first.kind, first.passes, first.images) == ("train", 2, 12)
    assert (first.norms_training, first.norms_evaluating) == (2, 0)
    assert (second.kind, second.images, second.norms_evaluating) == ("evaluate", 5, 1)


def test_a_norm_has_the_mode_in_which_it_is_called(install: Install) -> None:
    observer, model = install(), Turned()
    train(model, sgd(model, 0.0))
    with torch.no_grad():
        model.eval()(torch.randn(5, 4))
    observer.finish()
    training, evaluation = phases(observer)
    assert (training.norms_training, training.norms_evaluating) == (0, 1)
    assert (evaluation.norms_training, evaluation.norms_evaluating) == (1, 0)


def test_the_groups_that_most_steps_were_taken_with_count(install: Install) -> None:
    observer, model = install(), network()
    train(model, sgd(model, 0.5), passes=3)
    train(model, sgd(model, 0.0))
    settings = settings_of(observer, model)
    assert settings is not None
    assert (settings.optimizer, settings.groups[0][1]["weight_decay"]) == ("SGD", 0.5)


def test_groups_that_are_changed_afterwards_are_as_they_were(install: Install) -> None:
    observer, model = install(), network()
    optimizer = sgd(model, 0.5)
    train(model, optimizer, passes=3)
    optimizer.param_groups[0]["weight_decay"] = 0.0
    optimizer.param_groups[0]["params"].clear()
    settings = settings_of(observer, model)
    assert settings is not None
    assert settings.groups[0][1]["weight_decay"] == 0.5
    assert len(settings.groups[0][0]) == 6


def test_of_equally_many_steps_the_later_count(install: Install) -> None:
    observer, model = install(), network()
    train(model, sgd(model, 0.5), passes=2)
    train(model, sgd(model, 0.0), passes=2)
    settings = settings_of(observer, model)
    assert settings is not None
    assert settings.groups[0][1]["weight_decay"] == 0.0


def test_an_optimizer_that_never_stepped_has_no_settings(install: Install) -> None:
    observer, model = install(), network()
    sgd(model, 0.5)
    assert settings_of(observer, model) is None


def test_images_that_are_passed_by_name_count_towards_the_budget(install: Install) -> None:
    class Named(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network()

        def forward(self, *, images: torch.Tensor) -> Any:
            return self.network(images)

    install(images=10)
    model = Named()
    optimizer = sgd(model, 0.0)
    with pytest.raises(BudgetReached, match="epochs"):
        for _ in range(10):
            optimizer.zero_grad()
            model(images=torch.randn(6, 4)).sum().backward()
            optimizer.step()


def test_a_replaced_clock_does_not_stop_the_budget_of_seconds(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(seconds=0.01)
    model = network()
    monkeypatch.setattr(time, "monotonic", lambda: 0.0)
    monkeypatch.setattr(os, "times", lambda: (0.0,) * 5)
    time.sleep(WINDOW)
    with pytest.raises(BudgetReached, match="seconds"):
        train(model, sgd(model, 0.0))


class ByName(nn.Module):
    """A network of layers, to be called as `net.forward(images)`."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.norm, self.last = nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 3)

    def forward(self, images: torch.Tensor) -> Any:
        return self.last(torch.relu(self.norm(self.first(images))))


@pytest.mark.parametrize("model", [ByName(), network()], ids=["own", "sequential"])
def test_forward_called_by_name_is_a_pass_of_the_whole_network(
    install: Install, model: nn.Module
) -> None:
    observer = install()
    loss = nn.CrossEntropyLoss()
    optimizer = sgd(model, 0.0)
    labels = torch.tensor([0, 1, 2, 0, 1, 2])
    for _ in range(3):
        optimizer.zero_grad()
        loss(model.forward(torch.randn(6, 4)), labels).backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        loss(model.forward(torch.randn(5, 4)), labels[:5])
    observer.finish()
    (trained,) = observer.trained
    assert trained.module is model
    first, second = trained.phases
    assert (first.kind, first.passes, first.images, first.seen) == ("train", 3, 18, 18)
    assert (first.norms_training, first.norms_evaluating) == (3, 0)
    assert (second.kind, second.passes, second.images, second.seen) == ("evaluate", 1, 5, 5)
    assert (second.norms_training, second.norms_evaluating) == (0, 1)
    assert first.place != second.place


def test_two_passes_before_one_backward_are_both_of_the_training(install: Install) -> None:
    observer, model = install(), network()
    optimizer = sgd(model, 0.0)
    for _ in range(3):
        optimizer.zero_grad()
        one, other = model(torch.randn(6, 4)), model(torch.randn(6, 4))
        (one - other).pow(2).sum().backward()
        optimizer.step()
    observer.finish()
    (phase,) = phases(observer)
    assert (phase.kind, phase.passes, observer.trained[0].steps) == ("train", 6, 3)


def test_two_views_of_one_batch_are_one_batch_of_the_budget(install: Install) -> None:
    observer, model = install(), network()
    optimizer = sgd(model, 0.0)
    data = [(torch.randn(4), index % 3) for index in range(12)]
    for images, _ in DataLoader(data, batch_size=6):   # type: ignore[arg-type]  # a list will do
        (model(images) - model(images.flip(0))).pow(2).sum().backward()
        optimizer.step()
    observer.finish()
    assert observer.trained[0].images == 12


def test_an_evaluation_that_records_gradients_is_no_training(install: Install) -> None:
    observer, model = install(), network()
    optimizer = sgd(model, 0.0)
    for _ in range(2):
        train(model.train(), optimizer, passes=2)
        for _ in range(3):
            model.eval()(torch.randn(5, 4))
    observer.finish()
    assert [(phase.kind, phase.passes) for phase in phases(observer)] == [
        ("train", 2), ("evaluate", 3), ("train", 2), ("evaluate", 3)
    ]
    assert [phase.with_gradients for phase in phases(observer)] == [2, 3, 2, 3]


def test_gradients_of_several_batches_may_be_one_step(install: Install) -> None:
    observer, model = install(), network()
    optimizer = sgd(model, 0.0)
    for index in range(8):
        (model(torch.randn(6, 4)).sum() / 4).backward()
        if index % 4 == 3:
            optimizer.step()
            optimizer.zero_grad()
    observer.finish()
    (phase,) = phases(observer)
    assert (phase.kind, phase.passes, observer.trained[0].steps) == ("train", 8, 2)
    assert not observer.mistakes.found


def test_two_optimizers_that_share_a_network_are_reported_as_one(install: Install) -> None:
    observer, model = install(), network()
    named = dict(model.named_parameters())
    heavy = [named.pop("0.weight"), named.pop("2.weight")]
    decayed = torch.optim.SGD(heavy, lr=0.1, weight_decay=0.5)
    spared = torch.optim.Adam(named.values(), lr=0.1)
    for _ in range(3):
        model.zero_grad()
        model(torch.randn(6, 4)).sum().backward()
        decayed.step()
        spared.step()
    observer.finish()
    settings = settings_of(observer, model)
    assert settings is not None
    assert settings.optimizer.split(" and ") in (["SGD", "Adam"], ["Adam", "SGD"])
    assert sorted(len(group) for group, _ in settings.groups) == [2, 4]
    assert observer.trained[0].steps == 3


def test_a_new_optimizer_for_each_learning_rate_is_no_second_optimizer(install: Install) -> None:
    observer, model = install(), network()
    for lr in (0.1, 0.01):
        train(model, torch.optim.SGD(model.parameters(), lr=lr, weight_decay=lr), passes=3)
    settings = settings_of(observer, model)
    assert settings is not None
    assert len(settings.groups) == 1
    assert [rate for _, rate in observer.history.optimizers.rates] == [0.1, 0.01]


def test_a_search_for_a_learning_rate_on_copies_is_not_the_training(install: Install) -> None:
    observer, model = install(), network()
    for lr in (0.001, 0.1):
        copied = network()
        train(copied, sgd(copied, lr), passes=2)
    train(model, sgd(model, 0.0), passes=9)
    assert observer.trained[0].module is model


def test_of_two_networks_with_equally_many_steps_the_later_comes_first(install: Install) -> None:
    observer, first, second = install(), network(), network()
    train(first, sgd(first, 0.0), passes=2)
    train(second, sgd(second, 0.0), passes=2)
    assert [one.module for one in observer.trained] == [second, first]


def test_a_pass_of_a_teacher_is_no_evaluation_of_its_student_network(install: Install) -> None:
    observer, student, teacher = install(), network(), network().eval()
    optimizer = sgd(student, 0.0)
    for _ in range(3):
        images = torch.randn(6, 4)
        with torch.no_grad():
            wanted = teacher(images)
        (student(images) - wanted).pow(2).mean().backward()
        optimizer.step()
    observer.finish()
    (trained,) = observer.trained
    assert trained.module is student
    assert [(phase.kind, phase.passes) for phase in trained.phases] == [("train", 3)]
    assert [one.module for one in observer.evaluated] == [teacher]


def test_a_wrapper_and_what_it_wraps_are_one_network(install: Install) -> None:
    observer, model = install(), network()
    wrapped = nn.DataParallel(model)
    train(wrapped, sgd(model, 0.0), passes=2)
    with torch.no_grad():
        model.eval()(torch.randn(5, 4))
    observer.finish()
    (trained,) = observer.trained
    assert [phase.kind for phase in trained.phases] == ["train", "evaluate"]


def test_layers_that_run_again_in_a_backward_pass_are_no_networks(install: Install) -> None:
    observer, model = install(), network()
    optimizer = sgd(model, 0.0)

    class Checkpointed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = model

        def forward(self, images: torch.Tensor) -> Any:
            return torch.utils.checkpoint.checkpoint(self.inner, images, use_reentrant=False)

    train(Checkpointed(), optimizer, passes=3)
    observer.finish()
    (trained,) = observer.trained
    assert [(phase.kind, phase.passes) for phase in trained.phases] == [("train", 3)]


def test_a_network_trained_by_hand_has_no_steps(install: Install) -> None:
    observer, model = install(), network()
    for _ in range(3):
        model(torch.randn(6, 4)).sum().backward()
        with torch.no_grad():
            for parameter in model.parameters():
                assert parameter.grad is not None
                parameter.sub_(0.1 * parameter.grad)
                parameter.grad = None
    observer.finish()
    (trained,) = observer.trained
    assert (trained.steps, trained.told.backward_passes) == (0, 3)
    assert settings_of(observer, model) is None


def test_each_network_has_a_budget_of_its_own(install: Install) -> None:
    install(images=20)
    first, second = network(), network()
    train(first, sgd(first, 0.0), passes=3)
    train(second, sgd(second, 0.0), passes=4)
    with pytest.raises(BudgetReached, match="epochs"):
        train(second, sgd(second, 0.0), passes=1)


def test_gradients_that_are_never_set_to_zero_are_a_mistake(install: Install) -> None:
    observer, model = install(), network()
    optimizer = sgd(model, 0.0)
    for _ in range(3):
        model(torch.randn(6, 4)).pow(2).sum().backward()
        optimizer.step()
    assert set(observer.mistakes.found) == {"gradients_kept"}


@pytest.mark.parametrize(
    "zero",
    [
        lambda model, optimizer: optimizer.zero_grad(),
        lambda model, optimizer: model.zero_grad(set_to_none=False),
        lambda model, optimizer: forget(model),
        lambda model, optimizer: [p.grad.zero_() for p in model.parameters() if p.grad is not None],
    ],
    ids=["optimizer", "model", "none", "in place"],
)
@pytest.mark.parametrize("late", [False, True], ids=["first", "before backward"])
def test_gradients_may_be_set_to_zero_in_any_way(
    install: Install, zero: Callable[..., Any], late: bool
) -> None:
    observer, model = install(), network()
    optimizer = sgd(model, 0.0)
    for _ in range(3):
        if not late:
            zero(model, optimizer)
        loss = model(torch.randn(6, 4)).pow(2).sum()
        if late:
            zero(model, optimizer)
        loss.backward()
        optimizer.step()
    assert not observer.mistakes.found


@pytest.mark.parametrize(
    ("last", "loss", "mistakes"),
    [
        (nn.Softmax(dim=1), nn.CrossEntropyLoss(), {"softmax_before_cross_entropy"}),
        (nn.LogSoftmax(dim=1), nn.NLLLoss(), set()),
        (nn.LogSoftmax(dim=1), nn.CrossEntropyLoss(), set()),
        (nn.Identity(), nn.CrossEntropyLoss(label_smoothing=0.1), set()),
        (nn.Identity(), nn.NLLLoss(), {"scores_without_log_softmax"}),
    ],
)
def test_a_loss_that_does_not_fit_the_output_is_a_mistake(
    install: Install, last: nn.Module, loss: nn.Module, mistakes: set[str]
) -> None:
    observer, model = install(), nn.Sequential(network(), last)
    optimizer = sgd(model, 0.0)
    for _ in range(3):
        optimizer.zero_grad()
        value: Any = loss(model(torch.randn(6, 4)), torch.tensor([0, 1, 2, 0, 1, 2]))
        value.backward()
        optimizer.step()
    assert set(observer.mistakes.found) == mistakes
    assert all(
        mistake.place and mistake.place.file == __file__
        for mistake in observer.mistakes.found.values()
    )


def test_a_loss_that_is_not_a_number_is_a_mistake_with_its_step(install: Install) -> None:
    observer, model = install(), network()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e30)
    for _ in range(5):
        optimizer.zero_grad()
        value: Any = F.cross_entropy(model(torch.randn(6, 4)), torch.tensor([0, 1, 2, 0, 1, 2]))
        value.backward()
        optimizer.step()
    found = observer.mistakes.found["loss_not_finite"]
    assert 1 < int(found.detail) <= 5


def test_evaluations_of_two_sets_are_two_phases(install: Install) -> None:
    observer, model = install(), network()
    sets = [[(torch.randn(4), index % 3) for index in range(size)] for size in (12, 8)]
    shuffled, test = (DataLoader(data, batch_size=4) for data in sets)  # type: ignore[arg-type, var-annotated]  # a list will do
    train(model, sgd(model, 0.0))
    model.eval()
    with torch.no_grad():
        for loader in (shuffled, test):
            for images, _ in loader:
                model(images)
    observer.finish()
    assert [(phase.kind, phase.images) for phase in phases(observer)] == [
        ("train", 6), ("evaluate", 12), ("evaluate", 8)
    ]


def test_a_script_with_many_workers_gets_as_many_as_there_are_threads(install: Install) -> None:
    install()
    loader: DataLoader[Any] = DataLoader([0] * 8, num_workers=64, persistent_workers=True)  # type: ignore[arg-type]  # a list will do
    assert 1 <= loader.num_workers <= max(1, torch.get_num_threads())


def test_recomputing_statistics_for_an_average_is_no_evaluation(install: Install) -> None:
    observer, model = install(), network()
    train(model, sgd(model, 0.0), passes=2)
    average = swa_utils.AveragedModel(model)
    swa_utils.update_bn([torch.randn(6, 4)], average)
    with torch.no_grad():
        average.eval()(torch.randn(5, 4))
    observer.finish()
    (copied,) = observer.evaluated
    assert [(phase.kind, phase.norms_training) for phase in copied.phases] == [("evaluate", 0)]


def test_epochs_without_an_evaluation_between_them_are_separate_phases(install: Install) -> None:
    observer, model = install(), network()
    optimizer = sgd(model, 0.0)
    data = [(torch.randn(4), index % 3) for index in range(12)]
    loader = DataLoader(data, batch_size=6)   # type: ignore[arg-type, var-annotated]  # a list will do
    for _ in range(3):
        for images, _ in loader:
            model(images).sum().backward()
            optimizer.step()
    observer.finish()
    assert [(phase.kind, phase.passes, phase.ended_at) for phase in phases(observer)] == [
        ("train", 2, 12), ("train", 2, 24), ("train", 2, 36)
    ]


def test_a_loop_that_asks_for_one_batch_at_a_time_is_one_phase(install: Install) -> None:
    observer, model = install(), network()
    optimizer = sgd(model, 0.0)
    data = [(torch.randn(4), index % 3) for index in range(12)]
    loader = DataLoader(data, batch_size=6)   # type: ignore[arg-type, var-annotated]  # a list will do
    for _ in range(5):
        images, _ = next(iter(loader))
        model(images).sum().backward()
        optimizer.step()
    observer.finish()
    assert [(phase.kind, phase.passes) for phase in phases(observer)] == [("train", 5)]


def test_an_extractor_and_the_classifier_that_it_feeds_are_one_network(install: Install) -> None:
    observer = install()
    extractor = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.AdaptiveAvgPool2d(1))
    classifier = nn.Linear(4, 3)
    optimizer = torch.optim.SGD([*extractor.parameters(), *classifier.parameters()], lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        features = extractor(torch.randn(6, 1, 8, 8)).view(6, -1)
        F.cross_entropy(classifier(features), torch.tensor([0, 1, 2, 0, 1, 2])).backward()  # type: ignore[no-untyped-call]  # torch's
        optimizer.step()
    extractor.eval()
    classifier.eval()
    with torch.no_grad():
        classifier(extractor(torch.randn(5, 1, 8, 8)).flatten(1))
    observer.finish()
    (trained,) = observer.trained
    assert trained.module(torch.randn(2, 1, 8, 8)).shape == (2, 3)
    first, second = trained.phases
    assert (first.kind, first.passes, first.seen, first.norms_training) == ("train", 3, 18, 3)
    assert (second.kind, second.images, second.norms_evaluating) == ("evaluate", 5, 1)
    assert trained.samples[None].shape == (5, 1, 8, 8)
    assert settings_of(observer, trained.module) is not None


def test_code_that_trains_may_reach_the_end_of_a_batch(install: Install) -> None:
    observer, model = install(seconds=0.0), network()
    with pytest.raises(BudgetReached, match="seconds"):
        observer.out_of_time()   # nothing was trained yet
    observer.budget = Budget()
    train(model, sgd(model, 0.0))
    observer.budget = Budget(seconds=0.0)
    observer.out_of_time()
    observer.stopwatch.used += 11
    with pytest.raises(BudgetReached, match="seconds"):
        observer.out_of_time()


def epochs_of(model: nn.Module, loader: DataLoader[Any], number: int, evaluates: bool) -> None:
    """Trains as scripts do, with an evaluation after each epoch or none."""
    optimizer = sgd(model, 0.0)
    for _ in range(number):
        model.train()
        for images, _ in loader:
            optimizer.zero_grad()
            model(images).sum().backward()
            optimizer.step()
        if evaluates:
            model.eval()
            with torch.no_grad():
                for images, _ in loader:
                    model(images)


def out_of_seconds(install: Install, model: nn.Module) -> Observer:
    """An observer that has seen one step, after which the seconds are used up."""
    observer = install()
    train(model, sgd(model, 0.0))
    observer.budget = Budget(seconds=0.0)
    return observer


def a_loader() -> DataLoader[Any]:
    data = TensorDataset(torch.randn(40, 4), torch.zeros(40, dtype=torch.long))
    return DataLoader(data, batch_size=4)


def test_a_script_that_is_cut_in_its_first_epoch_evaluates_its_network_once(
    install: Install,
) -> None:
    observer = out_of_seconds(install, model := network())
    with pytest.raises(BudgetReached, match="seconds"):
        epochs_of(model, a_loader(), 3, evaluates=True)
    observer.finish()
    assert [(one.kind, one.passes, one.norms_training) for one in phases(observer)] == [
        ("train", 1, 1), ("train", 1, 1), ("evaluate", 2, 0), ("train", 1, 1)
    ]
    assert len(list(a_loader())) == 10, "the grader's own loaders are whole again"


def test_a_script_that_has_evaluated_its_network_is_cut_at_the_next_batch(
    install: Install,
) -> None:
    observer, model = install(), network()
    epochs_of(model, a_loader(), 1, evaluates=True)
    observer.budget = Budget(seconds=0.0)
    with pytest.raises(BudgetReached, match="seconds"):
        epochs_of(model, a_loader(), 1, evaluates=True)
    observer.finish()
    assert [(one.kind, one.passes) for one in phases(observer)] == [("train", 10), ("evaluate", 10)]


def test_a_script_that_never_evaluates_is_cut_in_its_next_epoch(install: Install) -> None:
    observer = out_of_seconds(install, model := network())
    with pytest.raises(BudgetReached, match="seconds"):
        epochs_of(model, a_loader(), 100, evaluates=False)
    assert observer.history.optimizers.count == 3


def test_a_training_without_loaders_is_cut_when_patience_is_over(install: Install) -> None:
    observer = out_of_seconds(install, model := network())
    train(model, sgd(model, 0.0), passes=5)
    observer.stopwatch.used += PATIENCE
    with pytest.raises(BudgetReached, match="seconds"):
        train(model, sgd(model, 0.0))


def test_code_that_runs_no_network_for_long_hangs_also_after_some_steps(install: Install) -> None:
    observer, model = install(seconds=600, stall=60), network()
    train(model, sgd(model, 0.0))
    observer.stopwatch.used += 59
    observer.out_of_time()
    train(model, sgd(model, 0.0))   # slow, and not hanging
    observer.stopwatch.used += 59
    observer.out_of_time()
    observer.stopwatch.used += 2
    with pytest.raises(BudgetReached, match="stalled"):
        observer.out_of_time()


def test_passes_of_the_graders_own_are_not_ended_by_the_students_budget(install: Install) -> None:
    observer, model = install(images=2), network()
    with pytest.raises(BudgetReached, match="epochs"), observer.watching():
        train(model, sgd(model, 0.0), passes=9)
    model(torch.randn(3, 4))
    with pytest.raises(BudgetReached), observer.watching():
        model(torch.randn(3, 4))


def test_an_optimizer_of_another_network_is_reported(install: Install) -> None:
    observer, model, other = install(), network(), network()
    train(model, sgd(other, 0.5), passes=3)
    observer.finish()
    assert observer.trained[0].module is model
    settings = settings_of(observer, model)
    assert settings is not None
    assert settings.parameters == {observer._number_of(one) for one in other.parameters()}


def test_gradients_for_something_else_are_no_training(install: Install) -> None:
    observer, model = install(), network()
    train(model, sgd(model, 0.0), passes=2)
    model.eval()
    for _ in range(2):   # which pixels does it look at?
        images = torch.randn(6, 4, requires_grad=True)
        model(images).sum().backward()
    observer.finish()
    assert [(phase.kind, phase.passes) for phase in phases(observer)] == [("train", 2)]
    assert observer.trained[0].images == 12


def test_a_loss_with_a_parameter_is_no_part_of_the_network(install: Install) -> None:
    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.ones(()))

        def forward(self, scores: torch.Tensor) -> Any:
            return (scores * self.scale).pow(2).mean()

    observer, model, loss = install(), network(), Scaled()
    optimizer = torch.optim.SGD([*model.parameters(), *loss.parameters()], lr=0.1)
    for _ in range(3):
        loss(model(torch.randn(6, 4))).backward()
        optimizer.step()
    observer.finish()
    assert [one.module for one in observer.trained] == [model]


def test_of_several_outputs_the_one_with_a_column_per_class_counts(install: Install) -> None:
    class Both(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body, self.head = nn.Linear(4, 8), nn.Linear(8, 3)

        def forward(self, images: torch.Tensor) -> Any:
            features = self.body(images)
            return features, self.head(features)

    observer, model = install(), Both()
    observer.classes = 3
    optimizer = sgd(model, 0.0)
    loss: Any = F.cross_entropy(model(torch.randn(6, 4))[1], torch.tensor([0, 1, 2, 0, 1, 2]))
    loss.backward()
    optimizer.step()
    observer.finish()
    assert [(phase.kind, phase.seen) for phase in phases(observer)] == [("train", 6)]


def test_steps_with_a_learning_rate_of_zero_do_not_count_beside_others(install: Install) -> None:
    observer, model = install(), network()
    shown = torch.optim.SGD(model.parameters(), lr=0.0, weight_decay=0.5)
    optimizer = sgd(model, 0.0)
    for _ in range(3):
        train(model, optimizer)
        shown.step()
        shown.step()
    settings = settings_of(observer, model)
    assert settings is not None
    assert settings.groups[0][1]["weight_decay"] == 0.0


def test_a_lazy_norm_may_be_run_before_it_has_statistics(install: Install) -> None:
    install()
    model = nn.Sequential(nn.Linear(4, 8), nn.LazyBatchNorm1d())
    with torch.no_grad():
        model(torch.randn(6, 4))


def test_loaders_that_a_script_has_released_are_released(install: Install) -> None:
    observer, model = install(), network()
    optimizer, gone = sgd(model, 0.0), []
    for _ in range(12):
        data: Any = [(torch.randn(4), index % 3) for index in range(6)]
        loader: DataLoader[Any] = DataLoader(data, batch_size=6)
        gone.append(weakref.ref(loader))
        for images, _ in loader:
            model(images).sum().backward()
            optimizer.step()
    del loader
    observer.finish()
    assert sum(one() is not None for one in gone) <= 2


def test_interim_looks_come_before_training_passes_and_at_no_other_time(install: Install) -> None:
    observer, model = install(), network()
    steps: list[int] = []

    def look(observed: ObservedNetwork) -> bool:
        assert observed.module is model and not steps.append(observed.steps)  # type: ignore[func-returns-value]  # None
        model(torch.randn(3, 4)).sum().backward()   # not observed
        return len(steps) == 3

    observer.interim_look = look
    optimizer = sgd(model, 0.0)
    train(model, optimizer, passes=2)
    with torch.no_grad():
        model.eval()(torch.randn(5, 4))
        model.train()(torch.randn(5, 4))
    with pytest.raises(BudgetReached, match="sure"):
        train(model, optimizer)
    for _ in range(2):   # a script may catch it
        with pytest.raises(BudgetReached, match="sure"):
            model(torch.randn(3, 4))
    assert (observer.stopped, steps) == ("sure", [0, 1, 2])
    observer.finish()
    assert [(phase.kind, phase.images) for phase in phases(observer)] == [
        ("train", 12), ("evaluate", 10)
    ]


def test_an_interim_look_uses_none_of_the_seconds_of_the_training(install: Install) -> None:
    observer, model = install(seconds=0.5), network()
    observer.stopwatch = Stopwatch(lambda: 0.0)   # all time counts, also beside other programs

    def look(observed: ObservedNetwork) -> bool:
        time.sleep(0.7)
        observer.out_of_time()   # the alarm goes off meanwhile
        return False

    observer.interim_look = look
    train(model, sgd(model, 0.0), passes=2)
    assert observer.stopped is None
    observer.interim_look = None
    time.sleep(0.6)
    train(model, sgd(model, 0.0))
    assert observer.batches.closing


def test_a_network_that_skips_layers_at_random_has_one_optimizer(install: Install) -> None:
    class Skips(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.ModuleList(nn.Linear(4, 4) for _ in range(6))
            self.last = nn.Linear(4, 3)

        def forward(self, images: torch.Tensor) -> Any:
            for layer in self.layers:
                if torch.rand(()) > 0.5:
                    images = images + layer(images)
            return self.last(images)

    observer, model = install(), Skips()
    train(model, sgd(model, 0.5), passes=20)
    observer.finish()
    settings = settings_of(observer, model)
    assert settings is not None and settings.decayed and all(settings.decayed.values())
    assert (observer.trained[0].steps, len(settings.groups)) == (20, 1)
    assert len(observer.history.optimizers._used) == 1


def test_steps_are_counted_also_where_there_are_too_many_settings(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(optimizer_steps, "MAX_SETTINGS", 2)
    observer, model = install(), network()
    some = list(model.parameters())
    for number in range(1, 6):
        train(model, torch.optim.SGD(some[:number], lr=0.1))
    observer.finish()
    assert [(phase.kind, phase.passes) for phase in phases(observer)] == [("train", 5)]
    assert (observer.trained[0].steps, len(observer.history.optimizers._used)) == (5, 2)


def test_layers_that_are_frozen_and_thawed_again_and_again_are_trainable(install: Install) -> None:
    observer, model = install(), network()
    optimizer = sgd(model, 0.5)
    for number in range(6):
        model[0].requires_grad_(number % 2 == 0)
        train(model, optimizer)
    observer.finish()
    assert observer.trained[0].steps == 6
    assert all(row[4] for row in observer.trained[0].told.rows)
