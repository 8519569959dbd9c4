"""Accuracy that was not learnt in the observed training goes to a person, and nobody else does."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from grader.checks.accuracy import judge
from grader.checks.learnt_here import doubt, is_far_better, nearest_neighbour
from grader.checks.training_run import PREDICT, TRAIN
from grader.records import Verdict
from grader.sandbox.answer_schema import Training
from tests.checks.evidence import CLASSES, CRITERION, answered, key, trained, work

TEN = tuple("abcdefghij")
NOISE = np.random.default_rng(0).integers(0, 256, (200, 8, 8, 3), dtype=np.uint8)
LABELS = np.arange(200) % 10
ONE = key()
# Ten classes of images in which pixels say nothing.
KEY = dataclasses.replace(
    ONE,
    inputs=dataclasses.replace(ONE.inputs, classes=TEN, validation_images=NOISE),
    hidden_labels=LABELS, validation_labels=LABELS,
)


def window(after: int, correct: int, images: int = 64, most: int = 12) -> dict[str, Any]:
    return {"after": after, "images": images, "correct": correct, "loss": 100.0, "most": most}


# An ordinary training: chance at first, then slowly better.
HONEST: Mapping[str, Any] = {
    "windows": [window(after, 7 + after // 30) for after in range(0, 512, 64)],
    "at_start": {"images": 250, "correct": 31, "most": 31}, "moved": 0.4, "likeness": 1.0,
}
RATES = [[1, 0.0], [2, 0.1]]   # a schedule that begins at zero


def found(accuracy: float = 0.95, rates: Any = RATES, **more: Any) -> str:
    value = trained(rates=rates).value | {"learnt": {**HONEST, **more}}
    Training.model_validate(value)   # the worker's report has this form
    return doubt(value, accuracy, KEY)


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"windows": [window(0, 60, 64, most=64)]},
        {"windows": [window(0, 240, 500, most=235)]},
        {"windows": [window(0, 26)]},
        {"windows": [window(0, 4, 4, most=1)]},
        {"windows": [], "at_start": None, "moved": None, "likeness": None},
        {"at_start": {"images": 250, "correct": 60, "most": 30}},
        {"likeness": 0.5},
        {"moved": 0.01},
        {"windows": [window(after, 63, most=60) for after in range(256, 512, 64)]},
        {"windows": [window(after, 44) for after in range(256, 512, 64)]},
        {"windows": [window(512, 64)]},
    ],
    ids=["ordinary", "sorted by class", "half of the images of one class", "lucky guesses",
         "four images", "nothing seen", "an untrained network that fits", "an early checkpoint",
         "a head on frozen layers", "sorted, later", "quick to learn", "large batches"],
)  # fmt: skip
def test_an_honest_training_is_not_doubted(more: Mapping[str, Any]) -> None:
    assert found(**more) == ""


@pytest.mark.parametrize(
    "more",
    [
        {"windows": [window(0, 60)]},
        {"windows": [window(0, 40, 40, most=8)]},
        {"windows": [window(0, 400, 600, most=70)]},
        {"windows": [], "at_start": {"images": 250, "correct": 200, "most": 31}},
        {"at_start": {"images": 2**62, "correct": 2**62, "most": 31}},
    ],
    ids=["the first batch", "few images", "an evaluation before", "labels unseen", "vast"],
)
def test_a_network_that_is_good_before_its_first_step_is_doubted(more: Mapping[str, Any]) -> None:
    assert found(**more).startswith("The network was good before it was trained here")


def test_the_reason_says_the_figures() -> None:
    reason = found(windows=[window(0, 60)])
    assert "60 of the first 64 images that it got (mean loss 1.56 nats, 2.3 by chance)" in reason
    assert "about 19% are by chance" in reason and reason.endswith("A person looks at it.")


def test_a_network_that_learns_faster_than_the_data_allow_is_doubted() -> None:
    fast = [window(after, 58) for after in range(256, 512, 64)]
    reason = found(windows=[window(0, 6), *fast])
    assert "after 256 images of training it had 232 of the next 256 images right (91%;" in reason


def test_easy_data_can_be_learnt_from_a_few_images() -> None:
    images = np.repeat(LABELS.astype(np.uint8) * 20, 192).reshape(200, 8, 8, 3)
    easy = dataclasses.replace(
        KEY, inputs=dataclasses.replace(KEY.inputs, validation_images=images)
    )
    assert nearest_neighbour(easy) == 1 and nearest_neighbour(KEY) < 0.3
    fast = [window(after, 58) for after in range(256, 512, 64)]
    value = trained().value | {"learnt": {**HONEST, "windows": fast}}
    assert doubt(value, 0.95, easy) == ""


def test_weights_that_did_not_move_are_doubted_if_the_network_is_good() -> None:
    assert "hardly moved: by 1e-05 of their length" in found(moved=1e-5)
    assert found(0.15, moved=1e-5) == ""


def test_a_learning_rate_that_was_always_zero_is_doubted() -> None:
    assert "learning rate was 0 in every step" in found(rates=[[1, 0.0]])
    assert found(0.15, rates=[[1, 0.0]]) == ""


def test_a_network_that_is_not_the_trained_one_is_doubted() -> None:
    assert "have a correlation of 0.02" in found(likeness=0.02)


def test_a_record_that_was_changed_shows_nothing() -> None:
    value = trained(tampered=True).value | {"learnt": HONEST}
    assert "does not show where the network learnt" in doubt(value, 0.95, KEY)


def test_chance_is_the_commonest_class() -> None:
    assert is_far_better(30, 64, 0.1) is False and is_far_better(45, 64, 0.1)
    assert is_far_better(64, 64, 1.0) is False and is_far_better(0, 0, 0.1) is False
    assert is_far_better(60, 64, 0.5) is False and is_far_better(200, 200, 0.5)


def judged(right: int) -> Verdict:
    predicted = np.where(np.arange(10) < right, ONE.hidden_labels, ONE.hidden_labels + 1)
    logits = np.eye(len(CLASSES) + 1, dtype="<f4")[predicted].tobytes()
    predictions = answered({"classes": len(CLASSES) + 1}, logits, logits)
    training = trained(learnt={**HONEST, "likeness": 0.0})
    return judge(CRITERION, work({TRAIN: training, PREDICT: predictions}), ONE)


def test_a_person_gives_the_points_and_reads_what_it_would_have_earned() -> None:
    verdict = judged(7)
    assert (verdict.status, verdict.seen["would_earn"]) == ("needs_marking", 0.5)
    assert verdict.seen["learnt"]["moved"] == 0.4


def test_what_earns_nothing_needs_no_person() -> None:
    assert judged(3).status == "failed"
