"""What a student reads of a mistake in a training that raised no error: what was seen, and why it
matters. The worker tells the kind and the place; the words are here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from grader.checks.training_run import evaluations_after_training, trainings
from grader.records import Caution

# kind -> (what, why)
_WORDS: Mapping[str, tuple[str, str]] = {
    "gradients_kept": (
        "Gradients are not put to zero between steps.",
        "backward() adds to what is there, so each step follows the sum of all gradients so far: "
        "call optimizer.zero_grad() once per step.",
    ),
    "loss_not_finite": (
        "The loss is NaN or infinite from step {detail} on.",
        "From there on nothing is learnt, since every parameter becomes NaN with it: lower the "
        "learning rate, and look for a logarithm or a division of zero.",
    ),
    "normalised_differently": (
        "Training and test images are normalised by different numbers.",
        "The network is tested on other inputs than it has learnt from: use the training set's "
        "mean and deviation for both.",
    ),
    "not_shuffled": (
        "The training images come in the same order in every epoch.",
        "Neighbouring batches are then alike and always follow each other, which stochastic "
        "gradient descent is not made for: shuffle=True in the training loader.",
    ),
    "scores_without_log_softmax": (
        "nll_loss is given scores that are no log-probabilities.",
        "It expects log_softmax of the scores; without it the loss has no lower end and the "
        "training drifts: use cross_entropy, which does both.",
    ),
    "softmax_before_cross_entropy": (
        "The output has been through a softmax before cross_entropy.",
        "cross_entropy takes the logarithm of a softmax itself; of two the gradients are weak, and "
        "the network learns slowly: pass the raw scores.",
    ),
}
_EVALUATED_IN_TRAIN_MODE = (
    "The network is in train mode while it is evaluated.",
    "Batch norm then uses each batch's own statistics and moves the running ones, and dropout is "
    "active: call model.eval() first.",
)
_TRAINED_IN_EVAL_MODE = (
    "The network is in eval mode while it trains.",
    "Batch norm then neither uses nor learns the statistics of the batches, and dropout is off: "
    "call model.train() at the start of each epoch.",
)
_EVALUATED_ON_TRAINING_IMAGES = (
    "Every evaluation is of images that the network was trained on.",
    "That tells how well it remembers them, and not how well it recognises others: evaluate it on "
    "the validation images.",
)


def cautions(value: Mapping[str, Any]) -> tuple[Caution, ...]:
    """Of a training's report: mistakes of mode first, then the others as they were seen."""
    found = [*_modes(value["runs"]), *_training_images(value["runs"])]
    for one in value["mistakes"]:
        what, why = _WORDS[one["kind"]]
        found.append(Caution(what.format(detail=one["detail"][:20]), one["place"], why))
    return tuple(found)


def _modes(runs: list[Mapping[str, Any]]) -> Iterator[Caution]:
    for kind, field, (what, why) in (
        ("train", "norms_evaluating", _TRAINED_IN_EVAL_MODE),
        ("evaluate", "norms_training", _EVALUATED_IN_TRAIN_MODE),
    ):
        rows = trainings(runs) if kind == "train" else evaluations_after_training(runs)
        wrong = [run for run in rows if run[field]]
        if wrong:
            yield Caution(what, wrong[0]["place"], why)


def _training_images(runs: list[Mapping[str, Any]]) -> Iterator[Caution]:
    rows = evaluations_after_training(runs)
    if rows and all(run["on_training_data"] for run in rows):
        what, why = _EVALUATED_ON_TRAINING_IMAGES
        yield Caution(what, rows[0]["place"], why)
