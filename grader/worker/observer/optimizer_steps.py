"""Tells the steps of optimizers and schedulers, with the parameter groups of each step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any

import torch
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from grader.worker.events.kinds import Event, Grouped, Scheduled, Stepped, Tuned
from grader.worker.events.optimizers import MAX_NUMBERS, MAX_SETTINGS
from grader.worker.observer.applied_steps import Applied

Tell = Callable[..., None]


class OptimizerSteps:
    """Tells each step of an optimizer, and its groups where they are new."""

    def __init__(
        self,
        tell: Tell,
        number_of: Callable[[torch.Tensor], int],
        describe: Callable[[], Iterable[Event]],
    ) -> None:
        """Start without steps.

        Args:
            tell: tells events.
            number_of: gives the number of a parameter.
            describe: describes the networks that have changed.
        """
        self._tell, self._number_of, self._describe = tell, number_of, describe
        self._settings: dict[Hashable, int] = {}
        self._tuned: dict[int, list[dict[str, float]]] = {}
        self._trainable: dict[int, list[bool]] = {}
        self._scheduled: Counter[str] = Counter()
        self._latest = self._size = 0

    def install(self) -> None:
        """Observe schedulers. Optimizers have a hook of torch's own, for `add`."""
        for scheduler in (LRScheduler, ReduceLROnPlateau):
            scheduler.step = self._counting(scheduler.step)  # type: ignore[method-assign]  # there is no hook for this

    def add(self, applied: Applied) -> None:
        """Tell a step of an optimizer."""
        groups = applied.groups
        # The key has the parameters of each group and its weight decay, on or off. Everything else
        # may be scheduled.
        which = tuple(
            (bool(group.get("weight_decay")), *map(id, group["params"])) for group in groups
        )
        events: list[Event] = []
        settings = self._settings.get(which) or self._new(which, groups)
        trainable = [one.requires_grad for group in groups for one in group["params"]]
        if trainable != self._trainable.get(settings):
            events += self._describe()
        if settings not in self._tuned:
            numbers = [[self._number_of(one) for one in group["params"]] for group in groups]
            events.append(Grouped(settings, applied.optimizer, numbers))
        tuned = [hyperparameters(group) for group in groups]
        before = self._tuned.get(settings, tuned)
        if (settings not in self._tuned or before != tuned) and len(before) == len(tuned):
            events.append(Tuned(settings, tuned))
            self._tuned[settings] = tuned
        self._trainable[settings], self._latest = trainable, settings
        own = {id(one): one for group in groups for one in group["params"]}
        findings = [
            [self._number_of(own[key]), one.kind, one.decay]
            for key, one in applied.findings.items() if key in own
        ]  # fmt: skip
        compared = applied.moved is not None or not applied.explained
        moved = applied.moved or 0.0
        self._tell(*events, Stepped(settings, compared, applied.explained, moved, findings))

    def _new(self, which: Hashable, groups: Sequence[dict[str, Any]]) -> int:
        """The number of settings that are new, or of the latest ones where there are too many."""
        self._size += sum(len(group["params"]) + 1 for group in groups)
        if self._latest and (len(self._settings) >= MAX_SETTINGS or self._size > MAX_NUMBERS):
            return self._latest
        return self._settings.setdefault(which, len(self._settings) + 1)

    def _counting(self, step: Any) -> Any:
        def counted(scheduler: Any, *args: Any, **kwargs: Any) -> Any:
            name = type(scheduler).__name__
            self._scheduled[name] += 1
            if self._scheduled[name] == 2:   # the constructor takes one step
                self._tell(Scheduled(name))
            return step(scheduler, *args, **kwargs)

        counted.__wrapped__ = step  # type: ignore[attr-defined]  # for inspect.signature
        return counted


def hyperparameters(group: dict[str, Any]) -> dict[str, float]:
    """The hyperparameters of a group that are reported."""
    return {name: _number(group.get(name, 0.0)) for name in ("lr", "weight_decay", "momentum")}


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, RuntimeError, OverflowError):   # of an optimizer of their own
        return float("nan")
