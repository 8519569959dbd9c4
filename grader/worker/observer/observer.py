"""The observer of a training: groups forward passes and optimizer steps by network and phase.

It is installed once, for the lifetime of a session's process.
"""

from __future__ import annotations

import functools
import types
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer, swa_utils
from torch.optim.optimizer import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)

from grader.stopwatch import Stopwatch
from grader.worker.observer.applied_steps import AppliedSteps
from grader.worker.observer.batches import Batches
from grader.worker.observer.composite_networks import join_composites
from grader.worker.observer.hooks import Calls
from grader.worker.observer.mistakes import Mistakes
from grader.worker.observer.networks import ObservedNetwork
from grader.worker.observer.optimizer_steps import OptimizerSteps
from grader.worker.observer.passes import Pass
from grader.worker.observer.penalties import Penalties
from grader.worker.observer.source_lines import calling_line
from grader.worker.process.processor_time import processor_seconds

MAX_NETWORKS = 100
PATIENCE = 10.0   # seconds
# Only the next step shows whether passes that record gradients belong to an evaluation.
MAX_PENDING = 5000


class BudgetReached(BaseException):
    """The budget is used up; raised at a batch boundary.

    It is no Exception, so that a student's `except Exception` does not catch it.
    """


@dataclass(frozen=True)
class Budget:
    """The limits of a training; None is no limit.

    Attributes:
        images: images to train a network on.
        seconds: seconds, as `Stopwatch` counts them.
        stall: seconds in which no network runs.
        threads: the threads that the training was given.
    """

    images: int | None = None
    seconds: float | None = None
    stall: float | None = None
    threads: int = 1


