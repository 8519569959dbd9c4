"""Which network was trained, and in which of its states it is taken: the best that the script left.

A script may train several networks, average their weights, or save the best state and go on. The
images that decide between them are the student's own validation images.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from grader.worker.dataset_view import View
from grader.worker.observer.checkpoints import Saved, bare, load_into
from grader.worker.observer.networks import Watched
from grader.worker.probes.outputs import Rows, as_rows, put_together
from grader.worker.probes.preprocessing import Prepared

IMAGES = 1000   # of the validation set; deciding needs no more
BATCH = 250
NEAR = 0.01     # accuracies this near say nothing of which network is better
SERIOUS = 0.25  # of the most steps: fewer were a search for a learning rate, or a first try


@dataclass(frozen=True)
class Candidate:
    """A network in one of its states. `name` says which: "" is as the script left it."""

    watched: Watched
    network: nn.Module
    prepared: Prepared
    name: str = ""
    accuracy: float = 0.0

    def predict(self, images: Any, size: int = BATCH) -> Any:
        """Return float32 logits (N, classes) for uint8 images (N, H, W, 3), in evaluation mode.

        `size` images at a time go through the network. Raises BadAnswer for other outputs, and
        whatever the student's `forward` raises.
        """
        self.network.eval()   # its own statement: a student's own eval() may return nothing
        parameter = next(self.network.parameters(), None)
        device = parameter.device if parameter is not None else torch.device("cpu")
        parts = []
        with torch.no_grad():
            for start in range(0, len(images), size):
                batch = self.prepared.prepare(images[start : start + size]).to(device)
                parts.append(_rows(self.network, batch, self.watched.classes))
        return put_together(parts)


def serious(trained: Sequence[Watched]) -> list[Watched]:
    """Those that were trained in earnest, by the number of steps."""
    most = max((one.progress for one in trained), default=0)
    return [one for one in trained if one.progress >= SERIOUS * most]


def best(
    candidates: Sequence[Candidate], copies: Sequence[Watched], saved: Saved, view: View
) -> Candidate:
    """The network with the highest top-1 accuracy on the validation images, of nearly equals one
    that the script evaluated; then its best state, of equals the one in which it was left."""
    scored = _all_scored(candidates, view)
    top = max(one.accuracy for one in scored)
    near = [one for one in scored if one.accuracy >= top - NEAR and _evaluated(one.watched)]
    first = max(near or scored, key=lambda one: one.accuracy)
    states = _all_scored([first, *_other_states(first, copies, saved)], view)
    return max(states, key=lambda one: one.accuracy)


def _all_scored(candidates: Sequence[Candidate], view: View) -> list[Candidate]:
    if len(candidates) == 1:
        return list(candidates)   # nothing to decide
    return [_scored(one, view) for one in candidates]


def _evaluated(watched: Watched) -> bool:
    return any(run.kind == "evaluate" and run.after_steps for run in watched.runs)


def _scored(one: Candidate, view: View) -> Candidate:
    images, labels = view.split("validation")
    images, labels = np.asarray(images[:IMAGES]), np.asarray(labels[:IMAGES])
    try:
        predicted = one.predict(images).argmax(1)
    except Exception:   # it shows again, and is told, when it predicts
        return one
    accuracy = float((predicted == labels).mean())
    return Candidate(one.watched, one.network, one.prepared, one.name, accuracy)


def _other_states(
    first: Candidate, copies: Sequence[Watched], saved: Saved
) -> Iterator[Candidate]:
    """Averages and copies that the script evaluated, and what it saved."""
    for one in copies:
        if alike(one.module, first.network):
            yield Candidate(first.watched, one.module, first.prepared, "a copy of it")
    for name, state in saved.states(first.network):
        try:
            other = copy.deepcopy(first.network)
            load_into(other, state)
        except Exception:   # not every network can be copied
            continue
        yield Candidate(first.watched, other, first.prepared, name)


def alike(one: nn.Module, other: nn.Module) -> bool:
    """Whether two networks have parameters of the same names and shapes."""
    return _shapes(one) == _shapes(other)


def _shapes(network: nn.Module) -> list[tuple[str, tuple[int, ...]]]:
    return sorted((bare(name), tuple(p.shape)) for name, p in network.named_parameters())


def _rows(network: nn.Module, batch: torch.Tensor, classes: int | None) -> Rows:
    """Of several crops of an image, (N, crops, C, H, W), the mean of what they give."""
    if batch.dim() < 5:
        return as_rows(network(batch), len(batch), classes)
    count, crops = batch.shape[:2]
    rows = as_rows(network(batch.flatten(0, 1)), count * crops, classes)
    return np.asarray(rows.reshape(count, crops, -1).mean(1), dtype="<f4")
