"""Turns the worker's report of a training into the page of that training run.

The page shows the phases, the learning curve, the optimizer's groups, figures, and cautions:
mistakes in a training that raised no error. The worker reports kind and place of a mistake; its
words are here.
"""

from __future__ import annotations

import base64
import dataclasses
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image

from grader.checks.early_stopping import SURE
from grader.checks.groups.optimizer_groups import trains
from grader.checks.groups.optimizer_problems import groups_table
from grader.checks.training_run import (
    TRAIN,
    Rows,
    evaluations_after_training,
    has_dropout,
    has_norms,
    learning_curve,
    phase_of,
    trainings,
    why_it_ended,
)
from grader.records import Caution, Evidence, Figure, Series, TrainingRun, Verdict
from grader.rubric.model import Criterion

OUTPUT = 4000   # characters kept of the end of what was printed
OF_TRAINING = ("mode_switch", "optimizer_groups", "accuracy")   # checks that rest on the training
VISIBILITY = ("visible", "after_due", "hidden")

# By kind, as the worker reports them: (what was seen, why it matters and what to do).
_MISTAKES: Mapping[str, tuple[str, str]] = {
    "gradients_kept": (
        "Gradients are not set to zero between steps.",
        "backward() adds to the existing gradients, so each step follows the sum of all gradients "
        "so far: call optimizer.zero_grad() once per step.",
    ),
    "loss_not_finite": (
        "The loss is NaN or infinite from step {detail} on.",
        "Every parameter becomes NaN with it, so nothing is learnt from there on: lower the "
        "learning rate, and look for a logarithm of zero or a division by zero.",
    ),
    "normalised_differently": (
        "Training and test images are normalised by different numbers.",
        "The network is tested on other inputs than it has learnt from: use the training set's "
        "mean and deviation for both.",
    ),
    "not_shuffled": (
        "The training images come in the same order in every epoch.",
        "Stochastic gradient descent needs batches in random order: use shuffle=True in the "
        "training loader.",
    ),
    "scores_without_log_softmax": (
        "nll_loss receives raw scores instead of log-probabilities.",
        "It expects log_softmax of the scores; without it the loss has no lower bound and the "
        "training drifts: use cross_entropy, which does both.",
    ),
    "softmax_before_cross_entropy": (
        "The output has been through a softmax before cross_entropy.",
        "cross_entropy applies log_softmax itself; after a second softmax the gradients are weak "
        "and the network learns slowly: pass the raw scores.",
    ),
}
_EVALUATED_IN_TRAIN_MODE = "The network is in train mode while it is evaluated."
_TRAINED_IN_EVAL_MODE = "The network is in eval mode while it trains."
_EVALUATED_ON_TRAINING_IMAGES = (
    "Every evaluation is of images that the network was trained on.",
    "That measures how well it remembers them, not how well it recognises new ones: evaluate it on "
    "the validation images.",
)


def with_run(
    criteria: Sequence[Criterion],
    verdicts: Sequence[Verdict],
    evidence: Mapping[str, Evidence],
    known: Iterable[Verdict] = (),
) -> list[Verdict]:
    """Attaches the training run to the most visible of the verdicts that rest on it.

    `verdicts` are in the order of `criteria`. The run is not attached if one of the `known`
    verdicts, on other criteria, has it already.
    """
    found = list(verdicts)
    resting = [
        number for number, one in enumerate(criteria) if one.check in OF_TRAINING and trains(one)
    ]
    training = evidence.get(TRAIN) if resting else None
    if training is None or not training.outcome.answered:
        return found
    facts = tuple(_facts(training.value, training.outcome.seconds))
    if any(one.run is not None and one.run.facts == facts for one in known):
        return found
    number = min(resting, key=lambda number: VISIBILITY.index(criteria[number].visibility))
    found[number] = dataclasses.replace(found[number], run=training_run(training))
    return found


