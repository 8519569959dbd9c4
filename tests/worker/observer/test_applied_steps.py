"""Weight decay is read where it is applied, whatever an optimizer's groups show."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.optim import SGD, Adam, Optimizer
from torch.optim import optimizer as optimizers

from grader.worker.events.history import History
from grader.worker.events.kinds import Event
from grader.worker.events.optimizers import Settings
from grader.worker.observer import applied_steps
from grader.worker.observer.applied_steps import AppliedSteps
from grader.worker.observer.optimizer_steps import OptimizerSteps

DECAY = 1e-2
Groups = list[dict[str, Any]]
Make = Callable[[Groups], Optimizer]


class Steps:
    """Steps, told to a history."""

    def __init__(self, applied: AppliedSteps) -> None:
        self.applied, self.history = applied, History()
        self.tensors: dict[int, torch.Tensor] = {}
        self.told = OptimizerSteps(self._tell, self._number_of, list)

    def _tell(self, *events: Event) -> None:
        for event in events:
            self.history.take(event)

    def _number_of(self, tensor: torch.Tensor) -> int:
        known = [number for number, one in self.tensors.items() if one is tensor]
        number = known[0] if known else len(self.tensors)
        self.tensors[number] = tensor
        return number

    @property
    def count(self) -> int:
        return self.history.optimizers.count

    def settings(self, model: nn.Module) -> Settings:
        found = self.history.optimizers.of(set(map(self._number_of, model.parameters())))
        assert found is not None
        return found

    def decayed(self, found: Settings) -> set[int]:
        """Dimensions of the parameters that are decayed: {2} is right."""
        return {self.tensors[number].dim() for number, yes in found.decayed.items() if yes}


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Iterator[Steps]:
    """The steps of all optimizers, each compared; torch is as before afterwards."""
    monkeypatch.setattr(applied_steps, "ONE_IN", 1)
    for optimizer in {one for one in vars(torch.optim).values() if isinstance(one, type)}:
        module, name = sys.modules[optimizer.__module__], optimizer.__name__.lower()
        if hasattr(module, name):
            monkeypatch.setattr(module, name, getattr(module, name))
    applied = AppliedSteps()
    found = Steps(applied)

    def stepped(optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        one = applied.ends(optimizer)
        if one is not None:
            found.told.add(one)

    def begins(optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        applied.begins(optimizer)

    applied.install()
    before = optimizers.register_optimizer_step_pre_hook(begins)
    after = optimizers.register_optimizer_step_post_hook(stepped)
    yield found
    before.remove()
    after.remove()


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(12, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 8))


def groups_of(model: nn.Module, decay: float = DECAY) -> Groups:
    """Weight decay on matrices only, as the homework wants it."""
    own = list(model.parameters())
    return [
        {"params": [p for p in own if p.dim() == 1], "weight_decay": 0.0},
        {"params": [p for p in own if p.dim() > 1], "weight_decay": decay},
    ]


def trained(
    steps: Steps, make: Make, times: int = 12,
    after: Callable[[nn.Module], None] = lambda model: None,
) -> Settings:
    model = network()
    optimizer = make(groups_of(model))
    for _ in range(times):
        images, labels = torch.randn(32, 12), torch.randint(8, (32,))

        def loss(images: torch.Tensor = images, labels: torch.Tensor = labels) -> torch.Tensor:
            optimizer.zero_grad()
            value = F.cross_entropy(model(images), labels)
            value.backward()  # type: ignore[no-untyped-call]
            steps.applied.goes_backward()
            return value

        loss()
        closure: Any = loss if isinstance(optimizer, SharpnessAware) else None
        optimizer.step(closure)
        after(model)
    return steps.settings(model)


class Swaps(SGD):
    """Shows the right weight decay and takes its steps with the other."""

    def swap(self) -> None:
        first, second = self.param_groups
        first["weight_decay"], second["weight_decay"] = (
            second["weight_decay"], first["weight_decay"],
        )  # fmt: skip

    def step(self, closure: Any = None) -> Any:
        self.swap()
        super().step(closure)
        self.swap()


class SwapsInHooks(Swaps):
    step = SGD.step

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.register_step_pre_hook(lambda *_: self.swap())
        self.register_step_post_hook(lambda *_: self.swap())


class ShowsOthers(SGD):
    """Its groups are others whenever somebody else than torch looks."""

    working = False

    def __getattribute__(self, name: str) -> Any:
        value = super().__getattribute__(name)
        if name != "param_groups" or not super().__getattribute__("working"):
            return value
        return [{**group, "weight_decay": DECAY - group["weight_decay"]} for group in value]

    def step(self, closure: Any = None) -> Any:
        self.working = True
        super().step(closure)
        self.working = False


class WorksWithAnother(Optimizer):
    """Leaves its work to an optimizer that nobody sees."""

    def __init__(self, groups: Groups) -> None:
        super().__init__(groups, {"lr": 0.1})
        self.inner = SGD([p for g in groups for p in g["params"]], lr=0.1, weight_decay=DECAY)

    def step(self, closure: Any = None) -> Any:
        self.inner.step()


class CallsTheStepItself(SGD):
    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        own = [p for group in self.param_groups for p in group["params"]]
        sys.modules[SGD.__module__].sgd(
            own, [p.grad for p in own], [None] * len(own), weight_decay=DECAY, momentum=0.0,
            lr=0.1, dampening=0.0, nesterov=False, maximize=False,
        )  # fmt: skip


class DecaysByHand(SGD):
    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        torch._foreach_mul_(self.param_groups[0]["params"], 1 - 0.1 * DECAY)
        super().step(closure)


class DecaysTheGradients(SGD):
    def step(self, closure: Any = None) -> Any:
        for parameter in self.param_groups[0]["params"]:
            parameter.grad.add_(parameter.detach(), alpha=DECAY)
        super().step(closure)


class UndoesItsDecay(SGD):
    def step(self, closure: Any = None) -> Any:
        for parameter in self.param_groups[1]["params"]:
            parameter.data /= 1 - 0.1 * DECAY
        super().step(closure)


class ByHand(Optimizer):
    """An optimizer of the student's own; `used` is the weight decay that it applies."""

    def __init__(self, groups: Groups, used: float | None = None, nesterov: bool = False) -> None:
        super().__init__(groups, {"lr": 0.1})
        self.used, self.nesterov = used, nesterov

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        for group in self.param_groups:
            for parameter in group["params"]:
                decay = group["weight_decay"] if self.used is None else self.used
                gradient = parameter.grad.add(parameter, alpha=decay)
                kept = self.state[parameter].setdefault("kept", torch.zeros_like(parameter))
                kept.mul_(0.9).add_(gradient)
                moved = gradient.add(kept, alpha=0.9) if self.nesterov else kept
                parameter.add_(moved, alpha=-group["lr"])


