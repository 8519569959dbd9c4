"""Converts a network's outputs to rows of numbers that the host can compare."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from grader import wire
from grader.worker.observer.passes import scores
from grader.worker.session import BadAnswer

Rows = NDArray[np.float32]


def as_rows(output: Any, images: int | None, classes: int | None = None) -> Rows:
    """Convert the output for one batch to float32 with one row per image.

    Of several outputs, as of a network with auxiliary classifiers, the class scores count; see
    `observer.passes.scores`.

    Args:
        output: the network's return value.
        images: the number of images in the batch; None accepts any number.
        classes: the number of classes, if known.

    Raises:
        BadAnswer: there is no ordinary tensor of shape (images, classes).
    """
    if not isinstance(output, torch.Tensor):
        found = scores(output, classes)
        output = output if found is None else found
    if not isinstance(output, torch.Tensor):
        raise BadAnswer(f"the network's output is {type(output).__name__}; a tensor was expected")
    shape = tuple(output.shape)
    if len(shape) != 2 or images not in (None, shape[0]):
        raise BadAnswer(
            f"the network's output has shape {shape}; ({images or 'images'}, classes) was expected"
        )
    if 4 * output.numel() > wire.MAX_ANSWER_BLOBS:
        raise BadAnswer(f"the network's output has {shape[1]:,} columns")
    if output.is_meta or output.is_complex() or output.layout is not torch.strided:
        raise BadAnswer(
            f"the network's output is {output.dtype}, {output.layout}, on {output.device}; "
            "an ordinary tensor of floats was expected"
        )
    rows = np.asarray(output.detach().float().cpu(), dtype="<f4")
    if rows.shape != shape:   # a tensor subclass that misreports its shape
        raise BadAnswer(f"the network's output is {type(output).__name__}; it cannot be read")
    return rows


def put_together(batches: list[Rows]) -> Rows:
    """Stack the rows of several batches. Raises BadAnswer when they differ in length."""
    widths = {rows.shape[1] for rows in batches}
    if len(widths) > 1:
        raise BadAnswer(f"the network's output has {sorted(widths)} columns, by batch")
    return np.concatenate(batches) if batches else np.zeros((0, 1), dtype="<f4")
