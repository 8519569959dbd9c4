"""Further trainings near a threshold: when they are due, the points, and the feedback."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np
import pytest

from grader.checks.accuracy import judge
from grader.checks.answer_key import AnswerKey
from grader.checks.retraining import SEEDS, again_questions, another
from grader.checks.training_run import PREDICT, TRAIN, train_question
from grader.records import Evidence, Verdict
from grader.rubric.model import Again, Limits, StopEarly
from tests.checks.evidence import (
    CLASSES,
    CRITERION,
    PROFILE,
    answered,
    key,
    trained,
    unanswered,
    work,
)

Found = dict[str, Evidence]


def near(at_most: int = 2, within: float = 0.1) -> AnswerKey:
    """Thresholds are 0.9 and 0.6, and there are ten hidden images."""
    profile = PROFILE.model_copy(update={"again": Again(at_most=at_most, within=within)})
    plain = key(seed=3)
    return dataclasses.replace(plain, inputs=dataclasses.replace(plain.inputs, profile=profile))


def predicted(right: int, first: int = 0) -> Evidence:
    """The first `first` images are wrong, and then as many are right."""
    labels = key().hidden_labels
    right_ones = (np.arange(10) >= first) & (np.arange(10) < first + right)
    classes = np.where(right_ones, labels, (labels + 1) % len(CLASSES))
    blob = np.eye(len(CLASSES), dtype="<f4")[classes].tobytes()
    return answered({"classes": len(CLASSES)}, blob, blob)


def tries(*predictions: Evidence) -> Found:
    found = {TRAIN: trained(), PREDICT: predictions[0]}
    for number, one in enumerate(predictions[1:], 1):
        found |= {f"{TRAIN}/again-{number}": trained(), f"{TRAIN}/again-{number}/predict": one}
    return found


def verdict(found: Mapping[str, Evidence], rule: AnswerKey | None = None) -> Verdict:
    return judge(CRITERION, work(found), rule or near())


LOST = unanswered("not_started", "no engine answers")


@pytest.mark.parametrize(
    ("right", "due"), [(10, None), (9, None), (8, 1), (7, None), (6, None), (5, 1), (4, None)]
)
def test_a_network_just_below_a_threshold_is_trained_again(
    right: int, due: int | None
) -> None:
    assert another(tries(predicted(right)), near()) == due


def test_nearness_to_a_threshold_allows_for_rounding() -> None:
    assert 0.9 - 0.7 > 0.2
    assert another(tries(predicted(7)), near(within=0.2)) == 1


def test_no_network_is_trained_again_without_a_rule() -> None:
    assert another(tries(predicted(8)), key()) is None


def test_there_are_at_most_so_many_further_trainings() -> None:
    eights = [predicted(8, first) for first in (0, 1, 2)]
    assert another(tries(*eights[:2]), near()) == 2
    assert another(tries(*eights), near()) is None
    assert another(tries(*eights[:2]), near(at_most=1)) is None


def test_a_network_at_the_threshold_is_not_trained_again() -> None:
    assert another(tries(predicted(8), predicted(9)), near()) is None


def test_a_network_above_one_threshold_may_be_near_the_next() -> None:
    assert another(tries(predicted(5), predicted(8)), near()) == 2


@pytest.mark.parametrize("first", ["exception", "time_limit", "not_started"])
def test_a_failed_training_is_not_repeated(first: str) -> None:
    assert another({TRAIN: unanswered(first), PREDICT: unanswered(first)}, near()) is None


def test_the_best_counts_and_the_feedback_says_so() -> None:
    found = verdict(tries(predicted(8), predicted(7), predicted(9)))
    assert (found.status, found.fraction) == ("passed", 1)
    assert found.reason.startswith("Top-1 accuracy 90.0% on 10 hidden images. The first training")
    assert "at most 10 percentage points below 90.0%" in found.reason
    assert "with other seeds: 80.0%, 70.0%, 90.0%. The best one counts." in (
        found.reason
    )
    (table,) = found.tables
    assert table.rows == (("1", "80.0%", ""), ("2", "70.0%", ""), ("3", "90.0%", "counts"))
    assert found.seen["hidden_accuracy"] == 0.9 and len(found.seen["trainings"]) == 3


def test_a_worse_network_costs_nothing() -> None:
    once, again = verdict(tries(predicted(8))), verdict(tries(predicted(8), predicted(0)))
    assert (once.status, once.fraction) == (again.status, again.fraction) == ("partial", 0.5)
    assert again.seen["hidden_accuracy"] == 0.8


@pytest.mark.parametrize("kind", ["exception", "time_limit", "crashed", "memory_limit"])
def test_a_training_that_the_code_fails_is_passed_over(kind: str) -> None:
    """A failed training does not prevent another one."""
    failed = tries(predicted(8), unanswered(kind))
    assert another(failed, near()) == 2
    found = verdict(failed)
    assert (found.status, found.fraction) == ("partial", 0.5)
    assert "80.0%, none" in found.reason
    assert found.tables[0].rows[1] == ("2", kind.replace("_", " "), "")


def test_outputs_that_cannot_be_used_are_passed_over() -> None:
    found = verdict(tries(predicted(8), answered({"classes": 3}, b"", b"")))
    assert found.fraction == 0.5
    assert found.tables[0].rows[1] == ("2", "its outputs cannot be used", "")


def test_a_training_that_the_grader_failed_is_not_scored() -> None:
    """The lost training might have been better, so the criterion is not scored."""
    lost = tries(predicted(8), LOST)
    assert another(lost, near()) is None
    found = verdict(lost)
    assert found.status == "not_scored"
    assert "80.0%" in found.reason and "no fault of yours" in found.reason
    assert found.reason.endswith(": no engine answers")
    lost[f"{TRAIN}/again-1"] = LOST
    assert verdict(lost).status == "not_scored"


def test_code_that_sets_its_own_seed_is_reported_and_not_trained_a_third_time() -> None:
    same = tries(predicted(8), predicted(8))
    assert another(same, near()) is None
    found = verdict(same)
    assert found.fraction == 0.5
    assert "came out the same, because your code sets its own seed." in found.reason
    # As many right ones of others is not the same network.
    assert another(tries(predicted(8), predicted(8, first=1)), near()) == 2


def test_all_students_of_a_run_get_the_same_seeds() -> None:
    inputs = near().inputs
    seeds = [again_questions(inputs, Limits(), n)[0].args["seed"] for n in (1, 2, 3)]
    assert seeds == [again_questions(inputs, Limits(), n)[0].args["seed"] for n in (1, 2, 3)]
    assert len({*seeds, train_question(inputs, Limits()).args["seed"]}) == 4
    assert all(1 <= seed <= SEEDS for seed in seeds)
    other = dataclasses.replace(inputs, seed=inputs.seed + 1)
    assert seeds != [again_questions(other, Limits(), n)[0].args["seed"] for n in (1, 2, 3)]


def test_another_training_is_another_question_in_a_session_of_its_own() -> None:
    inputs, limits = near().inputs, Limits()
    first = train_question(inputs, limits)
    training, predict = again_questions(inputs, limits, 1)
    assert training.session == predict.session != first.session
    assert {**training.args, "seed": 0} == first.args and training.seconds == first.seconds
    assert len({first.digest, training.digest, again_questions(inputs, limits, 2)[0].digest}) == 3


def test_a_further_training_is_never_stopped_early() -> None:
    inputs = near().inputs
    early = inputs.profile.model_copy(update={"stop_early": StopEarly(parts=1, risk=0.1)})
    inputs = dataclasses.replace(
        inputs, profile=early, hidden_images=np.zeros((90, 8, 8, 3), np.uint8)
    )
    assert train_question(inputs, Limits()).stopping is not None
    training, _ = again_questions(inputs, Limits(), 1)
    assert training.stopping is None and "look" not in training.args
