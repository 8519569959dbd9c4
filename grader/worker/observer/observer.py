"""The observer: it is told of each pass through a network and of each step of an optimizer, and
makes runs and networks of them. Installed once in a session's own process, for all of its life.
"""

from __future__ import annotations

import functools
import types
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic  # taken before the student's code may put another in its place
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer, swa_utils
from torch.optim.optimizer import register_optimizer_step_post_hook

from grader.worker.observer import source_lines as places
from grader.worker.observer.batches import Batches
from grader.worker.observer.composite_networks import with_chains
from grader.worker.observer.hooks import Calls
from grader.worker.observer.mistakes import Mistakes
from grader.worker.observer.networks import Watched
from grader.worker.observer.optimizer_steps import Steps
from grader.worker.observer.passes import Pass

MAX_NETWORKS = 100
PATIENCE = 10.0   # seconds
# An evaluation whose passes record gradients may be told apart by the next step only.
MAX_PENDING = 5000


class BudgetReached(BaseException):
    """Raised at a batch boundary when the budget is used up. Not an Exception: a student's
    `except Exception` is not meant for it."""


@dataclass(frozen=True)
class Budget:
    """`images` to train a network on and `seconds` of wall time; None is no limit."""

    images: int | None = None
    seconds: float | None = None


@dataclass
class Observer:
    """What was seen. `stopped` names the budget that was used up, or is "sure".

    `looks`, when set, is asked before a network trains on whether it has learnt enough.
    """

    budget: Budget
    folder: Path
    classes: int | None = None
    began: float = field(default_factory=monotonic)
    steps: Steps = field(default_factory=Steps)
    stopped: str | None = None
    looks: Callable[[Watched], bool] | None = None
    _networks: list[Watched] = field(default_factory=list)
    _by_module: dict[int, tuple[nn.Module, Watched]] = field(default_factory=dict)
    _pending: deque[Pass] = field(default_factory=deque)
    _passes: int = 0
    _looking: bool = False

    def __post_init__(self) -> None:
        self.calls = Calls(self._begin)
        self.batches = Batches(self.folder)
        self.mistakes = Mistakes(self.folder)

    def install(self) -> None:
        """Hook into torch."""
        self.calls.install()
        register_optimizer_step_post_hook(self._stepped)
        self.steps.install()
        self.batches.install()
        self.mistakes.install(self._loss)
        swa_utils.update_bn = self._unseen(swa_utils.update_bn)

    def finish(self) -> None:
        """Tell the last passes apart. Nothing is observed afterwards."""
        self._close()
        if self.steps.count:   # gradients that no step followed were for something else
            self._pending = deque(one for one in self._pending if not one.backward)
        self._settle(all_of_them=True)
        self.calls.muted = True

    def out_of_time(self) -> None:
        """To be called in the main thread, wherever it is, when the budget of seconds is used up,
        and again: code that trains has some seconds more to come to a batch boundary."""
        if self._looking:   # it is not the student's code that takes so long
            return
        patience = PATIENCE if self.trained else 0.0
        if monotonic() - self.began >= (self.budget.seconds or 0.0) + patience:
            self._stop("seconds")

    @property
    def trained(self) -> list[Watched]:
        """The networks that were trained, the one that took most steps first; of equals, the last.

        A part that was called by itself is no network beside the whole. One that was trained by
        hand, without an optimizer, has taken no steps: then backward passes count.
        """
        stepped = [one for one in self._networks if one.steps]
        if not stepped:
            stepped = [one for one in self._networks if one.backward_passes]
        whole = [
            one
            for one in reversed(stepped)
            if not any(one.parameters < other.parameters for other in stepped)
        ]
        whole = with_chains(whole)
        return sorted(whole, key=lambda one: -one.progress)

    @property
    def evaluated(self) -> list[Watched]:
        """The networks that were run and not trained: copies, averages, teachers."""
        return [one for one in self._networks if not one.backward_passes]

    def _unseen(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The same function, whose passes are neither training nor evaluation."""

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            self._close()
            before, self.calls.muted = self.calls.muted, True
            try:
                return function(*args, **kwargs)
            finally:
                self.calls.muted = before

        return call

    # What is told ---------------------------------------------------------------------------------

    def _begin(self, root: nn.Module, inputs: Any, frame: types.FrameType | None) -> Pass:
        before = self.calls.open
        fed_by = before.network if before is not None and before.feeds(inputs) else None
        self._close()
        self._settle(all_of_them=False)
        network = self._network(root)
        self._check_budget(network)
        self._look(network, root)
        place = places.of_caller(self.folder, frame.f_back if frame is not None else None)
        one = Pass(network, root, inputs, self.batches.latest, place, frame)
        network.looks_at(one)
        if fed_by is not None and fed_by is not network and one.may_train:
            network.fed_by = fed_by
        self.calls.open = one
        self._pending.append(one)
        return one

    def _stepped(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        if self.calls.muted:
            return
        self.steps.add(optimizer)
        parameters = {id(one) for group in optimizer.param_groups for one in group["params"]}
        for network in self._networks:
            network.stepped(parameters)
        self.mistakes.stepped()
        self._settle(all_of_them=True)

    def _loss(self, output: Any, targets: Any) -> Pass | None:
        """A loss is computed: of the pass that is open, if it is of that one's output."""
        one = self.calls.open
        if self.calls.muted or one is None or one.output is None:
            return None
        try:
            same = one.output.data_ptr() == output.data_ptr() and one.output.shape == output.shape
        except RuntimeError:   # within torch.func, a tensor has no address
            return None
        if not same:
            return None
        if not one.scored and isinstance(targets, torch.Tensor):
            one.score(one.output, targets)
        return one

    # Putting it together ------------------------------------------------------------------------

    def _network(self, root: nn.Module) -> Watched:
        known = self._by_module.get(id(root))
        if known is not None:
            return known[1]
        parameters = frozenset(map(id, root.parameters()))
        for network in self._networks:
            if network.parameters == parameters:
                break   # a wrapper, such as DataParallel, and what it wraps
        else:
            tell = self.mistakes.before_backward
            network = Watched(root, parameters, tell, self.classes)
            if len(self._networks) < MAX_NETWORKS:
                self._networks.append(network)
        self._by_module[id(root)] = root, network   # held, so that its id stays its own
        return network

    def _close(self) -> None:
        if self.calls.open is not None:
            self.calls.open.closes()
            self.calls.open = None

    def _settle(self, all_of_them: bool) -> None:
        """Hand on the passes that can be told apart: a step tells all of them."""
        while self._pending:
            one = self._pending[0]
            # Where no optimizer is, no step will tell: then a backward pass has to do.
            waits = one.may_go_backward and (not one.backward or self.steps.count > 0)
            if waits and not all_of_them and len(self._pending) < MAX_PENDING:
                return
            self._pending.popleft()
            self._passes += 1
            one.network.add(one, self._passes, self.steps.lr)

    def _check_budget(self, network: Watched) -> None:
        budget = self.budget
        if budget.seconds is not None and monotonic() - self.began > budget.seconds:
            self._stop("seconds")
        elif budget.images is not None and network.images > budget.images:
            # One batch too many: the evaluation after the last epoch still belonged to it.
            self._stop("epochs")

    def _look(self, network: Watched, root: nn.Module) -> None:
        """Let the grader look at a network that is about to be trained on. That is no part of the
        training: nothing of it is observed, and it takes none of its seconds."""
        if self.stopped == "sure":   # the student's code has swallowed it
            self._stop("sure")
        if self.looks is None or self._pending or not (
            root.training and torch.is_grad_enabled()
        ):
            return
        before, began = self.calls.muted, monotonic()
        self.calls.muted = self._looking = True
        try:
            enough = self.looks(network)
        finally:
            self.calls.muted, self._looking = before, False
            self.began += monotonic() - began
        if enough:
            self._stop("sure")

    def _stop(self, budget: str) -> None:
        self.stopped = budget
        raise BudgetReached(budget)

