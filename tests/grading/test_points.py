"""From verdicts to a grade: points, dependencies, lateness and the cap."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest

from grader.grading.points import grade
from grader.records import Grade, Status, Submission, Verdict
from grader.rubric.late_policy import Late
from grader.rubric.model import Rubric
from tests import factories
from tests.factories import criterion, rubric, verdict

DUE = datetime(2026, 11, 30, 23, 59, tzinfo=UTC)


def submission(submitted: datetime | None = None) -> Submission:
    return factories.submission(submitted_at=submitted, notes=("a note",))


def graded(*verdicts: Verdict, of: Rubric) -> Grade:
    return grade(of, submission(), verdicts)


def late_grade(late: Late, by: timedelta) -> Grade:
    one = rubric(criterion("a", 50), late=late)
    return grade(one, submission(DUE + by), [verdict("a")])


def test_points_are_the_fraction_of_each_criterion() -> None:
    one = rubric(criterion("a", 3), criterion("b", 5), criterion("c", 6))
    found = graded(
        verdict("a"), verdict("b", 1 / 3, "partial"), verdict("c", 0, "failed"), of=one
    )
    assert [row.points for row in found.criteria] == [3, 1.6667, 0]
    assert (found.score, found.max, found.state) == (4.6667, 14, "graded")
    assert found.notes == ("a note",)


def test_rows_stand_in_the_order_of_the_rubric() -> None:
    one = rubric(criterion("a"), criterion("b"))
    found = graded(verdict("b"), verdict("a"), of=one)
    assert [row.verdict.criterion for row in found.criteria] == ["a", "b"]


def test_criteria_without_a_verdict_are_no_part_of_the_maximum() -> None:
    found = graded(verdict("b"), of=rubric(criterion("a", 3), criterion("b", 5)))
    assert (found.score, found.max, len(found.criteria)) == (5, 5, 1)


def test_score_and_maximum_stop_at_the_cap() -> None:
    one = rubric(criterion("a", 70), criterion("b", 40), cap=100)
    assert graded(verdict("a"), verdict("b"), of=one).score == 100
    assert graded(verdict("a"), verdict("b"), of=one).max == 100
    assert graded(verdict("a"), verdict("b", 0.5, "partial"), of=one).score == 90


@pytest.mark.parametrize("fraction", [math.nan, math.inf, -math.inf, -0.01, 1.01])
def test_a_fraction_that_is_none_never_becomes_points(fraction: float) -> None:
    with pytest.raises(ValueError, match=r"a: a fraction of .* is not within 0 and 1"):
        graded(verdict("a", fraction), of=rubric(criterion("a")))


@pytest.mark.parametrize("status", ["not_scored", "needs_marking"])
def test_what_waits_has_no_points_rather_than_zero(status: Status) -> None:
    one = rubric(criterion("a"), criterion("b", 4))
    found = graded(verdict("a", 0, status), verdict("b"), of=one)
    assert [row.points for row in found.criteria] == [None, 4]
    assert (found.score, found.max, found.state) == (4, 14, status)


def test_what_the_harness_failed_outweighs_what_waits_for_a_person() -> None:
    one = rubric(criterion("a"), criterion("b"))
    found = graded(verdict("a", 0, "needs_marking"), verdict("b", 0, "not_scored"), of=one)
    assert found.state == "not_scored"


def test_a_criterion_earns_nothing_while_what_it_depends_on_earned_nothing() -> None:
    one = rubric(criterion("a"), criterion("b", depends_on=("a",)), criterion("c"))
    found = graded(verdict("a", 0, "failed"), verdict("b"), verdict("c"), of=one)
    row = found.criteria[1]
    assert (row.points, row.verdict.status) == (0, "failed")
    assert row.verdict.reason == "This requires 'Title of a', which earned no points."
    assert found.score == 10


def test_dependencies_reach_through_a_chain() -> None:
    one = rubric(
        criterion("a"), criterion("b", depends_on=("a",)), criterion("c", depends_on=("b",))
    )
    found = graded(verdict("a", 0, "failed"), verdict("b"), verdict("c"), of=one)
    assert found.score == 0


def test_partial_credit_is_enough_for_a_dependency() -> None:
    one = rubric(criterion("a"), criterion("b", depends_on=("a",)))
    assert graded(verdict("a", 0.1, "partial"), verdict("b"), of=one).score == 11


def test_a_dependency_that_waits_for_a_person_holds_nothing_up() -> None:
    one = rubric(criterion("a"), criterion("b", depends_on=("a",)))
    found = graded(verdict("a", 0, "needs_marking"), verdict("b"), of=one)
    assert found.criteria[1].points == 10


def test_a_dependency_that_was_not_asked_for_holds_nothing_up() -> None:
    one = rubric(criterion("a"), criterion("b", depends_on=("a",)))
    assert graded(verdict("b"), of=one).score == 10


def test_a_dependency_that_the_harness_failed_is_never_a_zero() -> None:
    one = rubric(criterion("a"), criterion("b", depends_on=("a",)))
    found = graded(verdict("a", 0, "not_scored"), verdict("b"), of=one)
    row = found.criteria[1]
    assert (row.points, row.verdict.status) == (None, "not_scored")
    assert row.verdict.reason == "Not scored, because 'Title of a' could not be scored yet."


def test_what_earns_nothing_whatever_its_answer_need_not_be_asked_again() -> None:
    one = rubric(criterion("a"), criterion("b", depends_on=("a",)))
    found = graded(verdict("a", 0, "failed"), verdict("b", 0, "not_scored"), of=one)
    assert (found.criteria[1].points, found.state) == (0, "graded")


@pytest.mark.parametrize(
    ("late_by", "penalty"),
    [
        (timedelta(days=-3), 0),
        (timedelta(0), 0),
        (timedelta(minutes=30), 0),
        (timedelta(minutes=30, seconds=1), 5),
        (timedelta(days=1, minutes=30), 5),
        (timedelta(days=1, minutes=31), 10),
        (timedelta(days=3, minutes=30), 15),
        (timedelta(days=3, minutes=31), 50),
        (timedelta(days=400), 50),
    ],
)
def test_each_day_begun_after_the_grace_costs_its_share(
    late_by: timedelta, penalty: float
) -> None:
    late = Late(due=DUE, grace_minutes=30, per_day=0.1, max_days=3)
    found = late_grade(late, late_by)
    assert (found.late_penalty, found.score) == (penalty, 50 - penalty)


def test_the_note_says_how_the_penalty_came_about() -> None:
    late = Late(due=DUE, per_day=0.2, max_days=3)
    assert "Late by 1 day: 20% penalty." in late_grade(late, timedelta(hours=1)).notes
    assert "Late by 2 days: 40% penalty." in late_grade(late, timedelta(hours=30)).notes
    assert "Late by 4 days: 100% penalty." in late_grade(late, timedelta(days=4)).notes


def test_a_penalty_is_never_more_than_all() -> None:
    late = Late(due=DUE, per_day=0.4, max_days=9)
    assert late_grade(late, timedelta(days=5)).score == 0


def test_no_days_allowed_means_that_late_earns_nothing() -> None:
    assert late_grade(Late(due=DUE, max_days=0), timedelta(seconds=1)).score == 0


def test_an_unknown_time_of_submission_costs_nothing_and_is_told() -> None:
    one = rubric(criterion("a"), late=Late(due=DUE))
    found = grade(one, submission(None), [verdict("a")])
    assert (found.score, found.late_penalty) == (10, 0)
    assert any("is not known, so there is no late penalty" in note for note in found.notes)


def test_the_time_does_not_matter_without_a_late_policy() -> None:
    found = grade(rubric(criterion("a")), submission(DUE + timedelta(days=90)), [verdict("a")])
    assert (found.score, found.notes) == (10, ("a note",))


def test_time_zones_are_told_apart() -> None:
    one = rubric(criterion("a"), late=Late(due=DUE))
    in_new_york = datetime.fromisoformat("2026-11-30T19:30:00-05:00")
    assert grade(one, submission(in_new_york), [verdict("a")]).late_penalty == 1


def test_points_beyond_the_cap_cushion_a_late_penalty() -> None:
    one = rubric(criterion("a", 110), cap=100, late=Late(due=DUE, per_day=0.1))
    found = grade(one, submission(DUE + timedelta(hours=1)), [verdict("a")])
    assert (found.late_penalty, found.score) == (11, 99)


@pytest.mark.parametrize(("points", "step", "score"), [
    (4.25, 0.5, 4.5), (4.2499, 0.5, 4.0), (4.75, 0.5, 5.0), (3.3333, 0.1, 3.3), (2.5, 1, 3),
    (0.15, 0.1, 0.2), (7, 0.25, 7),
])
def test_scores_are_rounded_to_a_step_and_a_half_goes_up(
    points: float, step: float, score: float
) -> None:
    one = rubric(criterion("a", 10), rounding=step)
    found = graded(verdict("a", points / 10, "partial"), of=one)
    assert found.score == pytest.approx(score)
    assert found.criteria[0].points == pytest.approx(points, abs=1e-4)
    assert any("rounded" in note for note in found.notes) is (abs(points - score) > 1e-4)


def test_rounding_comes_after_the_late_penalty_and_stays_below_the_cap() -> None:
    one = rubric(criterion("a", 9), late=Late(due=DUE, per_day=0.1, max_days=3), rounding=0.5)
    assert grade(one, submission(DUE + timedelta(hours=5)), [verdict("a")]).score == 8.0
    capped = rubric(criterion("a", 9.9), cap=9.7, rounding=0.5)
    assert graded(verdict("a"), of=capped).score == 9.7
