"""Estimates from a few runs how often right work falls below a threshold. Only this imports scipy.

The number x of right answers on n hidden images, over seeds, is assumed to be normal on the scale
arcsin sqrt((x + 3/8) / (n + 3/4)), on which the spread of a count does not depend on the count: F.
J. Anscombe, "The transformation of Poisson, binomial and negative-binomial data", Biometrika 35
(1948), 246-254. So the spread also holds near 100 %, where the logit stretches the last few errors
too far and the accuracy itself does not stretch them. A binomial distribution does not fit: all
runs predict the same images, some of which are hard for every network, so runs may differ less than
new draws of images would, or more, depending on the training.

For N runs of mean m and standard deviation s:

- With confidence c, at most a share `risk` of all runs falls below m - k s. This is the one-sided
  tolerance bound, with k = t'(c; N - 1, z sqrt N) / sqrt N: a quantile of the noncentral t
  distribution, z the normal quantile of 1 - risk. W. Q. Meeker, G. J. Hahn, L. A. Escobar,
  "Statistical Intervals" (2nd ed., 2017), section 4.6; NIST/SEMATECH e-Handbook of Statistical
  Methods, 7.2.6.3.
- The share of all runs below a threshold is Phi(-K) with K = (m - threshold) / s, and its bounds
  follow from inverting the distribution of K sqrt N, which is the same noncentral t: D. B. Owen, T.
  A. Hua, "Tables of confidence limits on the tail area of the normal distribution", Communications
  in Statistics B6 (1977), 285-311.

The number of right answers is an integer. The border of a threshold lies half an image below the
lowest count that meets it, and s is at least that of rounding to whole images (1 / sqrt 12; W. F.
Sheppard, 1898), so that a few equal runs do not imply that all runs are equal.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

_ROUNDING = 1 / math.sqrt(12)
# Shares are not extrapolated further from the mean than this many standard deviations.
_FAR = 8.0
_EXAMPLES = 2000   # simulated sets of runs, for the goodness of fit
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Chance:
    """The share of all runs below a threshold: an estimate, and two one-sided bounds.

    Each bound holds with the confidence that was asked for.
    """

    estimate: float
    lower: float
    upper: float


@dataclass(frozen=True)
class Fit:
    """The distribution of right answers over the runs of one solution.

    Attributes:
        runs: Number of runs that it was fitted to.
        images: Hidden images in a run.
        mean: Mean on Anscombe's scale.
        spread: Standard deviation on Anscombe's scale.
    """

    runs: int
    images: int
    mean: float
    spread: float

    def bound(self, risk: float, confidence: float) -> float:
        """Return the accuracy that, with this confidence, at most a share `risk` of runs misses."""
        shift = tolerance_factor(self.runs, risk, confidence) * self.spread
        return float(_right_of(np.array(self.mean - shift), self.images)) / self.images

    def below(self, accuracy: float, confidence: float) -> Chance:
        """Return the share of all runs below this accuracy (0 to 1)."""
        needed = math.ceil(accuracy * self.images - 1e-9)   # right answers
        if needed <= 0:
            return tail(_FAR, self.runs, confidence)
        border = _scaled(np.array(needed - 0.5), self.images)
        distance = float(self.mean - border) / self.spread
        return tail(min(max(distance, -_FAR), _FAR), self.runs, confidence)

    def near(self, accuracy: float) -> float:
        """Return one standard deviation in units of accuracy, near this accuracy."""
        return 2 * math.sqrt(accuracy * (1 - accuracy)) * self.spread


def fit(correct: Sequence[int], images: int) -> Fit:
    """Fit a distribution to the right answers of two or more runs of `images` images each."""
    found = _scaled(np.array(correct, dtype=np.float64), images)
    spread = max(found.std(ddof=1), _least(found.mean(), images))
    return Fit(len(correct), images, float(found.mean()), float(spread))


def tolerance_factor(runs: int, risk: float, confidence: float) -> float:
    """Return how many standard deviations below the mean of the runs the bound lies."""
    shift = stats.norm.isf(risk) * math.sqrt(runs)
    return float(stats.nct.ppf(confidence, runs - 1, shift)) / math.sqrt(runs)


def tail(distance: float, runs: int, confidence: float) -> Chance:
    """Return the share of a normal distribution below a point, with its bounds.

    The point lies `distance` standard deviations below the mean, both estimated from `runs` runs.
    """
    root = math.sqrt(runs)

    def shift(level: float) -> float:
        """Return the noncentrality for which the observed value is the quantile `level`."""

        def gap(centre: float) -> float:
            found = float(stats.nct.cdf(distance * root, runs - 1, centre))
            if math.isnan(found):   # scipy's answer where the value is too close to 0 or 1
                found = float(centre < distance * root)
            return found - level

        far = root * (_FAR + 4 * abs(distance))   # on either side; `gap` falls in between
        return float(optimize.brentq(gap, distance * root - far, distance * root + far))

    lower, upper = (
        float(stats.norm.sf(shift(level) / root)) for level in (1 - confidence, confidence)
    )
    return Chance(float(stats.norm.sf(distance)), lower, upper)


def best_of(once: float, near: float, again: int) -> float:
    """Return the chance of missing a threshold if trainings near it are repeated.

    Args:
        once: Chance that one training is below the threshold.
        near: Chance that one training is too far below to be repeated.
        again: Number of further trainings.
    """
    return near + (once - near) * once**again


def observed(below: int, runs: int, confidence: float) -> float:
    """Return an upper bound of the share of all runs below, without assuming a distribution.

    `below` of the `runs` were. C. J. Clopper and E. S. Pearson, Biometrika 26 (1934), 404-413.
    """
    return 1.0 if below >= runs else float(stats.beta.ppf(confidence, below + 1, runs - below))


def goodness(correct: Sequence[int], images: int) -> float:
    """Return the p-value of the fit: how often simulated runs fit worse than these do.

    The distance is that of T. W. Anderson and D. A. Darling (1954), which gives weight to the
    tails. Its distribution, with mean and deviation fitted and answers counted in whole images, is
    simulated by a parametric bootstrap (W. Stute et al., Metrika 40 (1993), 243-256). If the value
    is below 0.01, do not rely on the tail.
    """
    fitted = fit(correct, images)
    random = np.random.default_rng(0)   # the same runs always give the same value
    drawn = random.normal(fitted.mean, fitted.spread, (_EXAMPLES, fitted.runs))
    examples = _distances(np.clip(np.rint(_right_of(drawn, images)), 0, images), images)
    (own,) = _distances(np.array([correct], dtype=np.float64), images)
    return float((1 + (examples >= own - 1e-9).sum()) / (1 + _EXAMPLES))


def _distances(correct: Floats, images: int) -> Floats:
    """Return each row's distance (runs in columns) from the distribution fitted to that row."""
    found = np.sort(_scaled(correct, images))
    runs = found.shape[1]
    means = found.mean(axis=1, keepdims=True)
    spreads = np.maximum(found.std(axis=1, ddof=1, keepdims=True), _least(means, images))
    scores = (found - means) / spreads
    logs = stats.norm.logcdf(scores) + stats.norm.logsf(scores)[:, ::-1]
    weights = 2 * np.arange(1, runs + 1) - 1
    distances: Floats = -runs - (weights * logs).mean(axis=1)
    return distances


def _least(means: Floats, images: int) -> Floats:
    """Return the standard deviation of rounding to whole images, on Anscombe's scale."""
    right = _right_of(means, images)
    found: Floats = _ROUNDING / (2 * np.sqrt((right + 0.375) * (images - right + 0.375)))
    return found


def _scaled(correct: Floats, images: int) -> Floats:
    """Map numbers of right answers to Anscombe's scale."""
    found: Floats = np.arcsin(np.sqrt((correct + 0.375) / (images + 0.75)))
    return found


def _right_of(scaled: Floats, images: int) -> Floats:
    """Map values of Anscombe's scale, clipped to its ends, back to numbers of right answers."""
    inside = np.clip(scaled, 0, math.pi / 2)
    found: Floats = np.clip((images + 0.75) * np.sin(inside) ** 2 - 0.375, 0, images)
    return found
