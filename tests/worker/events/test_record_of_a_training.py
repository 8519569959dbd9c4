"""What a training did is in the supervisor's record, whatever is done to its own process later."""

from __future__ import annotations

import dataclasses
import gc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim import optimizer as optimizers

from grader import wire
from grader.worker.events.history import History
from grader.worker.events.kinds import Finished, Malformed, PassEnded, read, written
from grader.worker.events.phases import MAX_PHASES, Network
from grader.worker.events.recorder import Recorder
from grader.worker.observer.observer import Budget, Observer
from tests.worker.observer.test_observer import without_hooks


class Supervised:
    """An observer, and the history that its supervisor keeps of the frames that it sends."""

    def __init__(self) -> None:
        self.kept = History()
        self.observer = Observer(
            Budget(), Path(__file__).parent, recorder=Recorder(self.receive)
        )
        self.observer.install()

    def receive(self, frame: bytes) -> None:
        rest = [frame]

        def taken(size: int) -> bytes:
            part, rest[0] = rest[0][:size], rest[0][size:]
            return part

        message = wire.read_frame(taken)
        assert message is not None and message[0]["type"] == wire.RECORD
        self.kept.receive(message[0]["number"], message[0]["events"])

    def report(self) -> dict[str, Any]:
        network = self.kept.graded(list(self.observer.trained[0].told.numbers))
        assert network is not None
        return self.kept.report(network)


@pytest.fixture
def supervised(monkeypatch: pytest.MonkeyPatch) -> Iterator[Supervised]:
    yield from without_hooks(monkeypatch, Supervised)


