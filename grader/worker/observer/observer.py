"""The observer of a training: tells each forward pass and optimizer step as it happens.

It is installed once, for the lifetime of a session's process. `events` keeps what follows from the
events; the report is made of those that the supervisor got.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Iterable, Iterator
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
from grader.worker.events.history import History
from grader.worker.events.kinds import (
    Continued,
    Described,
    Event,
    Finished,
    Penalised,
    Stopped,
    WentBackward,
)
from grader.worker.events.recorder import Recorder
from grader.worker.observer.applied_steps import AppliedSteps
from grader.worker.observer.batches import Batches
from grader.worker.observer.composite_networks import join_composites
from grader.worker.observer.hooks import Calls
from grader.worker.observer.ledger import Ledger
from grader.worker.observer.mistakes import Mistakes
from grader.worker.observer.networks import ObservedNetwork, description
from grader.worker.observer.optimizer_steps import OptimizerSteps
from grader.worker.observer.passes import Pass
from grader.worker.observer.penalties import Penalties
from grader.worker.observer.source_lines import calling_line
from grader.worker.process.processor_time import processor_seconds

MAX_NETWORKS = 100
PATIENCE = 10.0   # seconds


class BudgetReached(BaseException):
    """The budget is used up; raised at a batch boundary.

    It is no Exception, so that a student's `except Exception` does not catch it.
    """


@dataclass(frozen=True)
class Budget:
    """The limits of a training; None is no limit.

    Attributes:
        images: images to train the same weights on.
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
        recorder: tells the events of the training.
        stopwatch: counts the seconds of the training.
        stopped: the budget that was used up: "epochs", "seconds", "stalled" if no network ran any
            more, or "sure" for full credit.
        interim_look: if set, called before each training pass; true ends the training.
    """

    budget: Budget
    folder: Path
    classes: int | None = None
    recorder: Recorder = field(default_factory=Recorder)
    applied: AppliedSteps = field(default_factory=AppliedSteps)
    ledger: Ledger = field(default_factory=Ledger)
    stopped: str | None = None
    interim_look: Callable[[ObservedNetwork], bool] | None = None
    _networks: list[ObservedNetwork] = field(default_factory=list)
    _by_module: dict[int, tuple[nn.Module, ObservedNetwork]] = field(default_factory=dict)
    _described: dict[int, Described] = field(default_factory=dict)
    _numbers: dict[int, tuple[torch.Tensor, int]] = field(default_factory=dict)
    _looking: bool = False
    _latest: float = 0.0    # seconds at the latest pass

    def __post_init__(self) -> None:
        self.stopwatch = Stopwatch(processor_seconds, self.budget.threads)
        self.calls = Calls(self._begin, self._ended)
        self.steps = OptimizerSteps(self._tell, self._number_of, self._descriptions)
        self.batches = Batches(self.folder)
        self.mistakes = Mistakes(self.folder)
        self.penalties = Penalties(self._penalised)

    def install(self) -> None:
        """Hook into torch."""
        self.calls.install()
        register_optimizer_step_pre_hook(self._steps)
        register_optimizer_step_post_hook(self._stepped)
        self.applied.install()
        self.ledger.install()
        self.steps.install()
        self.batches.install()
        self.mistakes.install(self._loss)
        self.penalties.install()
        swa_utils.update_bn = self._unseen(swa_utils.update_bn)

    def finish(self) -> None:
        """Determine the kinds of the last passes. Nothing is observed afterwards."""
        self._close()
        self._tell(Finished())
        for network in self._networks:
            network.finish()
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
        if self._looking or self.recorder.telling:   # the grader's own look takes this time
            return
        used, budget = self.stopwatch.look(), self.budget
        if budget.stall is not None and used - self._latest >= budget.stall:
            self._stop("stalled")
        patience = PATIENCE if self.trained else 0.0
        if budget.seconds is not None and self.stopwatch.is_over(budget.seconds + patience):
            self._stop("seconds")

    @property
    def history(self) -> History:
        """The history of the events so far, as this process sees it."""
        return self.recorder.history

    @property
    def trained(self) -> list[ObservedNetwork]:
        """The networks that were trained, the one with most steps first, of equals the latest.

        A part of a larger network is left out. Where no optimizer took a step, backward passes
        count in place of steps.
        """
        stepped = [one for one in self._networks if one.steps]
        stepped = stepped or [one for one in self._networks if one.told.backward_passes]
        whole = [
            one
            for one in reversed(stepped)
            if not any(one.parameters < other.parameters for other in stepped)
        ]
        return sorted(join_composites(whole), key=lambda one: -one.progress)

    @property
    def evaluated(self) -> list[ObservedNetwork]:
        """The networks that were run but not trained: copies, averages, teachers."""
        return [one for one in self._networks if not one.told.backward_passes]

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
        self.history.settle(all_of_them=False)
        network = self._network(root)
        self.ledger.pass_begins(network)
        self._check_budget(network)
        self._look(network, root)
        place = calling_line(self.folder, frame.f_back if frame is not None else None)
        one = Pass(network, root, inputs, self.batches.latest, place, frame, self._backward)
        network.keep_sample(one.input, one.batch, may_train=one.may_train)
        if fed_by is not None and fed_by is not network and one.may_train:
            network.fed_by = fed_by
        self.calls.open = one
        return one

    def _steps(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        if not self.calls.muted and self.applied.begins(optimizer):
            self.ledger.step_begins(_parameters(optimizer))

    def _ended(self, one: Pass) -> None:
        """Tell that a pass has ended, or what more was seen of it."""
        number = self.history.latest + 1 if one.told is None else one.told.number
        event = one.event(number, *self.batches.numbers(one.batch.loader if one.batch else None))
        if event != one.told:
            one.told = event
            self._tell(*self._new_description(one.network), event)

    def _backward(self, one: Pass) -> None:
        one.network.goes_backward(one.batch)
        if one.told is not None:
            self._tell(WentBackward(one.told.number, one.told.network))

    def _stepped(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        if self.calls.muted:
            return
        applied = self.applied.ends(optimizer)
        if applied is not None:
            self.steps.add(applied)
            self.ledger.step_ends(_parameters(optimizer))
        for network in self._networks:
            network.stepped()
        self.mistakes.stepped()
        if self.batches.cut_short:
            self._stop("seconds")

    def _goes_backward(self, network: ObservedNetwork) -> None:
        self.mistakes.before_backward(network)
        self.applied.goes_backward()
        self.ledger.goes_backward(network)
        self._begins(network)

    def _begins(self, network: ObservedNetwork) -> None:
        beginning = network.beginning
        if beginning.begun:
            return
        others = [one for one in self._networks if one is not network and one.progress]
        beginning.begin(network.module, ((one.module, one.beginning) for one in others))
        for one in others:
            if one.beginning is beginning.earlier:
                number, earlier = network.told.numbers[0], one.told.numbers[0]
                self._tell(Continued(number, earlier, beginning.whole))

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
            if one.scored and one.told is not None:
                self._ended(one)
        return one

    def _penalised(self, leaves: list[torch.Tensor]) -> None:
        if not self.calls.muted:
            self._tell(Penalised([self._number_of(leaf) for leaf in leaves]))

    def _tell(self, *events: Event) -> None:
        self.recorder.tell(*events)

    def _number_of(self, parameter: torch.Tensor) -> int:
        # The reference keeps the id from being reused.
        known = self._numbers.setdefault(id(parameter), (parameter, len(self._numbers) + 1))
        return known[1]

    def _new_description(self, network: ObservedNetwork) -> list[Event]:
        """The description of a network that has none, after its first pass."""
        known = network.told.numbers[0] in self._described
        return [] if known else self._changed([network])

    def _descriptions(self) -> list[Event]:
        """The descriptions of the networks that have changed since they were described."""
        return self._changed(self._networks)

    def _changed(self, networks: Iterable[ObservedNetwork]) -> list[Event]:
        found: list[Event] = []
        for network in networks:
            number = network.told.numbers[0]
            try:
                now = description(number, network.module, self._number_of)
            except Exception:   # of a method of the student's
                continue
            if now != self._described.get(number):
                self._described[number] = now
                found.append(now)
        return found

    def _network(self, root: nn.Module) -> ObservedNetwork:
        known = self._by_module.get(id(root))
        if known is not None:
            return known[1]
        parameters = frozenset(map(id, root.parameters()))
        for network in self._networks:
            if network.parameters == parameters:
                break   # a wrapper, such as DataParallel, and what it wraps
        else:
            number = min(len(self._networks), MAX_NETWORKS) + 1   # all that are too many share one
            told = self.history.network(number)
            network = ObservedNetwork(root, parameters, self._goes_backward, self.classes, told)
            if number <= MAX_NETWORKS:
                self._networks.append(network)
                self.ledger.add(network)
        self._by_module[id(root)] = root, network   # the reference keeps the id from being reused
        return network

    def _close(self) -> None:
        if self.calls.open is not None:
            self.calls.open.closes()
            self.calls.open = None

    def _check_budget(self, network: ObservedNetwork) -> None:
        budget = self.budget
        self._latest = self.stopwatch.look()
        if budget.seconds is not None and self.stopwatch.is_over(budget.seconds):
            self._close_down()
        elif budget.images is not None and self.ledger.images(network) > budget.images:
            # Stopped one batch late, so that the evaluation after the last epoch is included.
            self._stop("epochs")

    def _close_down(self) -> None:
        """Stop the training, after one evaluation on a few images if there was none yet.

        Only that shows how the script evaluates its network. So the loaders end early, until the
        first step of the next epoch or until `PATIENCE` is over.
        """
        if self.history.optimizers.count and not any(one.was_evaluated for one in self._networks):
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
        if self.interim_look is None or self.history.waiting or not trains:
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
        self._tell(Stopped(budget))
        raise BudgetReached(budget)


def _parameters(optimizer: Optimizer) -> set[int]:
    return {id(one) for group in optimizer.param_groups for one in group["params"]}