class SignsByHand(ByHand):
    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.add_(parameter.grad.sign(), alpha=-1e-3)


class WarmsUp(SGD):
    taken = 0

    def step(self, closure: Any = None) -> Any:
        self.taken += 1
        for group in self.param_groups:
            group["lr"] = 0.01 * self.taken
            nn.utils.clip_grad_norm_(group["params"], 0.5)
        return super().step(closure)


class LooksAhead(Optimizer):
    def __init__(self, groups: Groups) -> None:
        super().__init__(groups, {"lr": 0.1})
        self.base, self.taken = SGD(groups, lr=0.1, momentum=0.9), 0
        self.slow = [p.detach().clone() for g in groups for p in g["params"]]

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        self.base.step()
        self.taken += 1
        fast = [p for group in self.param_groups for p in group["params"]]
        if self.taken % 5 == 0:
            for slow, parameter in zip(self.slow, fast, strict=True):
                parameter.copy_(slow.lerp_(parameter, 0.5))


class SharpnessAware(Optimizer):
    """Climbs, computes the gradients anew, goes back and lets its base optimizer step."""

    def __init__(self, groups: Groups) -> None:
        self.base = SGD(groups, lr=0.1, momentum=0.9)
        super().__init__(groups, {"lr": 0.1})

    def step(self, closure: Any = None) -> Any:
        own = [p for group in self.base.param_groups for p in group["params"]]
        climbed = [0.05 * p.grad for p in own]
        torch._foreach_add_([p.data for p in own], climbed)
        closure()
        torch._foreach_sub_([p.data for p in own], climbed)
        self.base.step()