@dataclass
class Observer:
    """The networks, steps, batches and mistakes of a training.

    Attributes:
        budget: the limits at which the training is stopped.
        folder: the submission, whose lines are recorded.
        classes: the number of classes of the data, if known.
        stopwatch: counts the seconds of the training.
        stopped: the budget that was used up: "epochs", "seconds", "stalled" if no network ran any
            more, or "sure" for full credit.
        interim_look: if set, called before each training pass; true ends the training.
    """

    budget: Budget
    folder: Path
    classes: int | None = None
    steps: OptimizerSteps = field(default_factory=OptimizerSteps)
    applied: AppliedSteps = field(default_factory=AppliedSteps)
    stopped: str | None = None
    interim_look: Callable[[ObservedNetwork], bool] | None = None
    _networks: list[ObservedNetwork] = field(default_factory=list)
    _by_module: dict[int, tuple[nn.Module, ObservedNetwork]] = field(default_factory=dict)
    _pending: deque[Pass] = field(default_factory=deque)
    _passes: int = 0
    _looking: bool = False
    _latest: float = 0.0    # seconds at the latest pass

    def __post_init__(self) -> None:
        self.stopwatch = Stopwatch(processor_seconds, self.budget.threads)
        self.calls = Calls(self._begin)
        self.batches = Batches(self.folder)
        self.mistakes = Mistakes(self.folder)
        self.penalties = Penalties()

    def install(self) -> None:
        """Hook into torch."""
        self.calls.install()
        register_optimizer_step_pre_hook(self._steps)
        register_optimizer_step_post_hook(self._stepped)
        self.applied.install()
        self.steps.install()
        self.batches.install()
        self.mistakes.install(self._loss)
        self.penalties.install()
        swa_utils.update_bn = self._unseen(swa_utils.update_bn)

    def finish(self) -> None:
        """Determine the kinds of the last passes. Nothing is observed afterwards."""
        self._close()
        if self.steps.count:   # gradients without a step after them had another purpose
            self._pending = deque(one for one in self._pending if not one.backward)
        self._settle(all_of_them=True)
        self.calls.muted, self.batches.closing = True, False

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Observe the student's code, and end it by the budget, in this context only.

        Passes that the grader makes afterwards count for nothing and end nothing.
        """
        self.calls.muted = False
        try:
            yield
        finally:
            self._close()
            self.calls.muted = True

    def out_of_time(self) -> None:
        """Stop the training once no network runs any more, or the budget of seconds is used up.

        The alarm calls it in the main thread, again and again: code that trains gets `PATIENCE`
        more seconds to reach a batch boundary.
        """
        if self._looking:   # the grader's own look takes this time
            return
        used, budget = self.stopwatch.look(), self.budget
        if budget.stall is not None and used - self._latest >= budget.stall:
            self._stop("stalled")
        patience = PATIENCE if self.trained else 0.0
        if budget.seconds is not None and self.stopwatch.is_over(budget.seconds + patience):
            self._stop("seconds")

    @property
    def trained(self) -> list[ObservedNetwork]:
        """The networks that were trained, the one with most steps first, of equals the latest.

        A part of a larger network is left out. Where no optimizer took a step, backward passes
        count in place of steps.
        """
        stepped = [one for one in self._networks if one.steps]
        stepped = stepped or [one for one in self._networks if one.backward_passes]
        whole = [
            one
            for one in reversed(stepped)
            if not any(one.parameters < other.parameters for other in stepped)
        ]
        return sorted(join_composites(whole), key=lambda one: -one.progress)

    @property
    def evaluated(self) -> list[ObservedNetwork]:
        """The networks that were run but not trained: copies, averages, teachers."""
        return [one for one in self._networks if not one.backward_passes]

    def _unseen(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap a function whose passes are neither training nor evaluation."""

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            self._close()
            before, self.calls.muted = self.calls.muted, True
            try:
                return function(*args, **kwargs)
            finally:
                self.calls.muted = before

        return call

    def _begin(self, root: nn.Module, inputs: Any, frame: types.FrameType | None) -> Pass:
        before = self.calls.open
        fed_by = before.network if before is not None and before.feeds(inputs) else None
        self._close()
        self._settle(all_of_them=False)
        network = self._network(root)
        self._check_budget(network)
        self._look(network, root)
        place = calling_line(self.folder, frame.f_back if frame is not None else None)
        one = Pass(network, root, inputs, self.batches.latest, place, frame)
        network.keep_sample(one)
        if fed_by is not None and fed_by is not network and one.may_train:
            network.fed_by = fed_by
        self.calls.open = one
        self._pending.append(one)
        return one

    def _steps(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        if not self.calls.muted:
            self.applied.begins(optimizer)

    def _stepped(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        if self.calls.muted:
            return
        applied = self.applied.ends(optimizer)
        if applied is not None:
            self.steps.add(applied)
        parameters = {id(one) for group in optimizer.param_groups for one in group["params"]}
        for network in self._networks:
            network.stepped(parameters)
        self.mistakes.stepped()
        self._settle(all_of_them=True)
        if self.batches.cut_short:
            self._stop("seconds")

    def _goes_backward(self, network: ObservedNetwork) -> None:
        self.mistakes.before_backward(network)
        self.applied.goes_backward()
        self._begins(network)

    def _begins(self, network: ObservedNetwork) -> None:
        if not network.beginning.begun:
            others = [one for one in self._networks if one is not network and one.progress]
            network.beginning.begin(
                network.module, ((one.module, one.beginning) for one in others)
            )

    def _loss(self, output: Any, targets: Any) -> Pass | None:
        """The open pass, if a loss is computed from its output; its score is noted."""
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

    def _network(self, root: nn.Module) -> ObservedNetwork:
        known = self._by_module.get(id(root))
        if known is not None:
            return known[1]
        parameters = frozenset(map(id, root.parameters()))
        for network in self._networks:
            if network.parameters == parameters:
                break   # a wrapper, such as DataParallel, and what it wraps
        else:
            network = ObservedNetwork(root, parameters, self._goes_backward, self.classes)
            if len(self._networks) < MAX_NETWORKS:
                self._networks.append(network)
        self._by_module[id(root)] = root, network   # the reference keeps the id from being reused
        return network

    def _close(self) -> None:
        if self.calls.open is not None:
            self.calls.open.closes()
            self.calls.open = None

    def _settle(self, all_of_them: bool) -> None:
        """Add the passes whose kind is known to their phases; after a step all are known."""
        while self._pending:
            one = self._pending[0]
            # Without an optimizer there will be no step, so a backward pass has to be enough.
            waits = one.may_go_backward and (not one.backward or self.steps.count > 0)
            if waits and not all_of_them and len(self._pending) < MAX_PENDING:
                return
            self._pending.popleft()
            self._passes += 1
            one.network.add(one, self._passes, self.steps.lr)

    def _check_budget(self, network: ObservedNetwork) -> None:
        budget = self.budget
        self._latest = self.stopwatch.look()
        if budget.seconds is not None and self.stopwatch.is_over(budget.seconds):
            self._close_down()
        elif budget.images is not None and network.images > budget.images:
            # Stopped one batch late, so that the evaluation after the last epoch is included.
            self._stop("epochs")

    def _close_down(self) -> None:
        """Stop the training, after one evaluation on a few images if there was none yet.

        Only that shows how the script evaluates its network. So the loaders end early, until the
        first step of the next epoch or until `PATIENCE` is over.
        """
        if self.steps.count and not any(one.was_evaluated for one in self._networks):
            self.batches.closing = True
        late = self.stopwatch.is_over((self.budget.seconds or 0.0) + PATIENCE)
        if not self.batches.closing or late:
            self._stop("seconds")

    def _look(self, network: ObservedNetwork, root: nn.Module) -> None:
        """Take an interim look at a network before its next training pass.

        The look is no part of the training: it is not observed and uses none of the seconds.
        """
        if self.stopped == "sure":   # the student's code has caught the exception
            self._stop("sure")
        trains = root.training and torch.is_grad_enabled()
        if self.interim_look is None or self._pending or not trains:
            return
        before = self.calls.muted
        self.calls.muted = self._looking = True
        try:
            enough = self.interim_look(network)
        finally:
            self.calls.muted, self._looking = before, False
            self.stopwatch.skip()
        if enough:
            self._stop("sure")

    def _stop(self, budget: str) -> None:
        self.stopped = budget
        raise BudgetReached(budget)
