"""Turns predictions into logits of the expected shape, and computes their accuracy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from grader.checks.answer_key import AnswerKey, Labels
from grader.records import Evidence

NOT_FINITE = "are not finite (NaN or infinity)"
Logits = NDArray[np.float32]


def logits_of(predictions: Evidence, key: AnswerKey) -> tuple[Logits, Logits] | str:
    """Logits of the hidden and of the validation images, or the reason why they cannot be used."""
    classes = len(key.inputs.classes)
    counts = (len(key.hidden_labels), len(key.validation_labels))
    sizes = tuple(len(blob) for blob in predictions.blobs)
    found = predictions.value.get("classes") if isinstance(predictions.value, dict) else None
    # Extra output columns, such as those of an unchanged ResNet-18, count as wrong predictions.
    width = max(classes, found or 0)
    if sizes != tuple(4 * count * width for count in counts):
        return (
            f"The network's output has {found or 'no usable'} columns; {classes} were expected, "
            "one per class, and one row per image."
        )
    arrays = [
        np.frombuffer(blob, dtype="<f4").reshape(count, width)
        for blob, count in zip(predictions.blobs, counts, strict=True)
    ]
    if not all(np.isfinite(array).all() for array in arrays):
        return f"The trained network's outputs {NOT_FINITE}: its training diverged, or forward() "\
               "computes them from log(0) or 1/0."
    return arrays[0], arrays[1]


def accuracy_of(logits: Logits, labels: Labels) -> float:
    """Top-1 accuracy, 0 to 1."""
    return float((logits.argmax(1) == labels).mean())


def hidden_accuracy(predictions: Evidence, key: AnswerKey) -> float | None:
    """Top-1 accuracy on the hidden images; None without usable predictions."""
    logits = logits_of(predictions, key) if predictions.outcome.answered else ""
    return None if isinstance(logits, str) else accuracy_of(logits[0], key.hidden_labels)