def sgd(groups: Groups) -> Optimizer:
    return SGD(groups, lr=0.1, momentum=0.9)


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda groups: Swaps(groups, lr=0.1), {1}),
        (lambda groups: SwapsInHooks(groups, lr=0.1), {1}),
        (lambda groups: ShowsOthers(groups, lr=0.1), {1}),
        (WorksWithAnother, {1, 2}),
        (lambda groups: CallsTheStepItself(groups, lr=0.1), {1, 2}),
        (lambda groups: DecaysByHand(groups, lr=0.1, momentum=0.9), {1, 2}),
        (lambda groups: DecaysTheGradients(groups, lr=0.1), {1, 2}),
        (lambda groups: ByHand(groups, used=0.0), set()),
        (lambda groups: ByHand(groups, used=DECAY), {1, 2}),
    ],
)  # fmt: skip
def test_a_weight_decay_that_is_not_shown_counts(
    steps: Steps, make: Make, expected: set[int]
) -> None:
    found = trained(steps, make)
    assert (found.doubt, steps.decayed(found)) == ("", expected)


@pytest.mark.parametrize(
    "make",
    [
        sgd,
        lambda groups: SGD(groups, lr=0.1, momentum=0.9, nesterov=True, foreach=True),
        lambda groups: Adam(groups, lr=0.01),
        lambda groups: torch.optim.AdamW(groups, lr=0.01),
        lambda groups: torch.optim.RMSprop(groups, lr=0.01),
        lambda groups: torch.optim.NAdam(groups, lr=0.01, decoupled_weight_decay=True),
        lambda groups: WarmsUp(groups, lr=0.1, momentum=0.9),
        ByHand,
        lambda groups: ByHand(groups, nesterov=True),
        LooksAhead,
        SharpnessAware,
    ],
)
def test_an_honest_optimizer_is_as_it_shows(steps: Steps, make: Make) -> None:
    found = trained(steps, make)
    assert (found.doubt, steps.decayed(found)) == ("", {2})


@pytest.mark.parametrize("make", [lambda groups: UndoesItsDecay(groups, lr=0.1), SignsByHand])
def test_steps_that_cannot_be_explained_are_in_doubt(steps: Steps, make: Make) -> None:
    assert trained(steps, make).doubt == "unexplained"


def test_a_step_within_a_step_counts_once(steps: Steps) -> None:
    trained(steps, LooksAhead, times=3)
    assert steps.count == 3


def test_a_step_that_an_exception_ended_hides_no_later_one(steps: Steps) -> None:
    class Fails(Swaps):
        def step(self, closure: Any = None) -> Any:
            raise ValueError

    model = network()
    failing = Fails(groups_of(model), lr=0.1)
    with pytest.raises(ValueError):
        failing.step()
    found = trained(steps, sgd)
    assert (steps.count, steps.decayed(found)) == (12, {2})


def test_an_optimizer_for_show_is_no_match_for_the_one_that_moves_the_weights(
    steps: Steps,
) -> None:
    model = network()
    shown, real = SGD(groups_of(model), lr=1e-6), SGD(model.parameters(), 0.1, weight_decay=DECAY)
    for _ in range(6):
        model.zero_grad()
        model(torch.randn(8, 12)).square().mean().backward()
        shown.step()
        shown.step()
        real.step()
    found = steps.settings(model)
    assert found.doubt == "another"


def test_weight_decay_by_hand_between_steps_is_no_weight_decay(steps: Steps) -> None:
    def decay(model: nn.Module) -> None:
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.mul_(1 - 0.1 * DECAY)

    def plain(groups: Groups) -> Optimizer:
        return SGD([p for group in groups for p in group["params"]], lr=0.1)

    found = trained(steps, plain, 6, decay)
    assert (found.doubt, steps.decayed(found)) == ("", set())
