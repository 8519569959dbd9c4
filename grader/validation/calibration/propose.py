"""Proposes accuracy thresholds and a budget of seconds from the runs of a calibration.

For each solution, the threshold for full credit is the highest one, in steps of half a percentage
point, that with the given confidence at most a share `risk` of its runs misses. The lowest of these
is proposed. It needs no correction for the number of solutions: the bound of the truly worst one
holds with the confidence, and the lowest bound is no higher (R. L. Berger, Technometrics 24 (1982),
295-300).

Thresholds for partial credit stay, since runs of right solutions say nothing about networks that
have learnt less; they are lowered in proportion if full credit is lowered. Budgets are only raised.
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
from grader.validation.calibration.runs import Figures, SeedRun, Solution
from grader.validation.calibration.statistics import Chance, Fit
from grader.validation.calibration.warnings import data_in_words

METHOD = "normal on the scale of arcsin sqrt; one-sided tolerance bound of the worst solution"
STEPS = 200          # thresholds are multiples of 1 / STEPS: half a percentage point
_SECONDS = 10        # budgets are multiples of it
_UNBELIEVABLE = 0.01   # with a lower p-value the distribution does not fit


@dataclass(frozen=True)
class SolutionSummary:
    """The statistics of one solution's runs.

    Attributes:
        solution: Its name.
        runs: Its runs, by seed.
        fit: The fitted distribution.
        below: Chance that a run is below the rubric's threshold for full credit.
        again: The same with the further trainings that the profile grants near the threshold.
        allows: Highest threshold that it misses seldom enough.
        fits: p-value of the fit: how often runs of the fitted distribution fit it worse.
    """

    solution: str
    runs: tuple[SeedRun, ...]
    fit: Fit
    below: Chance
    again: Chance
    allows: float
    fits: float

    @property
    def credible(self) -> bool:
        """True if the distribution fits well enough to believe its chances."""
        return self.fits >= _UNBELIEVABLE


@dataclass(frozen=True)
class Proposal:
    """Proposed thresholds and budget.

    Attributes:
        rows: Statistics of each solution that depends on its seed.
        fixed: Solutions with the same network for every seed, which show nothing about chance.
        thresholds: Proposed thresholds, full credit first.
        seconds: Proposed budget of a training.
        within: Twice the spread between seeds, in accuracy at the threshold for full credit.
    """

    rows: tuple[SolutionSummary, ...]
    fixed: tuple[str, ...]
    thresholds: tuple[Threshold, ...]
    seconds: float
    within: float

    @property
    def usable(self) -> bool:
        """True if a rubric can have these thresholds: positive, and all different."""
        accuracies = [one.accuracy for one in self.thresholds]
        return accuracies[-1] > 0 and accuracies == sorted(set(accuracies), reverse=True)

    @property
    def worst(self) -> SolutionSummary:
        """The solution that allows the lowest threshold."""
        return min(self.rows, key=lambda row: (row.allows, -row.below.upper))


def propose(
    figures: Figures, profile: Profile, risk: float, confidence: float, factor: float
) -> Proposal:
    """Propose thresholds and a budget for a profile.

    Args:
        figures: All runs.
        profile: The profile as it is.
        risk: Share of runs of a right solution that may miss full credit.
        confidence: Confidence with which that must hold.
        factor: Budget over the slowest run.

    Raises:
        UsageError: No solution depends on its seed.
    """
    runs = sorted(figures.runs, key=lambda run: (run.solution, run.seed))
    by_solution = {name: tuple(some) for name, some in groupby(runs, lambda run: run.solution)}
    fixed = tuple(name for name, some in by_solution.items() if _is_fixed(some))
    rows = tuple(
        _row(name, some, figures.images, profile, risk, confidence)
        for name, some in by_solution.items() if name not in fixed
    )
    if not rows:
        raise UsageError(
            f"{', '.join(fixed)}: the same network with every seed, which shows nothing about "
            "chance. Remove the fixed seeds from the code and run this again"
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
    """Make the record for the rubric; `profile` is as it will be, with its new thresholds."""
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
    """Say how often a right solution misses the profile's threshold for full credit."""
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
    """Write a chance as `1 in 2,400`."""
    if chance < 1e-6:
        return "less than 1 in a million"
    whole = 1 / chance
    if whole < 10:
        return f"1 in {whole:.2g}"
    digits = 1 - math.floor(math.log10(whole))
    return f"1 in {int(round(whole, digits)):,}"


def _row(
    name: str, runs: tuple[SeedRun, ...], images: int, profile: Profile, risk: float,
    confidence: float,
) -> SolutionSummary:
    correct = [run.correct for run in runs]
    found = statistics.fit(correct, images)
    full = profile.thresholds[0].accuracy
    return SolutionSummary(
        name,
        runs,
        found,
        found.below(full, confidence),
        _again(found, profile, confidence),
        _allowed(found, risk, confidence),
        statistics.goodness(correct, images),
    )


def _allowed(fit: Fit, risk: float, confidence: float) -> float:
    """Return the highest threshold that the solution misses with a chance of at most `risk`."""
    step = math.floor(fit.bound(risk, confidence) * STEPS + 1e-9)
    # The bound may lie between two numbers of right answers, but a run has a whole number of them.
    while step > 0 and fit.below(step / STEPS, confidence).upper > risk:
        step -= 1
    return max(0, step) / STEPS


def _again(fit: Fit, profile: Profile, confidence: float) -> Chance:
    """Return the chance of missing full credit if trainings near it are repeated."""
    full, rule = profile.thresholds[0].accuracy, profile.again
    once = fit.below(full, confidence)
    if rule is None:
        return once
    far = fit.below(full - rule.within, confidence)
    pairs = ((once.estimate, far.estimate), (once.lower, far.lower), (once.upper, far.upper))
    return Chance(*(statistics.best_of(one, other, rule.at_most) for one, other in pairs))


def _is_fixed(runs: Sequence[SeedRun]) -> bool:
    return len({run.network for run in runs}) == 1


def _thresholds(now: Sequence[Threshold], full: float) -> list[Threshold]:
    """Return the thresholds with `full` for full credit, the others lowered in proportion."""
    ratio = min(1.0, full / now[0].accuracy) if now[0].accuracy else 1.0
    found = [now[0].model_copy(update={"accuracy": full})]
    for one in now[1:]:
        accuracy = one.accuracy if ratio == 1 else math.floor(one.accuracy * ratio * STEPS) / STEPS
        found.append(one.model_copy(update={"accuracy": accuracy}))
    return found
