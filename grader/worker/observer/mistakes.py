"""What goes wrong in a training without an error: seen in numbers, told with its place."""

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

from grader.worker.observer.source_lines import Place, of_caller

if TYPE_CHECKING:
    from grader.worker.observer.networks import Watched
    from grader.worker.observer.passes import Pass

LOOKS = 25   # losses and steps that are looked at closely; a mistake of this kind is there at once


@dataclass(frozen=True)
class Mistake:
    """`kind` is a word that the host has a sentence for; `detail` is a number or a name in it."""

    kind: str
    place: Place | None
    detail: str = ""


class Mistakes:
    """What was found, each kind once, where it was first seen."""

    def __init__(self, folder: Path) -> None:
        self.found: dict[str, Mistake] = {}
        self._folder = folder
        self._losses = self._steps = 0
        self._stale = False   # a step was taken, and gradients were not put to zero since

    def install(self, seen: Callable[[Any, Any], Pass | None]) -> None:
        """Watch losses and calls of `zero_grad`. `seen` tells the pass that a loss belongs to."""
        mistakes = self

        def watched(name: str) -> Callable[..., Any]:
            loss = getattr(F, name)

            @functools.wraps(loss)
            def compute(input: Any, target: Any, *args: Any, **kwargs: Any) -> Any:
                value = loss(input, target, *args, **kwargs)
                if isinstance(input, torch.Tensor) and isinstance(value, torch.Tensor):
                    mistakes._loss(name, input, value, seen(input, target))
                return value

            return compute

        for name in ("cross_entropy", "nll_loss"):
            setattr(F, name, watched(name))
        for owner in (Optimizer, nn.Module):   # there is no hook for this
            setattr(owner, "zero_grad", _telling(owner.zero_grad, mistakes))  # noqa: B010

    def note(self, kind: str, place: Place | None, detail: str = "") -> None:
        self.found.setdefault(kind, Mistake(kind, place, detail))

    def stepped(self) -> None:
        self._steps += 1
        self._stale = True

    def zeroed(self) -> None:
        self._stale = False

    def before_backward(self, network: Watched) -> None:
        """A backward pass begins: whatever gradients there are now are those of before the step."""
        if not self._stale or not 0 < self._steps <= LOOKS:
            return
        gradients = [one.grad for one in network.module.parameters() if one.grad is not None]
        if gradients and bool(gradients[-1].any()):
            self.note("gradients_kept", network.latest_place)
        self._stale = False   # told, or put to zero by other means: once per step is enough

    def _loss(self, name: str, scores: torch.Tensor, value: torch.Tensor, one: Pass | None) -> None:
        if one is None or not value.requires_grad:
            return
        self._losses += 1
        if value.numel() == 1 and not math.isfinite(float(value.detach())):
            self.note("loss_not_finite", of_caller(self._folder), str(self._steps + 1))
        if self._losses > LOOKS or scores.grad_fn is None:
            return
        last = scores.grad_fn.name()
        if name == "cross_entropy" and last == "SoftmaxBackward0":
            self.note("softmax_before_cross_entropy", of_caller(self._folder))
        if name == "nll_loss" and "LogSoftmax" not in last and bool((scores > 0).any()):
            self.note("scores_without_log_softmax", of_caller(self._folder))


def _telling(zero: Any, mistakes: Mistakes) -> Any:
    def zeroed(self: Any, *args: Any, **kwargs: Any) -> Any:
        mistakes.zeroed()
        return zero(self, *args, **kwargs)

    zeroed.__wrapped__ = zero  # type: ignore[attr-defined]  # for inspect.signature
    return zeroed
