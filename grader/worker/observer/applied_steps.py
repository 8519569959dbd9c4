"""Reads from a step of an optimizer which weight decay it applied.

The groups that an optimizer shows may differ from those that it works with. So the settings are
taken from torch's functional step (`torch.optim.sgd.sgd` and the like) as it is called. In some
steps the weights are compared before and after: all of their change has to come from such a call,
or has to be explained by the gradients and the weights themselves.
"""

from __future__ import annotations

import functools
import inspect
import random
import sys
import types
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch.optim import Optimizer

from grader.worker.observer.updates import Finding, Update, first_row, values_of

# The first steps of an optimizer are compared, and later ones at random: student code cannot know
# which. A comparison costs about as much as a step of a small network.
FIRST, ONE_IN = 3, 20
_SETTINGS = ("lr", "weight_decay", "momentum")
_LIBRARIES = str(Path(torch.__file__).resolve().parents[1])


@dataclass(frozen=True)
class Applied:
    """A step as it was taken.

    Attributes:
        optimizer: the name of the optimizer's class.
        groups: its parameter groups, with the weight decay and the learning rate that torch's
            functional step got.
        findings: the findings on parameters that were compared and not left to torch alone, by id.
        moved: the length of the change of the values that were compared; None if none were.
    """

    optimizer: str
    groups: list[dict[str, Any]]
    findings: dict[int, Finding] = field(default_factory=dict)
    moved: float | None = None

    @property
    def explained(self) -> bool:
        """False if weights changed otherwise than by gradients and weight decay."""
        return all(one.kind != "unexplained" for one in self.findings.values())


@dataclass
class _Running:
    """A step that is running.

    `calls` has the parameters that torch's functional step got, with its settings. `findings` are
    on those that got two calls which differ. `updates` is None if the weights are not compared.
    """

    optimizer: Optimizer
    frame: types.FrameType
    backward_passes: int
    calls: dict[int, tuple[torch.Tensor, dict[str, Any]]] = field(default_factory=dict)
    findings: dict[int, Finding] = field(default_factory=dict)
    updates: dict[int, Update] | None = None

    def is_called(self, parameters: Iterable[torch.Tensor], settings: dict[str, Any]) -> None:
        """Note a call of torch's functional step; of several for a parameter the fastest counts."""
        for parameter in parameters:
            _, known = self.calls.get(id(parameter), (parameter, settings))
            if bool(known["weight_decay"]) != bool(settings["weight_decay"]):
                self.findings[id(parameter)] = Finding("unexplained")
            faster = known if known["lr"] > settings["lr"] else settings
            self.calls[id(parameter)] = parameter, faster


@dataclass
class _History:
    """The steps of an optimizer; `latest` is empty unless the step before was compared."""

    steps: int = 0
    again: bool = False   # the next step is compared as well: momentum is explained by two steps
    latest: dict[int, Update] = field(default_factory=dict)


