"""Stopping early: the exact test, the risk of a wrong stop by enumeration, and the parts."""

from __future__ import annotations

import dataclasses
import functools
import math
import time
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.checks.accuracy import stopped_in_vain
from grader.checks.answer_key import AnswerKey
from grader.checks.early_stopping import HiddenParts, at_least, is_sure, stop_rule, without_rule
from grader.checks.training_run import PREDICT, TRAIN, train_question
from grader.records import Question, StopRule
from grader.rubric.model import Limits, StopEarly
from tests.checks.evidence import PROFILE, answered, inputs, key, trained

HIDDEN = 400
RULE = StopRule(threshold=0.5, parts=4, risk=0.01)
QUESTION = Question(TRAIN, "train", {}, TRAIN, 10, stopping=RULE)


def the_key(hidden: int = HIDDEN) -> AnswerKey:
    """Ten images of each class in a row, then the next class; an image's pixels are its number."""
    images = np.zeros((hidden, 1, 1, 3), np.uint8) + np.arange(hidden)[:, None, None, None] % 251
    drawn = dataclasses.replace(inputs(), hidden_images=images.astype(np.uint8))
    labels = np.arange(hidden, dtype=np.int64) // 10 % 3
    return AnswerKey(drawn, labels, labels[:10], {})


def logits(labels: np.ndarray[tuple[int], np.dtype[np.int64]], right: int) -> np.ndarray[
    tuple[int, int], np.dtype[np.float32]
]:
    """Predictions, of which the given number is right."""
    told = np.where(np.arange(len(labels)) < right, labels, (labels + 1) % 3)
    return np.eye(3, dtype=np.float32)[told]


