"""Chooses the trained network that predicts, and the best state that the script left of it.

A script may train several networks, average their weights, or save the best state and go on. The
student's own validation images decide.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from grader.worker.dataset_view import View
from grader.worker.events.history import SUBSTANTIAL
from grader.worker.observer.checkpoints import SavedCheckpoints, load_into
from grader.worker.observer.networks import ObservedNetwork, same_parameters
from grader.worker.probes.outputs import Rows, as_rows, put_together
from grader.worker.probes.preprocessing import Prepared

IMAGES = 1000   # of the validation set
BATCH = 250
NEAR = 0.01     # accuracies that differ by less do not say which network is better


@dataclass(frozen=True)
class Candidate:
    """A network in one of its states.

    Attributes:
        observed: the network as it was observed in training.
        network: the module that predicts.
        prepared: the way in which it gets its images.
        name: the state; "" is as the script left it.
        accuracy: top-1 accuracy on the validation images, 0 if it was not measured.
    """

    observed: ObservedNetwork
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
                parts.append(rows_of(self.network, batch, self.observed.classes))
        return put_together(parts)


def substantially_trained(trained: Sequence[ObservedNetwork]) -> list[ObservedNetwork]:
    """The networks with at least a quarter of the steps of the one with most."""
    most = max((one.progress for one in trained), default=0)
    return [one for one in trained if one.progress >= SUBSTANTIAL * most]


def best(
    candidates: Sequence[Candidate],
    copies: Sequence[ObservedNetwork],
    saved: SavedCheckpoints,
    view: View,
) -> Candidate:
    """The candidate with the highest top-1 accuracy on the validation images.

    Among networks that are nearly equal, one that the script evaluated is preferred; then the best
    state of that network, of equals the one in which the script left it.

    Args:
        candidates: the trained networks, at least one.
        copies: networks that the script ran but did not train.
        saved: the files that the script saved.
        view: the data, with its validation images.
    """
    scored = _all_scored(candidates, view)
    top = max(one.accuracy for one in scored)
    near = [one for one in scored if one.accuracy >= top - NEAR and one.observed.was_evaluated]
    first = max(near or scored, key=lambda one: one.accuracy)
    states = _all_scored([first, *_other_states(first, copies, saved)], view)
    return max(states, key=lambda one: one.accuracy)


def _all_scored(candidates: Sequence[Candidate], view: View) -> list[Candidate]:
    if len(candidates) == 1:
        return list(candidates)   # nothing to decide
    return [_scored(one, view) for one in candidates]


def _scored(one: Candidate, view: View) -> Candidate:
    images, labels = view.split("validation")
    images, labels = np.asarray(images[:IMAGES]), np.asarray(labels[:IMAGES])
    try:
        predicted = one.predict(images).argmax(1)
    except Exception:   # it happens again, and is reported, when it predicts the hidden images
        return one
    accuracy = float((predicted == labels).mean())
    return Candidate(one.observed, one.network, one.prepared, one.name, accuracy)


def _other_states(
    first: Candidate, copies: Sequence[ObservedNetwork], saved: SavedCheckpoints
) -> Iterator[Candidate]:
    """Averages and copies that the script evaluated, and the states that it saved."""
    for one in copies:
        if same_parameters(one.module, first.network):
            yield Candidate(first.observed, one.module, first.prepared, "a copy of the network")
    for name, state in saved.states(first.network):
        try:
            other = copy.deepcopy(first.network)
            load_into(other, state)
        except Exception:   # not every network can be copied
            continue
        yield Candidate(first.observed, other, first.prepared, name)


def rows_of(
    network: Callable[[torch.Tensor], Any], batch: torch.Tensor, classes: int | None
) -> Rows:
    """Logits of a batch; the mean over the crops for a batch of shape (N, crops, C, H, W)."""
    if batch.dim() < 5:
        return as_rows(network(batch), len(batch), classes)
    count, crops = batch.shape[:2]
    rows = as_rows(network(batch.flatten(0, 1)), count * crops, classes)
    return np.asarray(rows.reshape(count, crops, -1).mean(1), dtype="<f4")
