"""Cases compared with what they must lose: killed, survived, lost more, spared; and the rates."""

from __future__ import annotations

import pytest

from grader.records import CriterionGrade, Grade, Status, Verdict
from grader.validation.outcomes import Case, Conclusion, Kind, Rate, accuracies, conclude
from tests.factories import submission

CRITERIA = ("modes", "groups")


def row(name: str, points: float | None, status: Status = "partial") -> CriterionGrade:
    verdict = Verdict(name, status, 0.0, f"why {name}")
    return CriterionGrade(verdict, "title", "1", "visible", 4.0, points)


def concluded(kind: Kind, loses: set[str], *rows: CriterionGrade) -> Conclusion:
    grade = Grade("x", submission("x"), (*rows, row("essay", None, "needs_marking")), 0.0, 8.0)
    return conclude(Case(kind, "x", "about", frozenset(loses)), grade, CRITERIA)


KEPT = row("modes", 4.0), row("groups", 4.0)


def test_a_mutant_that_loses_what_it_names_is_killed() -> None:
    one = concluded("mutant", {"modes"}, row("modes", 2.0), row("groups", 4.0))
    assert (one.outcome, one.words) == ("right", "killed exactly")
    assert set(one.marks) == set(CRITERIA)   # a criterion that a person marks does not count


def test_a_mutant_that_keeps_what_it_names_has_survived() -> None:
    one = concluded("mutant", {"modes"}, *KEPT)
    assert (one.outcome, one.words, one.survived) == ("wrong", "survived", ("modes",))


def test_a_mutant_that_loses_what_it_does_not_name_has_lost_more() -> None:
    one = concluded("mutant", {"modes"}, row("modes", 0.0), row("groups", 3.9))
    assert (one.outcome, one.words, one.lost_more) == ("wrong", "lost more", ("groups",))


def test_points_that_wait_for_a_person_are_not_kept() -> None:
    waiting = row("modes", None, "needs_marking")
    assert concluded("mutant", {"modes"}, waiting, KEPT[1]).outcome == "right"
    variant = concluded("variant", set(), waiting, KEPT[1])
    assert (variant.words, variant.lost_more) == ("lost points", ("modes",))


def test_a_failure_of_the_harness_is_neither_killed_nor_survived() -> None:
    lost = row("modes", None, "not_scored")
    one = concluded("mutant", {"modes"}, lost, KEPT[1])
    assert (one.outcome, one.words, one.survived, one.lost_more) == (
        "not scored", "not scored", (), ()
    )  # fmt: skip
    (modes, groups) = accuracies([one], CRITERIA)
    assert (modes.sensitivity.of, modes.specificity.of, groups.specificity.of) == (0, 0, 1)


def test_a_variant_that_keeps_everything_is_spared() -> None:
    assert concluded("variant", set(), *KEPT).words == "spared"


def test_a_starter_must_not_earn_even_a_part() -> None:
    one = concluded("starter", set(CRITERIA), row("modes", 2.0), row("groups", 0.0))
    assert (one.words, one.survived) == ("earned points", ("modes",))


def test_rates_are_counted_by_criterion() -> None:
    killed = concluded("mutant", {"modes"}, row("modes", 0.0), row("groups", 4.0))
    survived = concluded("mutant", {"modes"}, *KEPT)
    more = concluded("mutant", {"modes"}, row("modes", 0.0), row("groups", 0.0))
    spared = concluded("variant", set(), *KEPT)
    neither = concluded("starter", set(CRITERIA), row("modes", 0.0), row("groups", 0.0))
    modes, groups = accuracies([killed, survived, more, spared, neither], CRITERIA)
    assert (modes.sensitivity, modes.specificity) == (Rate(2, 3), Rate(1, 1))
    assert (groups.sensitivity, groups.specificity) == (Rate(0, 0), Rate(3, 4))


@pytest.mark.parametrize(
    ("rate", "low", "high"),
    # Of Newcombe (1998), Statistics in Medicine 17, table I, method 3.
    [(Rate(81, 263), 0.2553, 0.3662), (Rate(15, 148), 0.0624, 0.1605), (Rate(0, 20), 0, 0.1611),
     (Rate(1, 29), 0.0061, 0.1718), (Rate(20, 20), 1 - 0.1611, 1.0)],
)  # fmt: skip
def test_the_interval_is_wilsons(rate: Rate, low: float, high: float) -> None:
    assert rate.interval == pytest.approx((low, high), abs=5e-5)
