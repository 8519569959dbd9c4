"""Measures whether the network that predicts has learnt in this session: the host judges by it.

The network is put back to the weights that it had before its first step, and predicts the
validation images.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.func import functional_call

from grader.worker.dataset_view import View
from grader.worker.observer.beginning import (
    Weights,
    likeness,
    likenesses,
    movement,
    weights_of,
)
from grader.worker.observer.checkpoints import bare
from grader.worker.probes.candidates import BATCH, Candidate, rows_of
from grader.worker.probes.outputs import put_together
from grader.worker.session import encodable

IMAGES = BATCH   # validation images that are predicted with the first weights


def learnt(chosen: Candidate, view: View) -> dict[str, Any]:
    """Describe how the training of the chosen network began and what came of it.

    Args:
        chosen: the network that predicts.
        view: the data, with its validation images.

    Returns:
        `windows`, the first images as the code had them; `at_start`, the validation images as
        predicted with the first weights, None if that is not possible; `moved`, see `movement`;
        `likeness` of the state that predicts to the trained network, None if nothing can be
        compared.
    """
    beginning, module = chosen.observed.beginning, chosen.observed.module
    now = weights_of(chosen.network)
    first = beginning.weights
    return {
        "windows": encodable([one.row() for one in chosen.observed.told.windows]),
        "at_start": _at_start(chosen, first, view) if first is not None else None,
        "moved": movement(first, now) if first is not None else None,
        "likeness": _likeness(now, weights_of(module), first),
    }


def _likeness(now: Weights, trained: Weights, first: Weights | None) -> float | None:
    own = {one.data_ptr() for one in trained.values() if one.numel()}
    if any(one.data_ptr() in own for one in now.values() if one.dim() > 1):
        return 1.0   # the network itself, or one that has it as a part
    found = [likenesses(now, one) for one in (trained, first) if one is not None]
    return max(map(likeness, found)) if found[0] else None


def _at_start(chosen: Candidate, first: Weights, view: View) -> dict[str, Any] | None:
    """Right answers with the first weights, in the mode in which there are more; None if the
    network cannot be run with them."""
    module = chosen.observed.module
    named = {bare(name): value for name, value in first.items()}
    own = weights_of(module)
    if any(bare(name) not in named for name in own):
        return None
    images, labels = view.split("validation")
    images, labels = np.asarray(images[:IMAGES]), np.asarray(labels[:IMAGES])
    weights = {name: named[bare(name)].clone() for name in own}
    try:
        with (
            Path(os.devnull).open("w", encoding="utf-8") as nowhere,   # prints are no output here
            redirect_stdout(nowhere), redirect_stderr(nowhere),
            torch.random.fork_rng(devices=[]), torch.no_grad(),
        ):  # fmt: skip
            found = []
            for training in (False, True):
                with _mode(module, training):
                    found.append(_predicted(chosen, weights, images))
        right = max(int((rows.argmax(1) == labels).sum()) for rows in found)
    except Exception:   # of the student's forward(), which is not made for this
        return None
    return {"images": len(labels), "correct": right, "most": int(np.bincount(labels).max())}


def _predicted(chosen: Candidate, weights: Mapping[str, torch.Tensor], images: Any) -> Any:
    module = chosen.observed.module
    device = next(iter(weights.values())).device

    def network(batch: torch.Tensor) -> Any:
        return functional_call(module, dict(weights), (batch,))

    return put_together([
        rows_of(
            network, chosen.prepared.prepare(images[start : start + BATCH]).to(device),
            chosen.observed.classes,
        )
        for start in range(0, len(images), BATCH)
    ])


@contextmanager
def _mode(module: nn.Module, training: bool) -> Iterator[None]:
    """Sets the mode of all layers in this context, without the student's own `train()`."""
    before = [(one, one.training) for one in module.modules()]
    for one, _ in before:
        one.training = training
    try:
        yield
    finally:
        for one, mode in before:
            one.training = mode
