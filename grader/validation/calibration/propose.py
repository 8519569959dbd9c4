"""From figures to thresholds: what is proposed, by rules that an instructor can read.

The threshold for full credit is the highest one, in steps of half a point, of which it is sure (by
the confidence asked for) that no solution that was given misses it in more than the share `risk` of
its runs. The solution with the lowest such threshold decides. That needs no correction for their
number: the bound of the one that is truly worst holds with the confidence, and the lowest is no
higher (R. L. Berger, Technometrics 24 (1982), 295-300).

Thresholds for partial credit say what a network is worth that has learnt less, and no figure of
right solutions knows that: they stay. Where full credit comes down, they come down in proportion.
Budgets are only raised.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby

from grader.errors import UsageError
from grader.rubric.model import Calibration, CalibrationRuns, Profile, Threshold
from grader.validation.calibration import statistics
from grader.validation.calibration.hardware import data_in_words
from grader.validation.calibration.runs import Figures, Run, Solution
from grader.validation.calibration.statistics import Chance, Fit

METHOD = "normal on the scale of arcsin sqrt; one-sided tolerance bound of the worst solution"
STEPS = 200          # of a threshold: half a point each
_SECONDS = 10        # a budget is a multiple of it
_UNBELIEVABLE = 0.01


@dataclass(frozen=True)
class Row:
    """What is known of one solution. `below` is the chance that a run is below today's threshold
    for full credit, `again` with the trainings that the profile grants near it; `allows` the
    threshold that it allows. `fits`: how often runs of the fitted distribution fit it worse."""

    solution: str
    runs: tuple[Run, ...]
    fit: Fit
    below: Chance
    again: Chance
    allows: float
    fits: float

    @property
    def credible(self) -> bool:
        return self.fits >= _UNBELIEVABLE


@dataclass(frozen=True)
class Proposal:
    """`fixed` are solutions that come out the same with every seed: they tell nothing of chance.
    `within` is twice the spread between seeds, at the threshold for full credit."""

    rows: tuple[Row, ...]
    fixed: tuple[str, ...]
    thresholds: tuple[Threshold, ...]
    seconds: float
    within: float

    @property
    def usable(self) -> bool:
        """The thresholds are ones that a rubric can have."""
        accuracies = [one.accuracy for one in self.thresholds]
        return accuracies[-1] > 0 and accuracies == sorted(set(accuracies), reverse=True)

    @property
    def worst(self) -> Row:
        """The solution that allows the least."""
        return min(self.rows, key=lambda row: (row.allows, -row.below.upper))


def propose(
    figures: Figures, profile: Profile, risk: float, confidence: float, factor: float
) -> Proposal:
    """Raises UsageError where the figures know nothing of chance."""
    runs = sorted(figures.runs, key=lambda run: (run.solution, run.seed))
    by_solution = {name: tuple(some) for name, some in groupby(runs, lambda run: run.solution)}
    fixed = tuple(name for name, some in by_solution.items() if _is_fixed(some))
    rows = tuple(
        _row(name, some, figures.images, profile, risk, confidence)
        for name, some in by_solution.items() if name not in fixed
    )
    if not rows:
        raise UsageError(
            f"{', '.join(fixed)}: the same network with every seed; nothing shows what chance "
            "does. Take the seeds out of the code, and run this again"
        )
    full = min(row.allows for row in rows)
    slowest = max(run.seconds for run in figures.runs)
    budget = max(profile.seconds, _SECONDS * math.ceil(slowest * factor / _SECONDS))
    spread = max(row.fit.near(profile.thresholds[0].accuracy) for row in rows)
    return Proposal(
        rows, fixed, tuple(_thresholds(profile.thresholds, full)), budget,
        math.ceil(2 * spread * STEPS) / STEPS,
    )


def evidence(
    figures: Figures, solutions: Sequence[Solution], proposal: Proposal, profile: Profile,
    risk: float, confidence: float,
) -> Calibration:
    """What goes into the rubric, for `profile` as it will be."""
    runs = {name: [run for run in figures.runs if run.solution == name]
            for name in (one.name for one in solutions)}
    seeds = sorted({run.seed for run in figures.runs})
    for some in runs.values():
        some.sort(key=lambda run: run.seed)
    return Calibration(
        date=datetime.now(UTC).date(),
        method=METHOD,
        risk=risk,
        confidence=confidence,
        found=in_words(proposal, figures.images, profile, confidence),
        epochs=profile.epochs,
        hidden=figures.images,
        data=data_in_words(profile.data),
        hardware=figures.environment.hardware,
        versions=figures.environment.versions,
        seeds=tuple(seeds),
        runs=tuple(
            CalibrationRuns(
                solution=one.name,
                digest=one.digest,
                correct=tuple(run.correct for run in runs[one.name]),
                seconds=tuple(run.seconds for run in runs[one.name]),
            )
            for one in solutions if one.name not in proposal.fixed
        ),
    )


def in_words(proposal: Proposal, images: int, profile: Profile, confidence: float) -> str:
    """How often a right solution misses the profile's threshold for full credit."""
    full = profile.thresholds[0].accuracy
    row = max(proposal.rows, key=lambda row: row.fit.below(full, confidence).upper)
    once = row.fit.below(full, confidence)
    text = (
        f"full credit at {full:.1%} fails a right solution ({row.solution}) in "
        f"{often(once.estimate)} runs (bounds: {often(once.lower)}, {often(once.upper)})"
    )
    if profile.again is not None:
        again = _again(row.fit, profile, confidence)
        text += f"; with up to {profile.again.at_most} more near it: {often(again.upper)} at most"
    return text


