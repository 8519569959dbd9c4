"""Judges whether a network's accuracy was learnt in the observed training.

A network that has learnt nothing guesses. So a network that is good before its first step has its
weights, or its answers, from elsewhere: a file that was brought along, numbers in the source, a
search through published images. The verdict is a person's then; nothing is taken off.

"Far better than chance" is the exact one-sided binomial test of `early_stopping.at_least`: so many
right answers, or more, would come with a probability of at most `RISK` from a network that is right
`TIMES_CHANCE` times as often as one that always says the commonest class. The factor leaves room
for untrained networks, whose guesses may happen to fit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from grader.checks.answer_key import AnswerKey
from grader.checks.early_stopping import at_least

RISK = 1e-6
TIMES_CHANCE = 3
UNMOVED = 1e-3   # share of a tensor's length; a training moves its weights by far more
UNLIKE = 0.3     # correlation; states of one training have more, of two trainings about 0
SOON = 256       # images after which a network has hardly begun to learn
FEWEST = 128     # images from `SOON` on that say something
FAST = 0.7       # at the least; a third is usual
EASY = 0.75      # accuracy of the nearest neighbour; a few images may be enough for such data
NEIGHBOURS = 500
MANY = 10_000


def doubt(value: Mapping[str, Any], accuracy: float, key: AnswerKey) -> str:
    """Why a person must look at an accuracy that earns points; "" if it was learnt here.

    Args:
        value: the worker's report of the training.
        accuracy: top-1 accuracy on the hidden images.
        key: the images and labels of the run.
    """
    learnt = value.get("learnt")
    if learnt is None:
        return ""
    found = (
        _changed(value)
        or _good_at_once(learnt, key)
        or _good_too_soon(learnt, key)
        or _unmoved(learnt, value["rates"], accuracy, key)
        or _another_network(learnt)
    )
    return f"{found} A person looks at it." if found else ""


def _changed(value: Mapping[str, Any]) -> str:
    return "" if not value.get("tampered") else (
        "The record of this training has entries that the grader's own code does not write, so it "
        "does not show where the network learnt what it knows."
    )


def is_far_better(correct: int, images: int, chance: float) -> bool:
    """True if right answers cannot be those of a network that guesses.

    Args:
        correct: right answers.
        images: images that were predicted.
        chance: the share that is right if the commonest class is always the answer.
    """
    bound = min(TIMES_CHANCE * chance, (1 + chance) / 2)
    if images > MANY:   # the sum of so many terms would take long
        correct, images = correct * MANY // images, MANY
    return images > 0 and at_least(correct, images, bound) <= RISK


def _good_at_once(learnt: Mapping[str, Any], key: AnswerKey) -> str:
    classes = len(key.inputs.classes)
    rows = [(row, "of the first {images:,} images that it got{loss}")
            for row in learnt["windows"][:1] if row["after"] == 0]
    if learnt["at_start"] is not None:
        rows.append((learnt["at_start"], "of {images:,} validation images"))
    for row, which in rows:
        chance = max(1 / classes, row["most"] / row["images"]) if row["images"] else 1.0
        if is_far_better(row["correct"], row["images"], chance):
            of = which.format(images=row["images"], loss=_loss(row, classes))
            return (
                f"The network was good before it was trained here: with the weights that it had "
                f"at its first step, {row['correct']:,} {of} are right; about {chance:.0%} are by "
                "chance. So what it knows was not learnt in this training."
            )
    return ""


def _loss(row: Mapping[str, Any], classes: int) -> str:
    loss = row.get("loss")
    if not isinstance(loss, (int, float)):
        return ""
    return f" (mean loss {loss / row['images']:.3g} nats, {math.log(classes):.3g} by chance)"


def _good_too_soon(learnt: Mapping[str, Any], key: AnswerKey) -> str:
    """Compares the images from `SOON` on with the nearest neighbour among as many images."""
    rows = [row for row in learnt["windows"] if row["after"] >= SOON]
    images, correct = (sum(row[name] for row in rows) for name in ("images", "correct"))
    sorted_by_class = 2 * sum(row["most"] for row in rows) > images
    if images < FEWEST or correct < FAST * images or sorted_by_class:
        return ""
    nearest = nearest_neighbour(key)
    if nearest > EASY or correct < (1 + nearest) / 2 * images:
        return ""
    return (
        f"The network learnt faster than such data allow: after {rows[0]['after']:,} images of "
        f"training it had {correct:,} of the next {images:,} images right ({correct / images:.0%}; "
        f"the nearest neighbour among {min(len(key.validation_labels), NEIGHBOURS):,} images is "
        f"right for {nearest:.0%}). So a part of it may have been trained elsewhere."
    )


def nearest_neighbour(key: AnswerKey) -> float:
    """Share of validation images whose nearest other one, by pixels, has the same label."""
    images = key.inputs.validation_images
    if len(images) < 2:
        return 1.0
    rows = images[:NEIGHBOURS].astype(np.float32)
    rows, labels = rows.reshape(len(rows), -1), key.validation_labels[:NEIGHBOURS]
    squares = (rows**2).sum(1)
    distances = squares[:, None] + squares[None] - 2 * rows @ rows.T
    np.fill_diagonal(distances, np.inf)
    return float((labels[distances.argmin(1)] == labels).mean())


def _unmoved(
    learnt: Mapping[str, Any], rates: list[tuple[int, float]], accuracy: float, key: AnswerKey
) -> str:
    chance = 1 / len(key.inputs.classes)
    if not is_far_better(round(accuracy * len(key.hidden_labels)), len(key.hidden_labels), chance):
        return ""
    if rates and all(lr == 0 for _, lr in rates):
        return (
            f"The learning rate was 0 in every step, and the network has an accuracy of "
            f"{accuracy:.1%}. So what it knows was not learnt in this training."
        )
    moved = learnt["moved"]
    if moved is not None and moved < UNMOVED:
        return (
            f"The weights hardly moved: by {moved:.2g} of their length at most, and the "
            f"network has an accuracy of {accuracy:.1%}. So what it knows was not learnt in this "
            "training."
        )
    return ""


def _another_network(learnt: Mapping[str, Any]) -> str:
    like = learnt["likeness"]
    if like is None or like >= UNLIKE:
        return ""
    return (
        "The network that predicts is another one than the network that was trained: the weights "
        f"of the two have a correlation of {like:.2f} (states of one training have more than "
        f"{UNLIKE})."
    )
