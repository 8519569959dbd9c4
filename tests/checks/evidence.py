"""Evidence as a worker would report it, written by hand for a small network."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from grader.checks.answer_key import AnswerKey, EvalInputs
from grader.checks.check import Work
from grader.checks.groups.assignment import Truth
from grader.records import Evidence, Outcome, Question
from grader.rubric.model import Profile, Threshold
from grader.sandbox.outcomes import OWNER
from tests.factories import criterion, submission

CLASSES = ("cat", "dog", "fox")
PROFILE = Profile(
    epochs=2,
    seconds=10,
    thresholds=(
        Threshold(accuracy=0.9, share=1.0),
        Threshold(accuracy=0.6, share=0.5),
    ),
)
CRITERION = criterion("the-one", 6, title="The one")


LAYERS: Mapping[str, tuple[str, ...]] = {
    "norm": ("batchnorm.BatchNorm2d", "batchnorm._BatchNorm", "batchnorm._NormBase"),
    "convolution": ("conv.Conv2d", "conv._ConvNd"),
    "linear": ("linear.Linear",),
    "other": ("normalization.GroupNorm",),
}


def parameter(
    name: str, elements: int, layer: str, tensor: int, *, trainable: bool = True
) -> list[Any]:
    """A row of the worker's description of a network; `layer` is a key of LAYERS."""
    classes = [f"torch.nn.modules.{own}" for own in (*LAYERS[layer], "module.Module")]
    return [name, name.rpartition(".")[2], [elements], tensor, trainable, classes]


def structure(
    conv_bias: bool = False, scale: int = 1, *, norms: str = "norm"
) -> list[list[Any]]:
    """The worker's description of a residual network with one shortcut.

    Args:
        conv_bias: Its convolutions have biases.
        scale: Multiplies the number of elements of each parameter.
        norms: The key in LAYERS of its norms.
    """
    rows: list[list[Any]] = []

    def add(name: str, size: int, layer: str) -> None:
        rows.append(parameter(name, size * scale, layer, len(rows)))

    def conv(name: str, size: int) -> None:
        add(f"{name}.weight", size, "convolution")
        if conv_bias:
            add(f"{name}.bias", 1, "convolution")

    def norm(name: str, size: int) -> None:
        add(f"{name}.weight", size, norms)
        add(f"{name}.bias", size, norms)

    conv("conv1", 108)
    norm("bn1", 4)
    conv("layer1.0.conv1", 288)
    norm("layer1.0.bn1", 8)
    conv("layer1.0.downsample.0", 32)
    norm("layer1.0.downsample.1", 8)
    add("fc.weight", 80, "linear")
    add("fc.bias", 10, "linear")
    return rows


def groups_of(rows: Sequence[Sequence[Any]]) -> tuple[list[str], list[str], list[str]]:
    """The right groups of networks whose norms are batch norms, as names."""
    norm = [row[0] for row in rows if any("BatchNorm" in name for name in row[5])]
    biases = [row[0] for row in rows if row[0] not in norm and row[1] == "bias"]
    return norm, biases, [row[0] for row in rows if row[0] not in (*norm, *biases)]


def truth(rows: Sequence[Sequence[Any]]) -> Truth:
    sizes = {row[0]: math.prod(row[2]) for row in rows}
    first, second, third = ({name: sizes[name] for name in names} for names in groups_of(rows))
    return first, second, third


def found(name: str, names: Sequence[str], **more: Any) -> dict[str, Any]:
    """A list as a worker reports it."""
    row = {
        "frame": 0, "origin": "script", "name": name, "cell": 0, "line": 0, "names": list(names),
        "kind": "parameter", "number": len(names), "empty": not names, "foreign": 0, "buffers": 0,
        "used_up": False,
    }
    return row | more


def returned(groups: Sequence[Sequence[str]], **more: Any) -> list[dict[str, Any]]:
    return [found(f"returned[{number}]", names, **more) for number, names in enumerate(groups)]


def answered(value: Any, *blobs: bytes, seconds: float = 1.0) -> Evidence:
    return Evidence(question(), Outcome("answered", "student", seconds=seconds), value, blobs)


def unanswered(kind: str, message: str = "what happened", **more: Any) -> Evidence:
    return Evidence(question(), Outcome(kind, OWNER[kind], message, **more))


def question() -> Question:
    return Question("asked", "kind", {}, "asked", 10)


def work(evidence: Mapping[str, Evidence]) -> Work:
    return Work(submission(), evidence)


def inputs(seed: int = 0, hidden: int = 10, validation: int = 10) -> EvalInputs:
    return EvalInputs(
        seed, PROFILE, 1, CLASSES,
        np.zeros((hidden, 8, 8, 3), np.uint8), np.zeros((validation, 8, 8, 3), np.uint8),
    )


def key(reference_answers: Mapping[str, Evidence] | None = None, *, seed: int = 0) -> AnswerKey:
    labels = np.arange(10, dtype=np.int64) % len(CLASSES)
    return AnswerKey(inputs(seed), labels, labels, reference_answers or {})


def run(kind: str, **more: Any) -> dict[str, Any]:
    """A run of passes of one kind, without mistakes."""
    training = kind == "train"
    row = {
        "kind": kind, "after_steps": 0 if training else 5, "passes": 5, "images": 50,
        "norms_training": 5 if training else 0, "norms_evaluating": 0 if training else 5,
        "dropouts_training": 5 if training else 0, "with_gradients": 5 if training else 0,
        "seen": 50, "correct": 40, "loss": 25.0, "lr": 0.1, "statistics_moved": training,
        "ended_at": 0, "place": "", "on_training_data": False,
    }
    return row | more


def trained(runs: Sequence[Mapping[str, Any]] | None = None, **more: Any) -> Evidence:
    """The report of a training: two epochs, each with an evaluation."""
    rows = structure()
    runs = list(runs or [run("train"), run("evaluate"), run("train"), run("evaluate")])
    value = {
        "form": "function",
        "runs": runs,
        "steps": 10,
        "stopped": None,
        "batches_tracked": [sum(row["norms_training"] for row in runs)],
        "optimizer": optimizer(*decaying(rows), rows=rows),
        "reported_accuracy": None,
        "error": None,
        "uncalled": [],
        "deaf": [],
        "notes": [],
        "device": "cpu",
        "schedulers": [],
        "rates": [],
        "images_per_epoch": 0,
        "mistakes": [],
        "network": {"name": "ResNet", "parameters": 1000},
        "prepared": {"way": "function", "sure": True},
        "figures": [],
    }
    return answered(value | more, seconds=3.0)


def decaying(rows: Sequence[Sequence[Any]]) -> tuple[tuple[list[str], float], ...]:
    """The right groups of an optimizer: names and weight decay."""
    norm, biases, rest = groups_of(rows)
    return (norm, 0.0), (biases, 0.0), (rest, 5e-4)


def optimizer(
    *groups: tuple[Sequence[str], float], rows: Sequence[Sequence[Any]]
) -> dict[str, Any]:
    return {
        "optimizer": "SGD",
        "groups": [
            {"names": list(names), "foreign": 0, "weight_decay": decay, "lr": 0.1}
            for names, decay in groups
        ],
        "structure": [list(row) for row in rows],
    }