class AppliedSteps:
    """The step that is running, and what is done in it."""

    def __init__(self) -> None:
        self._running: list[_Running] = []
        self._histories: WeakKeyDictionary[Optimizer, _History] = WeakKeyDictionary()
        self._backward_passes = 0
        self._random = random.Random()   # seeded by the system; the script's own are left alone

    def install(self) -> None:
        """Replace torch's functional steps in the modules of its optimizers."""
        for optimizer in list(vars(torch.optim).values()):
            if isinstance(optimizer, type) and issubclass(optimizer, Optimizer):
                module, name = sys.modules[optimizer.__module__], optimizer.__name__.lower()
                function = getattr(module, name, None)
                if isinstance(function, types.FunctionType):
                    setattr(module, name, self._reporting(function))

    def goes_backward(self) -> None:
        """Note that gradients were computed, perhaps within a step."""
        self._backward_passes += 1

    def begins(self, optimizer: Optimizer) -> bool:
        """Note that a step begins. False if it is a part of another step."""
        frame = sys._getframe(2)
        self._forget_interrupted(frame)
        one = _Running(optimizer, frame, self._backward_passes)
        history = self._histories.setdefault(optimizer, _History())
        if not self._running and self._is_compared(history):
            one.updates = {
                id(p): Update(values_of(p, self._row(p, history.latest), p.grad))
                for p in _parameters(optimizer)
            }
        self._running.append(one)
        return len(self._running) == 1

    def ends(self, optimizer: Optimizer) -> Applied | None:
        """The step that ends; None for a part of another step."""
        while self._running and self._running[-1].optimizer is not optimizer:
            self._running.pop()
        if not self._running:   # it began before it was observed
            return Applied(type(optimizer).__name__, _copied(optimizer))
        one = self._running.pop()
        if self._running:
            return None
        name, groups = type(optimizer).__name__, _groups(one)
        if one.updates is None:
            return Applied(name, groups, one.findings)
        for parameter in _parameters(optimizer):
            update = one.updates.get(id(parameter))
            if update is not None:
                update.ends(values_of(parameter, update.before.first, None))
        findings = self._findings(one, one.updates)
        moved = sum(update.moved**2 for update in one.updates.values()) ** 0.5
        return Applied(name, groups, findings, moved)

    def _findings(self, one: _Running, updates: dict[int, Update]) -> dict[int, Finding]:
        new = one.backward_passes != self._backward_passes
        trusted = not one.calls and _is_of_a_library(one.optimizer)
        history = self._histories.setdefault(one.optimizer, _History())
        found = {}
        for key, update in updates.items():
            if key in one.calls:
                found[key] = update.beside_torch(new_gradients=new)
            elif update.moved and not trusted and (key in history.latest or history.steps == 1):
                found[key] = update.alone(history.latest.get(key))
        history.latest = updates
        return found | one.findings

    def _is_compared(self, history: _History) -> bool:
        history.steps += 1
        before = history.again
        if not before:
            history.latest = {}
        chosen = not before and self._random.randrange(ONE_IN) == 0
        history.again = chosen or history.steps <= FIRST
        return history.again or before

    def _row(self, parameter: torch.Tensor, latest: dict[int, Update]) -> int:
        """A row of a tensor; the same as in the step before, if that was compared."""
        known = latest.get(id(parameter))
        return known.before.first if known is not None else first_row(parameter, self._random)

    def _forget_interrupted(self, frame: types.FrameType) -> None:
        """Drop the steps that ended by an exception."""
        if not self._running:
            return
        callers = set()
        outer = frame.f_back
        while outer is not None:
            callers.add(outer)
            outer = outer.f_back
        self._running = [one for one in self._running if one.frame in callers]

    def _reporting(self, function: Callable[..., Any]) -> Callable[..., Any]:
        steps = self

        @functools.wraps(function)
        def step(params: Any, grads: Any, *args: Any, **kwargs: Any) -> Any:
            one = steps._running[0] if steps._running else None
            if one is None:
                return function(params, grads, *args, **kwargs)
            settings = {name: float(kwargs[name]) for name in _SETTINGS if name in kwargs}
            one.is_called(params, {"lr": 1.0, "weight_decay": 0.0} | settings)
            updates = one.updates or {}
            compared = [
                (p, updates[id(p)], g) for p, g in zip(params, grads, strict=False)
                if id(p) in updates
            ]  # fmt: skip
            for parameter, update, gradient in compared:
                update.enters(values_of(parameter, update.before.first, gradient))
            result = function(params, grads, *args, **kwargs)
            for parameter, update, _ in compared:
                update.leaves(values_of(parameter, update.before.first, None))
            return result

        return step


def _groups(one: _Running) -> list[dict[str, Any]]:
    """The optimizer's groups; each is split where torch's step got several settings for it.

    A parameter with a gradient that torch's step did not get is left out, where others were.
    """
    found: list[dict[str, Any]] = []
    left = dict(one.calls)
    for group in _copied(one.optimizer):
        parts: dict[Any, dict[str, Any]] = {}
        for parameter in group["params"]:
            left.pop(id(parameter), None)
            call = one.calls.get(id(parameter))
            if call is None and one.calls and parameter.grad is not None:
                continue
            # Without a gradient, torch's step did not get it: the group's own settings hold.
            settings = group if call is None else {**group, **call[1]}
            key = tuple(map(settings.get, _SETTINGS))
            part = parts.setdefault(key, {**settings, "params": []})
            part["params"].append(parameter)
        found += parts.values() or [group]
    found += [{"params": [parameter], **settings} for parameter, settings in left.values()]
    return found


def _copied(optimizer: Optimizer) -> list[dict[str, Any]]:
    return [{**group, "params": list(group["params"])} for group in optimizer.param_groups]


def _parameters(optimizer: Optimizer) -> Iterator[torch.Tensor]:
    for group in optimizer.param_groups:
        yield from group["params"]


def _is_of_a_library(optimizer: Optimizer) -> bool:
    """True for a step of an installed package, with nothing of the student's around it."""
    code = getattr(inspect.unwrap(type(optimizer).step), "__code__", None)
    hooks = optimizer._optimizer_step_pre_hooks or optimizer._optimizer_step_post_hooks
    return code is not None and code.co_filename.startswith(_LIBRARIES) and not hooks
