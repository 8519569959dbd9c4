"""Compares the change of a parameter in one step with its gradient and its weights."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

MOST = 512      # values of a tensor that are compared
FEWEST = 6      # values that can tell four causes apart
# Rounding is 6e-8 of a weight, an ordinary step 1e-3 of it: a change within a thousandth of a sum
# of its causes is that sum.
EXACT = 1e-3
ROUNDING = 1e-7
TOO_COARSE = 3e-6   # of the weights in one step; a usual decay is 1e-5 and more
MOST_DECAY = 0.02   # of the weights in one step; a larger change is none that decays them

Floats = NDArray[np.float64]
Kind = Literal["decayed", "spared", "unknown", "unexplained"]


@dataclass(frozen=True)
class Values:
    """Some weights of a parameter, from row `first` on, and their gradients if there are any."""

    first: int
    weights: Floats
    gradients: Floats | None


@dataclass(frozen=True)
class Finding:
    """Weight decay by the student's own code, or its absence; `decay` is a share of the weights."""

    kind: Kind
    decay: float = 0.0


class Update:
    """The change of a parameter in a step, and the part of it that torch's functional step made."""

    def __init__(self, before: Values) -> None:
        self.before = before
        self.change = self.by_torch = np.zeros_like(before.weights)
        self.gradients: Floats | None = None   # that torch's step got
        self._entered = before.weights

    def enters(self, now: Values) -> None:
        """Note the values as torch's functional step begins."""
        self._entered, self.gradients = now.weights, now.gradients

    def leaves(self, now: Values) -> None:
        """Note the values as torch's functional step ends."""
        self.by_torch = self.by_torch + now.weights - self._entered

    def ends(self, now: Values) -> None:
        """Note the values as the optimizer's step ends."""
        self.change = now.weights - self.before.weights

    @property
    def moved(self) -> float:
        """The length of the change."""
        return float(np.linalg.norm(self.change))

    def beside_torch(self, *, new_gradients: bool) -> Finding:
        """Find what the step did beside torch's functional step, in which it took part.

        `new_gradients`: the step computed gradients itself, so those before it explain nothing.
        """
        weights, other = self.before.weights, self.change - self.by_torch
        if not np.isfinite(self.change).all():
            return Finding("unknown")
        size = float(np.linalg.norm(weights))
        if other.any():
            decay, rest = _multiple(-other, weights)
            if rest > 0.2:
                noise = EXACT * float(np.linalg.norm(self.by_torch)) + ROUNDING * size
                small = float(np.linalg.norm(other)) <= noise
                return Finding("unknown" if small else "unexplained")
            likely = 0 < decay < MOST_DECAY
            return Finding("decayed", decay) if likely else Finding("unexplained")
        if self.gradients is None or self.before.gradients is None or new_gradients:
            return Finding("unknown")
        added = self.gradients - self.before.gradients
        if added.any():
            factor, rest = _multiple(added, weights)
            if rest < 0.05:   # clipping and centring change a gradient in other ways
                return Finding("decayed" if factor > 0 else "unexplained", abs(factor))
        return Finding("unknown")

    def alone(self, previous: Update | None) -> Finding:
        """Find whether a step of the student's own decays the weights.

        The change has to be a sum of the gradients, the weights, and, for momentum, the gradients
        and the change of the `previous` step. Changes of other kinds, as those of Adam, are left
        unexplained.
        """
        weights, gradients = self.before.weights, self.before.gradients
        if not np.isfinite(self.change).all() or len(weights) < FEWEST:
            return Finding("unknown")
        causes = [] if gradients is None else [gradients]
        if previous is not None and previous.before.first == self.before.first:
            causes.append(previous.change)
            causes += [] if previous.before.gradients is None else [previous.before.gradients]
        factors, rest = _sum_of(self.change, [weights, *causes])
        size = float(np.linalg.norm(weights))
        if rest * self.moved > EXACT * self.moved + ROUNDING * size:
            return Finding("unexplained")
        own = _sum_of(weights, causes)[1] if causes else 1.0   # the share that is no other cause
        if not size or own < 0.05:   # as in the first steps of a bias that begins at zero
            return Finding("unknown")
        error = (rest * self.moved + ROUNDING * max(size, self.moved)) / (size * own)
        if error > TOO_COARSE:
            return Finding("unknown")
        if abs(factors[0]) <= 3 * error:
            return Finding("spared")
        likely = 0 < -factors[0] < MOST_DECAY
        return Finding("decayed", -factors[0]) if likely else Finding("unexplained")


def values_of(
    parameter: torch.Tensor, first: int, gradient: torch.Tensor | None
) -> Values:
    """Copy some values of a parameter.

    Args:
        parameter: the parameter.
        first: the row to begin with.
        gradient: its gradient, if there is one.
    """
    gradients = None if gradient is None or gradient.is_sparse else _rows(gradient, first)
    return Values(first, _rows(parameter, first), gradients)


def first_row(tensor: torch.Tensor, draw: Random) -> int:
    """A row at random, from which on there are as many values as can be compared."""
    return draw.randrange(max(1, len(tensor) - _rows_of(tensor) + 1)) if tensor.dim() else 0


def _rows_of(tensor: torch.Tensor) -> int:
    return max(1, MOST * len(tensor) // max(1, tensor.numel()))


def _rows(tensor: torch.Tensor, first: int) -> Floats:
    tensor = tensor.detach()
    if tensor.dim():
        tensor = tensor[first : first + _rows_of(tensor)]
    found = tensor.flatten()[:MOST].to("cpu", torch.float64, copy=True).numpy()
    return np.asarray(found, dtype=np.float64)


def _multiple(values: Floats, of: Floats) -> tuple[float, float]:
    """The factor that makes `of` most like `values`, and the share that is left."""
    factors, rest = _sum_of(values, [of])
    return factors[0], rest


def _sum_of(values: Floats, causes: list[Floats]) -> tuple[list[float], float]:
    """The factors of the sum of causes that is nearest to the values, and the share that is left.
    """
    columns = np.stack(causes, axis=1)
    scale = np.linalg.norm(columns, axis=0)
    scale[scale == 0] = 1.0
    factors: Any = np.linalg.lstsq(columns / scale, values, rcond=1e-10)[0]
    rest = np.linalg.norm(values - (columns / scale) @ factors) / (np.linalg.norm(values) or 1.0)
    return [float(one) for one in factors / scale], float(rest)
