"""Watching a training without a change to it: forward passes, modes, optimizers, steps, data.

Hooks that torch offers for every module and every optimizer, installed once in a session's own
process. What they note is put together to one row per run of passes of the same kind: an epoch of
training, an epoch of evaluation.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from time import monotonic  # taken before the student's code may put another in its place
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim import Optimizer
from torch.optim.optimizer import register_optimizer_step_post_hook
from torch.utils.data import DataLoader

from grader.worker.passes import Labels, Pass, Run
from grader.worker.steps import Steps

MAX_RUNS = 600


class BudgetReached(BaseException):
    """Raised at a batch boundary when the budget is used up. Not an Exception: a student's
    `except Exception` is not meant for it."""


@dataclass(frozen=True)
class Budget:
    """`images` to train on and `seconds` of wall time; None is no limit."""

    images: int | None = None
    seconds: float | None = None


@dataclass
class Observer:
    """What was seen of a training. `stopped` names the budget that was used up."""

    budget: Budget
    began: float = field(default_factory=monotonic)
    runs: list[Run] = field(default_factory=list)
    steps: Steps = field(default_factory=Steps)
    trained_images: int = 0
    stopped: str | None = None
    _depth: int = 0
    _open: Pass | None = None
    _latest: Labels | None = None
    _muted: bool = False

    def install(self) -> None:
        """Hook into torch. There is one observer in a process, for all of its life."""
        torch.nn.modules.module.register_module_forward_pre_hook(self._before)
        torch.nn.modules.module.register_module_forward_hook(self._after, always_call=True)
        register_optimizer_step_post_hook(self._stepped_by)
        self._watch_batches()

    def finish(self) -> None:
        """Close the last run. Nothing is observed afterwards."""
        self._close()
        self._muted = True

    # What the hooks call ------------------------------------------------------------------------

    def _before(self, module: nn.Module, inputs: Any) -> None:
        self._depth += 1
        if self._depth > 1 and self._open is not None:
            self._open.calls(module)
        if self._depth > 1 or self._muted or not _has_parameters(module):
            return
        self._close()
        self._check_budget()
        self._open = Pass(module, inputs, self._latest)

    def _after(self, module: nn.Module, inputs: Any, output: Any) -> None:
        self._depth -= 1
        if self._depth == 0 and self._open is not None and self._open.network is module:
            self._open.ends(output)

    def _stepped_by(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        if self._muted:
            return
        self.steps.add(optimizer, self._open.network if self._open is not None else None)
        if self._open is not None:
            self._open.steps += 1

    # Putting it together ------------------------------------------------------------------------

    def _close(self) -> None:
        """Tell the open pass apart, now that what followed it is known."""
        current, self._open = self._open, None
        if current is None:
            return
        run = self.runs[-1] if self.runs else None
        if run is None or run.kind != current.kind:
            run = Run(current.kind, after_steps=self.steps.count)
            if len(self.runs) < MAX_RUNS:
                self.runs.append(run)
        run.add(current)
        run.lr = self.steps.lr
        if current.kind == "train":
            self.trained_images += current.images

    def _check_budget(self) -> None:
        budget = self.budget
        if budget.seconds is not None and monotonic() - self.began > budget.seconds:
            self.stopped = "seconds"
        elif budget.images is not None and self.trained_images > budget.images:
            # One batch too many: the evaluation after the last epoch still belonged to it.
            self.stopped = "epochs"
        if self.stopped:
            self._depth = 0
            raise BudgetReached(self.stopped)

    def _watch_batches(self) -> None:
        """Remember the labels of the latest batch, to score the pass that follows."""
        original, observer = DataLoader.__iter__, self

        def iterate(self: DataLoader[Any]) -> Iterator[Any]:
            for batch in original(self):
                observer._latest = _labels(batch)
                yield batch

        DataLoader.__iter__ = iterate  # type: ignore[assignment, method-assign]  # as above


def _has_parameters(module: nn.Module) -> bool:
    return next(module.parameters(), None) is not None


def _labels(batch: Any) -> Labels | None:
    if (
        isinstance(batch, (tuple, list))
        and len(batch) == 2
        and isinstance(batch[1], torch.Tensor)
        and batch[1].dim() == 1
        and not batch[1].is_floating_point()
    ):
        return len(batch[1]), batch[1].long()
    return None


def tracked_batches(network: nn.Module) -> list[int]:
    """`num_batches_tracked` of each batch norm that keeps running statistics."""
    return [
        int(module.num_batches_tracked)
        for module in network.modules()
        if isinstance(module, _BatchNorm) and module.num_batches_tracked is not None
    ]
