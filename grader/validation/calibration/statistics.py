"""How often right work falls below a threshold, from a few runs of it; the only importer of scipy.

The numbers of right answers x of n hidden images, over seeds, are taken as normal on the scale
arcsin sqrt((x + 3/8) / (n + 3/4)), on which the spread of counts does not depend on how many there
are: F. J. Anscombe, "The transformation of Poisson, binomial and negative-binomial data",
Biometrika 35 (1948), 246-254. So it may be read off near 100 %, where the logit stretches the last
few errors too far and accuracies themselves not at all. They are not taken as binomial: all runs
are asked about the same images, some of which are hard for every network, so runs differ less than
draws of new images would, or more, as the training is.

For N runs of mean m and standard deviation s:

- The threshold such that with a confidence of c at most a share `risk` of all runs falls below it
  is m - k s, the one-sided tolerance bound, with k = t'(c; N - 1, z sqrt N) / sqrt N: a quantile of
  the noncentral t distribution, z the normal quantile of 1 - risk. W. Q. Meeker, G. J. Hahn, L. A.
  Escobar, "Statistical Intervals" (2nd ed., 2017), section 4.6; NIST/SEMATECH e-Handbook of
  Statistical Methods, 7.2.6.3.
- The share of all runs below a threshold is Phi(-K) with K = (m - threshold) / s, and its bounds
  follow from the same distribution turned round, which K sqrt N has: D. B. Owen, T. A. Hua, "Tables
  of confidence limits on the tail area of the normal distribution", Communications in Statistics
  B6 (1977), 285-311.

A number of right answers is whole: where a threshold falls between two of them, the border is taken
half-way, and s is at least that of rounding to whole images (1 / sqrt 12; W. F. Sheppard, 1898), so
that a few runs that happen to be equal do not promise that all are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

_ROUNDING = 1 / math.sqrt(12)
# Further from the mean than this many standard deviations nothing is known: a share is "less than".
_FAR = 8.0
_EXAMPLES = 2000   # of the fitted distribution, for the goodness of fit
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Chance:
    """The share of all runs below a threshold: the estimate, and a lower and an upper bound of
    which each holds with the same confidence."""

    estimate: float
    lower: float
    upper: float


@dataclass(frozen=True)
class Fit:
    """The distribution of right answers of `images` over the runs of one solution, on Anscombe's
    scale: from `runs` of them."""

    runs: int
    images: int
    mean: float
    spread: float

    def bound(self, risk: float, confidence: float) -> float:
        """The accuracy that with this confidence at most a share `risk` of all runs misses."""
        shift = tolerance_factor(self.runs, risk, confidence) * self.spread
        return float(_right_of(np.array(self.mean - shift), self.images)) / self.images

    def below(self, accuracy: float, confidence: float) -> Chance:
        """The share of all runs that is below this accuracy."""
        needed = math.ceil(accuracy * self.images - 1e-9)   # right answers
        if needed <= 0:
            return tail(_FAR, self.runs, confidence)
        border = _scaled(np.array(needed - 0.5), self.images)
        distance = float(self.mean - border) / self.spread
        return tail(min(max(distance, -_FAR), _FAR), self.runs, confidence)

    def near(self, accuracy: float) -> float:
        """How much of accuracy one standard deviation is, at this accuracy."""
        return 2 * math.sqrt(accuracy * (1 - accuracy)) * self.spread


def fit(correct: Sequence[int], images: int) -> Fit:
    """Mean and standard deviation of two runs or more."""
    found = _scaled(np.array(correct, dtype=np.float64), images)
    spread = max(found.std(ddof=1), _least(found.mean(), images))
    return Fit(len(correct), images, float(found.mean()), float(spread))


def tolerance_factor(runs: int, risk: float, confidence: float) -> float:
    """How many standard deviations below the mean of so many runs the bound is."""
    shift = stats.norm.isf(risk) * math.sqrt(runs)
    return float(stats.nct.ppf(confidence, runs - 1, shift)) / math.sqrt(runs)


def tail(distance: float, runs: int, confidence: float) -> Chance:
    """The share of a normal distribution that is below a point which lies `distance` standard
    deviations below the mean, both as estimated from so many runs."""
    root = math.sqrt(runs)

    def shift(level: float) -> float:
        """The noncentrality by which what was seen is at this level of its distribution."""

        def gap(centre: float) -> float:
            found = float(stats.nct.cdf(distance * root, runs - 1, centre))
            if math.isnan(found):   # too small or too near to 1 for it
                found = float(centre < distance * root)
            return found - level

        far = root * (_FAR + 4 * abs(distance))   # on either side; the function falls in between
        return float(optimize.brentq(gap, distance * root - far, distance * root + far))

    lower, upper = (
        float(stats.norm.sf(shift(level) / root)) for level in (1 - confidence, confidence)
    )
    return Chance(float(stats.norm.sf(distance)), lower, upper)


def best_of(once: float, near: float, again: int) -> float:
    """The chance of missing a threshold that is `once` for one training, where those that are not
    below the border of what is near it (of which there are `near`) are trained `again` so often."""
    return near + (once - near) * once**again


def observed(below: int, runs: int, confidence: float) -> float:
    """Without any distribution: the upper bound of the share that falls below, where so many of the
    runs did. C. J. Clopper and E. S. Pearson, Biometrika 26 (1934), 404-413."""
    return 1.0 if below >= runs else float(stats.beta.ppf(confidence, below + 1, runs - below))


def goodness(correct: Sequence[int], images: int) -> float:
    """How often runs of the fitted distribution, in whole images, fit it worse than these do.

    The distance is A. Anderson and D. A. Darling's (1954), which looks at the tails; its
    distribution, with mean and deviation fitted and images counted, is drawn (a parametric
    bootstrap: W. Stute et al., Metrika 40 (1993), 243-256). Below 0.01 don't believe in tails.
    """
    fitted = fit(correct, images)
    random = np.random.default_rng(0)   # the same runs are always told the same
    drawn = random.normal(fitted.mean, fitted.spread, (_EXAMPLES, fitted.runs))
    examples = _distances(np.clip(np.rint(_right_of(drawn, images)), 0, images), images)
    (own,) = _distances(np.array([correct], dtype=np.float64), images)
    return float((1 + (examples >= own - 1e-9).sum()) / (1 + _EXAMPLES))


def _distances(correct: Floats, images: int) -> Floats:
    """Of each row of right answers from the distribution that is fitted to it."""
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
    """The standard deviation that rounding to whole images leaves, on Anscombe's scale."""
    right = _right_of(means, images)
    found: Floats = _ROUNDING / (2 * np.sqrt((right + 0.375) * (images - right + 0.375)))
    return found


def _scaled(correct: Floats, images: int) -> Floats:
    found: Floats = np.arcsin(np.sqrt((correct + 0.375) / (images + 0.75)))
    return found


def _right_of(scaled: Floats, images: int) -> Floats:
    """The numbers of right answers that stand there on Anscombe's scale, which has two ends."""
    inside = np.clip(scaled, 0, math.pi / 2)
    found: Floats = np.clip((images + 0.75) * np.sin(inside) ** 2 - 0.375, 0, images)
    return found