def often(chance: float) -> str:
    """As people say it: `1 in 2,400`."""
    if chance < 1e-6:
        return "less than 1 in a million"
    whole = 1 / chance
    if whole < 10:
        return f"1 in {whole:.2g}"
    digits = 1 - math.floor(math.log10(whole))
    return f"1 in {int(round(whole, digits)):,}"


def _row(
    name: str, runs: tuple[Run, ...], images: int, profile: Profile, risk: float, confidence: float
) -> Row:
    correct = [run.correct for run in runs]
    found = statistics.fit(correct, images)
    full = profile.thresholds[0].accuracy
    return Row(
        name,
        runs,
        found,
        found.below(full, confidence),
        _again(found, profile, confidence),
        _allowed(found, risk, confidence),
        statistics.goodness(correct, images),
    )


def _allowed(fit: Fit, risk: float, confidence: float) -> float:
    """The highest step that the solution misses with a chance of at most `risk`."""
    step = math.floor(fit.bound(risk, confidence) * STEPS + 1e-9)
    # The bound lies between two numbers of right answers, and a threshold is met by whole ones.
    while step > 0 and fit.below(step / STEPS, confidence).upper > risk:
        step -= 1
    return max(0, step) / STEPS


def _again(fit: Fit, profile: Profile, confidence: float) -> Chance:
    """The chance of missing full credit where trainings near it are repeated."""
    full, rule = profile.thresholds[0].accuracy, profile.again
    once = fit.below(full, confidence)
    if rule is None:
        return once
    far = fit.below(full - rule.within, confidence)
    pairs = ((once.estimate, far.estimate), (once.lower, far.lower), (once.upper, far.upper))
    return Chance(*(statistics.best_of(one, other, rule.at_most) for one, other in pairs))


def _is_fixed(runs: Sequence[Run]) -> bool:
    return len({run.network for run in runs}) == 1


def _thresholds(now: Sequence[Threshold], full: float) -> list[Threshold]:
    """With this one for full credit."""
    ratio = min(1.0, full / now[0].accuracy) if now[0].accuracy else 1.0
    found = [now[0].model_copy(update={"accuracy": full})]
    for one in now[1:]:
        accuracy = one.accuracy if ratio == 1 else math.floor(one.accuracy * ratio * STEPS) / STEPS
        found.append(one.model_copy(update={"accuracy": accuracy}))
    return found
