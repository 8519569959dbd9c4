"""The check `accuracy`: thresholds, unusable outputs, and doubt."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from grader.checks.accuracy import ask, is_unfinished, judge
from grader.checks.training_run import PREDICT, TRAIN
from grader.records import ConfusionMatrix, Evidence, Verdict
from grader.rubric.model import Limits
from tests.checks.evidence import (
    CLASSES,
    CRITERION,
    answered,
    inputs,
    key,
    run,
    trained,
    unanswered,
    work,
)

KEY = key()
LABELS = KEY.hidden_labels


def logits(right: int) -> bytes:
    """Logits for ten images, of which the first `right` are classified rightly."""
    predicted = np.where(np.arange(10) < right, LABELS, (LABELS + 1) % len(CLASSES))
    return np.eye(len(CLASSES), dtype="<f4")[predicted].tobytes()


def predicted(hidden: int = 10, validation: int = 10) -> Evidence:
    return answered({"classes": len(CLASSES)}, logits(hidden), logits(validation))


def verdict(predictions: Evidence, training: Evidence | None = None) -> Verdict:
    return judge(CRITERION, work({TRAIN: training or trained(), PREDICT: predictions}), KEY)


def test_a_training_that_time_ended_below_full_credit_is_no_failure() -> None:
    far = [run("train", ended_at=30)]
    found = verdict(predicted(6), trained(far, stopped="seconds", steps=7, images_per_epoch=20))
    assert (found.status, is_unfinished(found)) == ("needs_marking", True)
    assert "after 7 steps, 1.5 of 2 epochs" in found.reason and "60.0%" in found.reason
    assert found.seen["would_earn"] == 0.5 and found.seen["epochs"] == 1.5
    enough = verdict(predicted(9), trained(far, stopped="seconds"))
    assert (enough.status, is_unfinished(enough)) == ("passed", False)


@pytest.mark.parametrize("stopped", [None, "epochs", "stalled"])
def test_a_training_that_ended_in_another_way_is_judged(stopped: str | None) -> None:
    found = verdict(predicted(5), trained(stopped=stopped))
    assert (found.status, is_unfinished(found)) == ("failed", False)
    assert ("its network no longer ran" in found.reason) == (stopped == "stalled")


def test_it_asks_for_predictions_in_the_session_of_the_training() -> None:
    training, predict = ask(CRITERION, inputs(hidden=4, validation=6), Limits())
    assert (training.id, predict.id) == (TRAIN, PREDICT)
    assert training.session == predict.session
    assert predict.args == {"shapes": [[4, 8, 8, 3], [6, 8, 8, 3]]}
    assert (training.args["epochs"], training.args["seconds"]) == (2, 10)


@pytest.mark.parametrize(
    ("right", "share", "status"),
    [(10, 1.0, "passed"), (9, 1.0, "passed"), (8, 0.5, "partial"), (6, 0.5, "partial"),
     (5, 0.0, "failed"), (0, 0.0, "failed")],
)
def test_the_highest_threshold_that_is_reached_counts(
    right: int, share: float, status: str
) -> None:
    found = verdict(predicted(right))
    assert (found.fraction, found.status) == (share, status)
    assert found.seen["hidden_accuracy"] == right / 10


def test_the_next_threshold_is_reported() -> None:
    assert verdict(predicted(9)).reason == "Top-1 accuracy 90.0% on 10 hidden images."
    assert "The next threshold is 90 %." in verdict(predicted(7)).reason
    assert "The next threshold is 60 %." in verdict(predicted(2)).reason


def test_hidden_images_count_and_validation_images_do_not() -> None:
    assert verdict(predicted(hidden=0, validation=10)).fraction == 0


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("which", [0, 1])
def test_logits_that_are_not_finite_earn_nothing(value: float, which: int) -> None:
    blobs = [logits(10), logits(10)]
    array = np.frombuffer(blobs[which], dtype="<f4").copy()
    array[3] = value
    blobs[which] = array.tobytes()
    found = verdict(answered({"classes": 3}, *blobs))
    assert (found.status, found.fraction) == ("failed", 0)
    assert found.reason.startswith("The trained network's outputs are not finite")


@pytest.mark.parametrize(
    ("value", "blobs"),
    [
        ({"classes": 2}, (b"\0" * 80, b"\0" * 80)),
        ({"classes": 3}, (logits(10),)),
        ({"classes": 3}, ()),
        ({"classes": 3}, (logits(10)[:-1], logits(10))),
        ({"classes": 3}, (logits(10), logits(10), b"")),
        ({"classes": 1000}, (b"", b"")),
        ([], (b"", b"")),
        (None, (b"x", b"y")),
    ],
)
def test_outputs_of_another_shape_earn_nothing(value: Any, blobs: tuple[bytes, ...]) -> None:
    found = verdict(answered(value, *blobs))
    assert (found.status, found.fraction) == ("failed", 0)
    assert "3 were expected, one per class, and one row per image" in found.reason


def test_extra_outputs_count_as_wrong_predictions() -> None:
    rows = np.pad(np.frombuffer(logits(8), dtype="<f4").reshape(10, 3), ((0, 0), (0, 2)))
    rows[0, 4] = 9
    wide = answered({"classes": 5}, rows.tobytes(), rows.tobytes())
    found = verdict(wide)
    assert found.seen["hidden_accuracy"] == 0.7
    (matrix,) = found.pictures
    assert isinstance(matrix, ConfusionMatrix)
    assert sum(map(sum, matrix.counts)) == 9


def test_a_reported_accuracy_that_differs_is_shown_beside_the_computed_one() -> None:
    found = verdict(predicted(10, 7), trained(reported_accuracy=0.95))
    assert "reports 95.0% on the validation images; the grader computes 70.0%" in found.reason
    assert found.fraction == 1


@pytest.mark.parametrize("reported", [None, 0.69, 0.7, 0.71])
def test_a_reported_accuracy_within_rounding_is_not_mentioned(reported: float | None) -> None:
    assert "reports" not in verdict(predicted(10, 7), trained(reported_accuracy=reported)).reason


@pytest.mark.parametrize("budget", ["epochs", "seconds"])
def test_a_used_up_budget_is_reported_and_the_network_so_far_counts(budget: str) -> None:
    found = verdict(predicted(10), trained(stopped=budget))
    assert found.fraction == 1
    assert f"stopped because its budget of {budget} was used up" in found.reason


def test_an_exception_after_the_training_is_a_hint() -> None:
    error = {"message": "NameError: plot", "traceback": ""}
    found = verdict(predicted(10), trained(error=error))
    assert found.fraction == 1
    assert "The code raised an exception after the training: NameError: plot" in found.hints


def test_the_confusion_matrix_is_kept() -> None:
    (matrix,) = verdict(predicted(8)).pictures
    assert isinstance(matrix, ConfusionMatrix)
    assert matrix.classes == CLASSES
    assert sum(map(sum, matrix.counts)) == 10
    assert sum(matrix.counts[n][n] for n in range(3)) == 8


UNSURE = {"way": "transform", "sure": False}


def test_a_person_decides_if_the_grader_may_have_prepared_images_wrongly() -> None:
    rows = [run("train"), run("evaluate", correct=48)]
    found = verdict(predicted(8, validation=3), trained(rows, prepared=UNSURE))
    assert (found.status, found.fraction, found.seen["would_earn"]) == ("needs_marking", 0, 0.5)
    assert "96.0%" in found.reason and "30.0%" in found.reason


@pytest.mark.parametrize(
    ("rows", "prepared"),
    [
        ([run("train"), run("evaluate", correct=48)], {"way": "dataset", "sure": True}),
        ([run("train"), run("evaluate", correct=16)], UNSURE),
        ([run("train"), run("evaluate", correct=48, on_training_data=True)], UNSURE),
        ([run("train"), run("evaluate", seen=0)], UNSURE),
    ],
    ids=["known way", "agrees", "on training images", "no labels seen"],
)
def test_an_accuracy_counts_without_a_reason_for_doubt(
    rows: list[dict[str, Any]], prepared: dict[str, Any]
) -> None:
    found = verdict(predicted(8, validation=3), trained(rows, prepared=prepared))
    assert (found.status, found.fraction) == ("partial", 0.5)


@pytest.mark.parametrize("which", [TRAIN, PREDICT])
def test_the_harness_failing_is_not_scored(which: str) -> None:
    lost = unanswered("worker_lost")
    found = verdict(predicted(), lost) if which == TRAIN else verdict(lost)
    assert found.status == "not_scored"


@pytest.mark.parametrize("which", [TRAIN, PREDICT])
def test_the_students_own_failure_earns_nothing(which: str) -> None:
    failed = unanswered("memory_limit")
    found = verdict(predicted(), failed) if which == TRAIN else verdict(failed)
    assert (found.status, found.fraction) == ("failed", 0)
    assert "the memory limit was reached" in found.reason.lower()
