"""The training that several criteria share: its questions, and how to read the worker's report.

The report lists runs: consecutive passes of one kind through the trained network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from grader.checks.answer_key import EvalInputs
from grader.checks.early_stopping import MAY_STOP, stop_rule
from grader.checks.groups.kinds import parameters_of
from grader.records import Evidence, LearningCurve, Phase, Question, Series
from grader.rubric.model import Limits

TRAIN = "training"
PREDICT = "training/predict"
BATCH = 64
# Reading the file, building the loaders and one last evaluation are not training time.
MARGIN_SECONDS = 60.0
# A training that runs no network for this share of its budget, or `MARGIN_SECONDS`, hangs.
STALL = 0.1
FEW_IMAGES = 8   # a pass over so few is no evaluation

Rows = Sequence[Mapping[str, Any]]


def train_question(inputs: EvalInputs, limits: Limits) -> Question:
    """The training within the profile's budget; every criterion that needs it asks the same."""
    profile = inputs.profile
    rule = stop_rule(profile, len(inputs.hidden_images))
    args: dict[str, Any] = {
        "epochs": profile.epochs,
        "seconds": profile.seconds,
        "stall": min(profile.seconds, max(MARGIN_SECONDS, STALL * profile.seconds)),
        "batch": BATCH,
        "seed": 0,
        "threads": inputs.threads,
    }
    seconds = profile.seconds + max(limits.seconds, MARGIN_SECONDS)
    if rule is not None:
        args[MAY_STOP] = True
    return Question(
        TRAIN, "train", args, TRAIN, seconds, stopping=rule, threads=inputs.threads
    )


def predict_question(inputs: EvalInputs, limits: Limits) -> Question:
    """Asks the trained network for the logits of the hidden and of the validation images."""
    images = (inputs.hidden_images, inputs.validation_images)
    args: dict[str, Any] = {"shapes": [list(part.shape) for part in images]}
    if inputs.hidden_images.dtype != np.uint8:
        args["dtype"] = inputs.hidden_images.dtype.str
    blobs = tuple(part.tobytes() for part in images)
    return Question(PREDICT, "predict", args, TRAIN, limits.seconds + 60, blobs)


def ended_by_time(training: Evidence | None) -> bool:
    """True if a training was still going on when its seconds were used up."""
    return (
        training is not None
        and training.outcome.answered
        and training.value["stopped"] == "seconds"
    )


def oddities(training: Evidence | None) -> tuple[str, ...]:
    """Return the oddities of a training's record, in words; empty if there are none."""
    if training is None or not training.outcome.answered or not training.value.get("tampered"):
        return ()
    return ("the record of the training has entries that the grader's own code does not write",)


def why_it_ended(stopped: str) -> str:
    """Why a training was stopped by one of its limits, as a part of a sentence."""
    if stopped == "stalled":
        return "its network no longer ran"
    return f"its budget of {stopped} was used up"


def evaluations_after_training(runs: Rows) -> list[Mapping[str, Any]]:
    """Runs without a backward pass, once training has begun.

    One pass over a few images does not count: tools that list a network's layers make one.
    """
    return [
        run
        for run in runs
        if run["kind"] == "evaluate"
        and run["after_steps"] > 0
        and (run["passes"] > 1 or run["images"] > FEW_IMAGES)
    ]


def has_norms(value: Mapping[str, Any]) -> bool:
    """True if the network that trained has batch norms, as far as the report shows."""
    structure = value["optimizer"]["structure"] if value["optimizer"] else ()
    return bool(value["batches_tracked"]) or any(
        one.kind == "batch_norm" for one in parameters_of(structure)
    )


def has_dropout(value: Mapping[str, Any]) -> bool:
    """True if dropout was active in some pass of the network that trained."""
    return any(run["dropouts_training"] for run in value["runs"])


def trainings(runs: Rows) -> list[Mapping[str, Any]]:
    """Runs with a backward pass."""
    return [run for run in runs if run["kind"] == "train"]


def epochs_at(run: Mapping[str, Any], value: Mapping[str, Any]) -> float | None:
    """Epochs that the network had been trained for when a run ended.

    None if it is not known how many images an epoch has.
    """
    size = value["images_per_epoch"]
    return run["ended_at"] / size if size else None


def learning_curve(value: Mapping[str, Any]) -> LearningCurve | None:
    """Loss and accuracy by epoch, as the worker measured them; None if it saw no labels."""
    evaluations = evaluations_after_training(value["runs"])
    apart = [run for run in evaluations if not run["on_training_data"]]
    kinds = {"training": trainings(value["runs"]), "validation": apart or evaluations}
    loss, accuracy = [], []
    for name, rows in kinds.items():
        at = [epochs_at(row, value) for row in rows]
        scored = {
            float(number if epoch is None else epoch): row
            for number, (epoch, row) in enumerate(zip(at, rows, strict=True), 1)
            if row["seen"]
        }
        numbers = [
            (epoch, row["loss"] / row["seen"])
            for epoch, row in scored.items()
            if isinstance(row["loss"], (int, float))
        ]
        loss.append(Series(name, tuple(numbers)))
        points = tuple((epoch, row["correct"] / row["seen"]) for epoch, row in scored.items())
        accuracy.append(Series(name, points))
    if not any(series.points for series in (*loss, *accuracy)):
        return None
    return LearningCurve("Learning curve, as observed", tuple(loss), tuple(accuracy))


def phase_of(run: Mapping[str, Any]) -> Phase:
    """Describes one of the worker's `runs` for the page: its mode, and whether that is right."""
    training, evaluating = run["norms_training"], run["norms_evaluating"]
    mode: Literal["train", "eval", "mixed"] = "train" if training else "eval"
    right = not (evaluating if run["kind"] == "train" else training)
    # The mode does not matter before the first step, nor for a pass over a few images.
    counts = run["kind"] == "train" or bool(evaluations_after_training([run]))
    seen = run["seen"]
    loss = run["loss"] / seen if seen and isinstance(run["loss"], (int, float)) else None
    return Phase(
        kind=run["kind"],
        batches=run["passes"],
        images=run["images"],
        mode="mixed" if training and evaluating else mode,
        right=right or not counts,
        place=run["place"],
        lr=run["lr"] if isinstance(run["lr"], (int, float)) else None,
        loss=loss,
        accuracy=run["correct"] / seen if seen else None,
    )
