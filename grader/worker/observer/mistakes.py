"""Detects mistakes in a training that raise no exception, by their numbers, with their lines."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.optim import Optimizer

from grader.worker.observer.source_lines import SourceLine, calling_line

if TYPE_CHECKING:
    from grader.worker.observer.networks import ObservedNetwork
    from grader.worker.observer.passes import Pass

EXAMINED = 25   # losses and steps; mistakes of these kinds show from the start


@dataclass(frozen=True)
class Mistake:
    """A mistake by its `kind`, for which the host has a sentence with `detail` in it."""

    kind: str
    place: SourceLine | None
    detail: str = ""


class Mistakes:
    """The mistakes that were found: each kind once, at the line where it was first seen."""

    def __init__(self, folder: Path) -> None:
        self.found: dict[str, Mistake] = {}
        self._folder = folder
        self._losses = self._steps = 0
        self._stale = False   # gradients were not set to zero since the latest step

    def install(self, pass_of: Callable[[Any, Any], Pass | None]) -> None:
        """Observe losses and calls of `zero_grad`; `pass_of` finds the pass that a loss is of."""
        mistakes = self

        def observed(name: str) -> Callable[..., Any]:
            loss = getattr(F, name)

            @functools.wraps(loss)
            def compute(input: Any, target: Any, *args: Any, **kwargs: Any) -> Any:
                value = loss(input, target, *args, **kwargs)
                if isinstance(input, torch.Tensor) and isinstance(value, torch.Tensor):
                    mistakes._loss(name, input, value, pass_of(input, target))
                return value

            return compute

        for name in ("cross_entropy", "nll_loss"):
            setattr(F, name, observed(name))
        for owner in (Optimizer, nn.Module):   # there is no hook for this
            setattr(owner, "zero_grad", _reporting(owner.zero_grad, mistakes))  # noqa: B010

    def note(self, kind: str, place: SourceLine | None, detail: str = "") -> None:
        """Record a mistake, unless one of its kind is known."""
        self.found.setdefault(kind, Mistake(kind, place, detail))

    def stepped(self) -> None:
        """Note that an optimizer took a step."""
        self._steps += 1
        self._stale = True

    def zeroed(self) -> None:
        """Note that gradients were set to zero."""
        self._stale = False

    def before_backward(self, network: ObservedNetwork) -> None:
        """Check, as a backward pass begins, that no gradients are left from before the step."""
        if not self._stale or not 0 < self._steps <= EXAMINED:
            return
        gradients = [one.grad for one in network.module.parameters() if one.grad is not None]
        if gradients and bool(gradients[-1].any()):
            self.note("gradients_kept", network.latest_place)
        self._stale = False   # noted, or set to zero in another way: once per step is enough

    def _loss(self, name: str, scores: torch.Tensor, value: torch.Tensor, one: Pass | None) -> None:
        if one is None or not value.requires_grad:
            return
        self._losses += 1
        if value.numel() == 1 and not math.isfinite(float(value.detach())):
            self.note("loss_not_finite", calling_line(self._folder), str(self._steps + 1))
        if self._losses > EXAMINED or scores.grad_fn is None:
            return
        last = scores.grad_fn.name()
        if name == "cross_entropy" and last == "SoftmaxBackward0":
            self.note("softmax_before_cross_entropy", calling_line(self._folder))
        if name == "nll_loss" and "LogSoftmax" not in last and bool((scores > 0).any()):
            self.note("scores_without_log_softmax", calling_line(self._folder))


def _reporting(zero: Any, mistakes: Mistakes) -> Any:
    def zeroed(self: Any, *args: Any, **kwargs: Any) -> Any:
        mistakes.zeroed()
        return zero(self, *args, **kwargs)

    zeroed.__wrapped__ = zero  # type: ignore[attr-defined]  # for inspect.signature
    return zeroed