def all_wrong() -> nn.Module:
    """Trains in eval mode, evaluates in train mode, and decays the batch norm only."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 3))
    norms, rest = list(model[1].parameters()), [*model[0].parameters(), *model[2].parameters()]
    optimizer = torch.optim.SGD(
        [{"params": norms, "weight_decay": 0.5}, {"params": rest, "weight_decay": 0.0}], lr=0.1
    )
    for _ in range(2):
        model.eval()
        for _ in range(3):
            optimizer.zero_grad()
            model(torch.randn(6, 4)).sum().backward()
            optimizer.step()
        model.train()
        with torch.no_grad():
            for _ in range(2):
                model(torch.randn(16, 4))
    return model


def truth(report: dict[str, Any]) -> list[Any]:
    rows = [(row["kind"], row["norms_training"], row["norms_evaluating"]) for row in report["runs"]]
    groups = report["optimizer"]["groups"]
    return [*rows, *((group["names"], group["weight_decay"]) for group in groups)]


TRUTH = [
    ("train", 0, 3), ("evaluate", 2, 0), ("train", 0, 3), ("evaluate", 2, 0),
    (["1.weight", "1.bias"], 0.5), (["0.weight", "0.bias", "2.weight", "2.bias"], 0.0),
]  # fmt: skip


def found_by_gc() -> Observer:
    return next(one for one in gc.get_objects() if type(one) is Observer)


def found_in_a_closure() -> Observer:
    cells = [cell.cell_contents for cell in nn.Module.__call__.__closure__ or ()]
    owner: Any = next(one for one in cells if hasattr(one, "muted"))._begin.__self__
    assert isinstance(owner, Observer)
    return owner


def found_in_the_hooks() -> Observer:
    hooks: Any = optimizers._global_optimizer_post_hooks.values()
    owners = (getattr(one, "__self__", None) for one in hooks)
    return next(one for one in owners if isinstance(one, Observer))


def rewrites_the_phases(observer: Observer) -> None:
    for network in observer.history.networks.values():
        for phase in network.phases:
            trains = phase.kind == "train"
            phase.norms_training = phase.passes * trains
            phase.norms_evaluating = phase.passes * (not trains)


def rewrites_the_groups(observer: Observer) -> None:
    for used in observer.history.optimizers._used.values():
        used.groups.reverse()
    observer.steps._settings.clear()
    observer.steps._tuned.clear()


def empties_the_history(observer: Observer) -> None:
    observer.history.networks.clear()
    observer.recorder.history = History()


def swaps_the_descriptions(observer: Observer) -> None:
    for network in observer.history.networks.values():
        names = [row[0] for row in network.rows]
        for row, name in zip(network.rows, reversed(names), strict=True):
            row[0] = name


@pytest.mark.parametrize(
    ("find", "rewrite"),
    [
        (found_by_gc, rewrites_the_phases),
        (found_in_a_closure, rewrites_the_groups),
        (found_in_the_hooks, empties_the_history),
        (found_in_a_closure, swaps_the_descriptions),
    ],
)
def test_what_is_rewritten_after_a_training_changes_nothing(
    supervised: Supervised,
    find: Callable[[], Observer],
    rewrite: Callable[[Observer], None],
) -> None:
    all_wrong()
    graded = list(supervised.observer.trained[0].told.numbers)
    rewrite(find())
    supervised.observer.finish()
    network = supervised.kept.graded(graded)
    assert network is not None
    assert truth(supervised.kept.report(network)) == TRUTH


def test_changes_to_the_network_after_a_training_change_nothing(supervised: Supervised) -> None:
    model = all_wrong()
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    model[1], model[0] = nn.Linear(8, 8), nn.BatchNorm1d(4)  # type: ignore[operator]
    supervised.observer.finish()
    report = supervised.report()
    assert truth(report) == TRUTH
    structure = {row[0]: row[4] for row in report["optimizer"]["structure"]}
    assert structure == dict.fromkeys(
        ("0.weight", "0.bias", "1.weight", "1.bias", "2.weight", "2.bias"), True
    )


def test_an_honest_training_is_the_same_in_both_histories(supervised: Supervised) -> None:
    all_wrong()
    supervised.observer.finish()
    report = supervised.report()
    assert not report["tampered"]
    trained = supervised.observer.trained[0].told
    assert report == supervised.observer.history.report(trained)


@pytest.mark.parametrize("said", [None, {}, {"windows": []}, "well"])
def test_the_first_images_are_told_whatever_the_session_says_of_them(
    supervised: Supervised, said: Any
) -> None:
    all_wrong()
    supervised.observer.finish()
    network = supervised.kept.networks[1]
    learnt = supervised.kept.completed({"learnt": said}, network)["learnt"]
    assert learnt["windows"] == [one.row() for one in network.windows]
    assert learnt["moved"] is None


JUNK: list[tuple[Any, Any]] = [
    (1, [written(Finished())]),                  # a number that has come already
    (None, []),
    (10**9, [["Finished", {}]]),
    ("next", None),
    ("next", [["Stepped", {"settings": 77}]]),
    ("next", [["Stepped", {"settings": True}]]),
    ("next", [["PassEnded", {}]]),
    ("next", [["Described", {"network": 1, "alike": "", "rows": [[1, ["a"]]]}]]),
    ("next", [["Nothing", {}], 7, None]),
]


@pytest.mark.parametrize("junk", JUNK, ids=[str(number) for number in range(len(JUNK))])
def test_forged_events_are_noted_and_do_not_change_what_came_before(
    supervised: Supervised, junk: tuple[Any, Any]
) -> None:
    all_wrong()
    number = supervised.kept._frames + 1 if junk[0] == "next" else junk[0]
    supervised.kept.receive(number, junk[1])
    report = supervised.report()
    assert report["tampered"]
    assert truth(report) == TRUTH


def test_an_end_that_is_forged_before_the_mistake_is_noted(supervised: Supervised) -> None:
    supervised.kept.receive(1, [written(Finished())])
    all_wrong()
    assert supervised.kept.tampered


def test_a_network_that_hardly_trained_is_not_graded_unnoticed(supervised: Supervised) -> None:
    all_wrong()
    shown = nn.Linear(4, 3)
    optimizer = torch.optim.SGD(shown.parameters(), lr=0.1)
    shown(torch.randn(6, 4)).sum().backward()
    optimizer.step()
    supervised.observer.finish()
    networks = supervised.kept.networks
    assert networks[2].steps == 1
    assert supervised.kept.report(networks[2])["tampered"]
    assert not supervised.kept.report(networks[1])["tampered"]


@pytest.mark.parametrize("graded", [None, [], [3], [True], "1", [[1]], [1, 3]])
def test_only_a_network_that_trained_is_graded(supervised: Supervised, graded: Any) -> None:
    all_wrong()
    assert supervised.kept.graded(graded) is None


def test_a_pass_that_was_told_stays_as_it_was_told() -> None:
    told = PassEnded(
        number=1, network=1, images=2, first_of_batch=True, in_train_mode=True, dropouts=0,
        gradients=False, moved=False, waits=False, place="", loader=0, data=0, epoch=0,
        scored=False, loss=float("nan"), correct=0, classes=[],
    )  # fmt: skip
    assert str(read(written(told))) == str(told)
    history = History()
    history.network(1)
    history.take(told)
    vars(told)["number"] = 2
    history.take(told)
    vars(told)["number"] = 1
    with pytest.raises(Malformed):
        history.take(told)


def test_phases_beyond_those_that_are_kept_are_counted_with_the_last_of_their_kind() -> None:
    told = PassEnded(
        number=1, network=1, images=2, first_of_batch=True, in_train_mode=False, dropouts=0,
        gradients=False, moved=False, waits=False, place="", loader=0, data=0, epoch=0,
        scored=False, loss=0.0, correct=0, classes=[],
    )  # fmt: skip
    network = Network((1,))
    for epoch in range(MAX_PHASES + 5):
        network.add(dataclasses.replace(told, epoch=epoch), "evaluate", 1, epoch, None)
    wrong = dataclasses.replace(told, in_train_mode=True, epoch=-1)
    network.add(wrong, "evaluate", 1, 10**4, None)
    assert len(network.phases) == MAX_PHASES
    assert (network.phases[-1].norms_training, network.phases[-1].norms_evaluating) == (1, 6)
