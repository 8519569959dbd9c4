"""The statistics of calibration, by published tables and by distributions that we know."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from grader.validation.calibration import statistics
from grader.validation.calibration.statistics import Chance


@pytest.mark.parametrize(
    ("runs", "risk", "confidence", "factor"),
    [
        # NIST/SEMATECH e-Handbook, 7.2.6.3: the exact factor of its example.
        (43, 0.10, 0.99, 1.8740),
        # R. E. Odeh and D. B. Owen, "Tables for Normal Tolerance Limits" (1980), table 1.
        (10, 0.10, 0.95, 2.355),
        (10, 0.05, 0.95, 2.911),
        (10, 0.01, 0.95, 3.981),
        (30, 0.01, 0.95, 3.064),
    ],
)
def test_tolerance_factors_are_those_of_published_tables(
    runs: int, risk: float, confidence: float, factor: float
) -> None:
    assert statistics.tolerance_factor(runs, risk, confidence) == pytest.approx(factor, abs=6e-4)


@pytest.mark.parametrize("runs", [3, 10, 30, 300])
def test_a_bound_and_the_chance_below_it_are_the_same_statement(runs: int) -> None:
    factor = statistics.tolerance_factor(runs, 0.001, 0.95)
    found = statistics.tail(factor, runs, 0.95)
    assert found.upper == pytest.approx(0.001, rel=1e-6)
    assert found.lower < found.estimate < found.upper


def test_the_chance_below_the_mean_is_a_half() -> None:
    found = statistics.tail(0.0, 30, 0.95)
    assert found.estimate == 0.5 and found.lower == pytest.approx(1 - found.upper)
    assert found.upper == pytest.approx(stats.norm.cdf(1.645 / math.sqrt(30)), abs=1e-4)


@pytest.mark.parametrize("distance", [-8.0, -2.0, 0.0, 8.0])
@pytest.mark.parametrize("runs", [3, 30, 500])
def test_very_large_distances_give_finite_chances(distance: float, runs: int) -> None:
    found = statistics.tail(distance, runs, 0.95)
    assert 0 <= found.lower <= found.estimate <= found.upper <= 1


def _drawn(random: np.random.Generator, mean: float, spread: float, runs: int) -> list[int]:
    """Right answers of 300, by a distribution that is normal on Anscombe's scale."""
    scaled = np.minimum(random.normal(mean, spread, runs), math.pi / 2)
    right = 300.75 * np.sin(scaled) ** 2 - 0.375
    return [int(one) for one in np.clip(np.rint(right), 0, 300)]


def _scaled(right: float) -> float:
    return math.asin(math.sqrt((right + 0.375) / 300.75))


@pytest.mark.parametrize(
    ("mean", "needed"), [(276, 268), (291, 285), (297, 293)]
)
def test_bounds_hold_as_often_as_they_say(mean: int, needed: int) -> None:
    """About 380 of 400 calibrations by 30 runs each propose a threshold that a share of at most
    0.001 of all runs misses: also where a run errs on three images only."""
    random, held, covered = np.random.default_rng(1), 0, 0
    truth = stats.norm(_scaled(mean), 0.025)
    share = truth.cdf(_scaled(needed - 0.5))   # half-way to one image less
    for _ in range(400):
        found = statistics.fit(_drawn(random, _scaled(mean), 0.025, 30), 300)
        held += truth.cdf(_scaled(found.bound(0.001, 0.95) * 300)) <= 0.001
        chance = found.below(needed / 300, 0.95)
        covered += chance.lower <= share <= chance.upper
    assert held >= 367, "95 %, less three standard deviations of 400 draws"
    assert covered >= 342, "90 %, less as much"


def test_one_standard_deviation_is_converted_to_accuracy() -> None:
    found = statistics.fit([270, 280, 290, 285, 275], 300)
    higher, lower = (
        math.sin(math.asin(math.sqrt(0.95)) + sign * found.spread) ** 2 for sign in (1, -1)
    )
    assert found.near(0.95) == pytest.approx((higher - lower) / 2, rel=0.01)


def test_equal_runs_do_not_give_certainty() -> None:
    found = statistics.fit([297] * 30, 300)
    assert found.spread > 0
    assert 0 < found.below(296.5 / 300, 0.95).estimate < 0.5


def test_runs_without_an_error_can_be_fitted() -> None:
    found = statistics.fit([300] * 30, 300)
    assert 0.9 < found.bound(0.001, 0.95) < 1
    assert found.below(1.0, 0.95).upper > 0.01


def test_a_threshold_between_two_numbers_of_images_is_the_higher_of_them() -> None:
    found = statistics.fit([290, 292, 294, 295, 291], 300)
    assert found.below(290.1 / 300, 0.95) == found.below(291 / 300, 0.95)
    assert found.below(0.0, 0.95).estimate < 1e-9


def test_a_run_far_below_the_others_does_not_fit() -> None:
    usual = [297, 296, 295, 298, 296, 297, 297, 296, 295, 297] * 3
    assert statistics.goodness(usual, 300) > 0.05
    assert statistics.goodness([*usual[1:], 270], 300) < 0.01


def test_the_goodness_of_fit_rejects_fitting_runs_as_seldom_as_it_says() -> None:
    random = np.random.default_rng(2)
    found = [statistics.goodness(_drawn(random, _scaled(296), 0.025, 30), 300) for _ in range(60)]
    assert sum(one < 0.05 for one in found) <= 9   # of 60, 3 are expected


def test_without_a_distribution_thirty_runs_say_little() -> None:
    assert statistics.observed(0, 30, 0.95) == pytest.approx(1 - 0.05 ** (1 / 30))
    assert statistics.observed(30, 30, 0.95) == 1


def test_more_trainings_near_a_threshold_multiply_the_chances() -> None:
    assert statistics.best_of(0.1, 0.0, 2) == pytest.approx(0.001)
    assert statistics.best_of(0.1, 0.1, 2) == pytest.approx(0.1), "all of them are too far below"
    assert statistics.best_of(0.1, 0.02, 1) == pytest.approx(0.02 + 0.08 * 0.1)
    assert isinstance(statistics.tail(1.0, 9, 0.9), Chance)
