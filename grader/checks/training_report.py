"""The run page: a training's report as the nouns that feedback shows."""

from __future__ import annotations

import base64
import dataclasses
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from PIL import Image

from grader.checks.cautions import cautions
from grader.checks.early_stopping import SURE
from grader.checks.groups.optimizer_groups import groups_table, trains
from grader.checks.training_run import TRAIN, evaluations_after_training, learning_curve
from grader.records import Evidence, Figure, Series, Stretch, TrainingRun, Verdict
from grader.rubric.model import Criterion

OUTPUT = 4000   # characters of the end of what was printed
RESTING = ("mode_switch", "optimizer_groups", "accuracy")   # checks that look at the training
VISIBILITY = ("visible", "after_due", "hidden")


def with_run(
    criteria: Sequence[Criterion],
    verdicts: Sequence[Verdict],
    evidence: Mapping[str, Evidence],
    known: Iterable[Verdict] = (),
) -> list[Verdict]:
    """The verdicts, with the training that they rest on in one of them: the most visible one. Where
    one of the `known` verdicts on other criteria has that training, none needs it."""
    found = list(verdicts)
    resting = [
        number for number, one in enumerate(criteria) if one.check in RESTING and trains(one)
    ]
    training = evidence.get(TRAIN) if resting else None
    if training is None or not training.outcome.answered:
        return found
    facts = tuple(_facts(training.value, training.outcome.seconds))
    if any(one.run is not None and one.run.facts == facts for one in known):
        return found
    run = watched(training)
    if run is not None:
        number = min(resting, key=lambda number: VISIBILITY.index(criteria[number].visibility))
        found[number] = dataclasses.replace(found[number], run=run)
    return found


def watched(training: Evidence) -> TrainingRun | None:
    """None where no training was seen."""
    if not training.outcome.answered:
        return None
    value = training.value
    optimizer = value["optimizer"]
    return TrainingRun(
        facts=tuple(_facts(value, training.outcome.seconds)),
        stretches=tuple(map(_stretch, value["runs"])),
        curve=learning_curve(value),
        rates=_rates(value["rates"]),
        groups=groups_table(optimizer) if optimizer else None,
        cautions=cautions(value),
        figures=tuple(map(_figure, value["figures"], training.blobs)),
        output=training.outcome.output[-OUTPUT:],
    )


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
        facts.append(("stopped", "full credit was sure"))
    elif value["stopped"]:
        facts.append(("stopped", f"its budget of {value['stopped']} was used up"))
    return facts


def _stretch(run: Mapping[str, Any]) -> Stretch:
    training, evaluating = run["norms_training"], run["norms_evaluating"]
    mode: Literal["train", "eval", "mixed"] = "train" if training else "eval"
    right = not (evaluating if run["kind"] == "train" else training)
    # Before the first step, or for a look at a few images, the mode is nobody's mistake.
    counts = run["kind"] == "train" or bool(evaluations_after_training([run]))
    seen = run["seen"]
    loss = run["loss"] / seen if seen and isinstance(run["loss"], (int, float)) else None
    return Stretch(
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


def _rates(rates: Sequence[Sequence[Any]]) -> Series | None:
    points = tuple((float(step), float(lr)) for step, lr in rates)
    return Series("learning rate", points) if points else None


def _figure(told: Mapping[str, Any], pixels: bytes) -> Figure:
    """A PNG of our own making: nothing that the student's code encoded is ever decoded here."""
    height, width = told["height"], told["width"]
    array = np.frombuffer(pixels, dtype=np.uint8).reshape(height, width, 3)
    written = io.BytesIO()
    Image.fromarray(array).save(written, "PNG")
    png = base64.b64encode(written.getvalue()).decode("ascii")
    return Figure(told["title"][:100], width, height, png)