def lower_bound(correct: int, total: int, risk: float) -> float:
    """Clopper and Pearson's lower bound, by bisection of its definition."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if is_sure(correct, total, middle, risk) else (low, middle)
    return low


@pytest.mark.parametrize(
    ("correct", "total", "risk", "bound"),
    [
        # Two-sided 95 % intervals as tables and R's binom.test give them: a risk of 2.5 % below.
        (8, 10, 0.025, 0.4439),
        (90, 100, 0.025, 0.8238),
        (15, 20, 0.025, 0.5090),
        # All right: the bound is the risk's n-th root.
        (10, 10, 0.05, 0.05 ** (1 / 10)),
        (1250, 1250, 0.00025, 0.00025 ** (1 / 1250)),
    ],
)
def test_the_bound_is_that_of_clopper_and_pearson(
    correct: int, total: int, risk: float, bound: float
) -> None:
    assert lower_bound(correct, total, risk) == pytest.approx(bound, abs=5e-5)


@given(st.integers(1, 60), st.data(), st.integers(1, 99))
def test_the_tail_probability_is_exact(total: int, data: st.DataObject, percent: int) -> None:
    correct = data.draw(st.integers(0, total + 1))
    chance = Fraction(percent, 100)
    exact = sum(
        math.comb(total, right) * chance**right * (1 - chance) ** (total - right)
        for right in range(correct, total + 1)
    )
    assert at_least(correct, total, percent / 100) == pytest.approx(float(exact), rel=1e-9, abs=0)


@functools.cache
def counts_that_are_sure(total: int, threshold: float, risk: float) -> list[int]:
    return [n for n in range(total + 1) if is_sure(n, total, threshold, risk)]


@pytest.mark.parametrize("total", [20, 75, 300, 1250])
@pytest.mark.parametrize("threshold", [0.5, 0.88, 0.95])
@pytest.mark.parametrize("below", [1e-9, 0.001, 0.02, 0.2])
@pytest.mark.parametrize("parts", [1, 4])
def test_a_network_below_the_threshold_is_stopped_with_at_most_the_risk(
    total: int, threshold: float, below: float, parts: int
) -> None:
    rule, true = StopRule(threshold, parts, 0.01), Fraction(threshold - below)
    sure = counts_that_are_sure(total, threshold, rule.risk_per_look)
    # Exactly, as whole numbers over one denominator: a sum of fractions would reduce each of them.
    right, of = true.numerator, true.denominator
    ways = sum(math.comb(total, n) * right**n * (of - right) ** (total - n) for n in sure)
    at_one_look = Fraction(ways, of**total)
    assert 1 - (1 - at_one_look) ** parts <= rule.risk
    assert sure == list(range(sure[0], total + 1)) if sure else total < 300


def test_one_right_image_fewer_is_not_enough() -> None:
    fewest = next(n for n in range(1251) if is_sure(n, 1250, 0.88, 0.00025))
    assert fewest == 1140   # 91.2 %
    assert at_least(fewest, 1250, 0.88) <= 0.00025 < at_least(fewest - 1, 1250, 0.88)


@pytest.mark.parametrize("correct", [0, -1])
def test_zero_images_are_never_enough(correct: int) -> None:
    assert not is_sure(correct, 0, 0.5, 0.1)
    assert not is_sure(correct, 100, 0.5, 0.1)
    assert not is_sure(100, 100, 1.0, 0.1)


def test_a_profile_without_stop_early_has_no_rule() -> None:
    question = train_question(inputs(), Limits())
    assert question.stopping is None and "look" not in question.args


def test_the_rule_uses_the_highest_threshold_and_is_not_sent_to_the_worker() -> None:
    profile = PROFILE.model_copy(update={"stop_early": StopEarly(parts=2, risk=0.02)})
    drawn = dataclasses.replace(the_key().inputs, profile=profile)
    question = train_question(drawn, Limits())
    assert question.stopping == StopRule(0.9, 2, 0.02)
    assert question.args["look"] is True
    assert not {0.9, 0.02} & {value for value in question.args.values() if value is not True}
    (again,) = without_rule([question])
    assert (again.stopping, again.args) == (None, train_question(inputs(), Limits()).args)


def test_parts_too_small_to_prove_anything_are_not_used() -> None:
    profile = PROFILE.model_copy(update={"stop_early": StopEarly(parts=4, risk=0.001)})
    assert 0.9**75 > 0.001 / 4 >= 0.9**80
    assert stop_rule(profile, 4 * 75) is None
    assert stop_rule(profile, 4 * 80) is not None


def test_requests_without_end_cost_little() -> None:
    answers, begun = the_key(8_000), time.thread_time()
    parts = HiddenParts(answers)
    for number in range(10_000):
        assert parts.part("ada", QUESTION, number % 1_000, 2_001) is None
    assert time.thread_time() - begun < 1


def test_no_part_is_given_twice_and_each_is_scored_by_its_own_labels() -> None:
    answers = the_key()
    early_stopper = HiddenParts(answers)
    given_out = []
    for number in range(RULE.parts):
        images = early_stopper.part("ada", QUESTION, 95, 100)
        assert images is not None and len(images) == HIDDEN // RULE.parts
        given_out.append(images)
        labels = answers.hidden_labels[number * 100 : number * 100 + 100]
        assert not early_stopper.is_sure("ada", QUESTION, logits(labels, 60))
        assert early_stopper.is_sure("ada", QUESTION, logits(labels, 70))
    assert np.array_equal(np.concatenate(given_out), answers.inputs.hidden_images)
    assert early_stopper.part("ada", QUESTION, 95, 100) is None
    assert early_stopper.part("bob", QUESTION, 95, 100) is not None   # of another student


def test_a_part_is_given_only_to_a_network_that_may_pass() -> None:
    early_stopper = HiddenParts(the_key())
    assert early_stopper.part("ada", QUESTION, 60, 100) is None
    assert early_stopper.part("ada", QUESTION, 101, 100) is None
    assert early_stopper.part("ada", QUESTION, 0, 0) is None
    assert early_stopper.part("ada", QUESTION, 80, 100) is not None


def test_outputs_that_are_not_finite_prove_nothing() -> None:
    answers = the_key()
    early_stopper = HiddenParts(answers)
    assert early_stopper.part("ada", QUESTION, 95, 100) is not None
    predicted = logits(answers.hidden_labels[:100], 100)
    predicted[0, 0] = np.nan
    assert not early_stopper.is_sure("ada", QUESTION, predicted)


def test_without_a_part_nothing_is_scored() -> None:
    answers = the_key()
    assert not HiddenParts(answers).is_sure(
        "ada", QUESTION, logits(answers.hidden_labels[:100], 100)
    )


def test_a_stop_without_full_credit_is_noticed() -> None:
    answers = key()

    def predicted(right: int) -> bytes:
        return logits(answers.hidden_labels, right).astype("<f4").tobytes()

    def vain(right: int, stopped: str | None) -> bool:
        said = answered({"classes": 3}, predicted(right), predicted(10))
        return stopped_in_vain({TRAIN: trained(stopped=stopped), PREDICT: said}, answers)

    assert vain(8, "sure")
    assert not vain(9, "sure")
    assert not vain(8, "epochs") and not vain(8, None)
    assert not stopped_in_vain({TRAIN: trained(stopped="sure")}, answers)   # nobody asked for more
    assert not stopped_in_vain({}, answers)
    wrong = answered({"classes": 3}, b"", b"")
    assert stopped_in_vain({TRAIN: trained(stopped="sure"), PREDICT: wrong}, answers)
