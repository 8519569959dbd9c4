"""Lists cautions about a training: mistakes that were seen while it ran and cost no points."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from grader.worker import shims
from grader.worker.observer.batches import in_order
from grader.worker.observer.networks import ObservedNetwork
from grader.worker.observer.observer import Observer
from grader.worker.observer.source_lines import words


@dataclass(frozen=True)
class Caution:
    """A mistake by its `kind`, for which the host has sentences, with the `detail` they need."""

    kind: str
    place: str
    detail: str = ""


def cautions(
    observer: Observer, observed: ObservedNetwork, shim_log: shims.ShimLog
) -> list[Caution]:
    """The mistakes that were observed in the training of a network, each kind once."""
    found = [
        Caution(one.kind, words(one.place), one.detail) for one in observer.mistakes.found.values()
    ]
    return [*found, *_order(observed, observer), *_normalization(shim_log)]


def _order(observed: ObservedNetwork, observer: Observer) -> Iterator[Caution]:
    """Training images that come in the same order in every epoch."""
    loader = observed.training_loader
    # A loader that is built anew for each epoch may have been given its images in another order.
    number = observer.batches.numbers(loader)[0]
    epochs = sum(one.kind == "train" and one.loader == number for one in observed.phases)
    if loader is not None and epochs > 1 and in_order(loader):
        yield Caution("not_shuffled", words(observer.batches.line_of(loader)))


def _normalization(shim_log: shims.ShimLog) -> Iterator[Caution]:
    """Training images and test images that are normalized with different constants."""
    training = {_constants(one.transform) for one in shim_log.served if one.train}
    testing = {_constants(one.transform) for one in shim_log.served if not one.train}
    known = len(training) == len(testing) == 1 and None not in training | testing
    if known and training != testing:
        yield Caution("normalised_differently", "")


def _constants(transform: Any) -> tuple[float, ...] | None:
    """Means and standard deviations of the last Normalize in a transform; None without one."""
    steps = getattr(transform, "transforms", [transform])
    for step in reversed(list(steps)):
        if type(step).__name__ == "Normalize":
            try:
                return tuple(round(float(n), 6) for n in (*step.mean, *step.std))
            except (TypeError, ValueError):   # a single number, for example
                return None
    return None