def training_run(training: Evidence) -> TrainingRun:
    """The page of a training whose question was answered."""
    value = training.value
    optimizer = value["optimizer"]
    rates = tuple((float(step), float(lr)) for step, lr in value["rates"])
    return TrainingRun(
        facts=tuple(_facts(value, training.outcome.seconds)),
        stretches=tuple(map(phase_of, value["runs"])),
        curve=learning_curve(value),
        rates=Series("learning rate", rates) if rates else None,
        groups=groups_table(optimizer) if optimizer else None,
        cautions=cautions(value),
        figures=tuple(map(_figure, value["figures"], training.blobs)),
        output=training.outcome.output[-OUTPUT:],
    )


def cautions(value: Mapping[str, Any]) -> tuple[Caution, ...]:
    """The mistakes in a training: wrong modes first, then the others in the order reported."""
    found = [*_modes(value), *_training_images(value["runs"])]
    for one in value["mistakes"]:
        what, why = _MISTAKES[one["kind"]]
        found.append(Caution(what.format(detail=one["detail"][:20]), one["place"], why))
    return tuple(found)


def _modes(value: Mapping[str, Any]) -> Iterator[Caution]:
    norms, dropout = has_norms(value), has_dropout(value)
    evaluated = [
        *["batch norm uses each batch's own statistics and updates the running ones"] * norms,
        *["dropout is active"] * dropout,
    ]
    trained = [
        *["batch norm neither uses nor learns the statistics of the batches"] * norms,
        *["dropout is off"] * dropout,
    ]
    runs = value["runs"]
    for rows, field, what, effects, advice in (
        (trainings(runs), "norms_evaluating", _TRAINED_IN_EVAL_MODE, trained,
         "Call model.train() at the start of each epoch."),
        (evaluations_after_training(runs), "norms_training", _EVALUATED_IN_TRAIN_MODE, evaluated,
         "Call model.eval() first."),
    ):  # fmt: skip
        wrong = [run for run in rows if run[field]]
        if wrong:
            why = f"In that mode, {', and '.join(effects)}. " if effects else ""
            yield Caution(what, wrong[0]["place"], why + advice)


def _training_images(runs: Rows) -> Iterator[Caution]:
    rows = evaluations_after_training(runs)
    if rows and all(run["on_training_data"] for run in rows):
        what, why = _EVALUATED_ON_TRAINING_IMAGES
        yield Caution(what, rows[0]["place"], why)


def _facts(value: Mapping[str, Any], seconds: float) -> list[tuple[str, str]]:
    network = value["network"]
    facts = [("network", f"{network['name']}, {network['parameters']:,} parameters")]
    if value["optimizer"]:
        facts.append(("optimizer", value["optimizer"]["optimizer"]))
    if value["schedulers"]:
        facts.append(("scheduler", ", ".join(value["schedulers"])))
    images = max((run["ended_at"] for run in value["runs"]), default=0)
    facts.append(("steps", f"{value['steps']:,}"))
    if value["images_per_epoch"]:
        epochs = images / value["images_per_epoch"]
        facts.append(("epochs", f"{epochs:.3g} of {value['images_per_epoch']:,} images"))
    facts.append(("time", f"{seconds:.1f} s on {value['device']}"))
    facts += [("note", note) for note in value["notes"]]
    if value["stopped"] == SURE:
        facts.append(("stopped", "full credit was certain"))
    elif value["stopped"]:
        facts.append(("stopped", why_it_ended(value["stopped"])))
    return facts


def _figure(reported: Mapping[str, Any], pixels: bytes) -> Figure:
    """A figure as a PNG that the host encodes: no file of the student's code is decoded here."""
    height, width = reported["height"], reported["width"]
    array = np.frombuffer(pixels, dtype=np.uint8).reshape(height, width, 3)
    written = io.BytesIO()
    Image.fromarray(array).save(written, "PNG")
    png = base64.b64encode(written.getvalue()).decode("ascii")
    return Figure(reported["title"][:100], width, height, png)
