"""Cautions about a training: mistakes that were seen while it ran and that cost no points."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grader.worker import shims
from grader.worker.observer.batches import in_order
from grader.worker.observer.networks import Watched
from grader.worker.observer.observer import Observer
from grader.worker.observer.source_lines import Place
from grader.worker.session import place


@dataclass(frozen=True)
class Caution:
    """A mistake by its `kind`, for which the host has sentences, with the `detail` they need."""

    kind: str
    place: str
    detail: str = ""


def cautions(observer: Observer, watched: Watched, stage: shims.Stage) -> list[Caution]:
    """The mistakes that were observed in the training of a network, each kind once."""
    found = [
        Caution(one.kind, words(one.place), one.detail) for one in observer.mistakes.found.values()
    ]
    return [*found, *_order(watched, observer), *_normalization(stage)]


def words(where: Place | None) -> str:
    """`hw2.py, line 12`; "" when no line of the student's was on the stack."""
    return place(Path(where.file), where.line) if where is not None else ""


def _order(watched: Watched, observer: Observer) -> Iterator[Caution]:
    """Training images that come in the same order in every epoch."""
    loader = watched.training_loader
    # A loader that is built anew for each epoch may have been given its images in another order.
    epochs = sum(run.kind == "train" and run.loader is loader for run in watched.runs)
    if loader is not None and epochs > 1 and in_order(loader):
        yield Caution("not_shuffled", words(observer.batches.place(loader)))


def _normalization(stage: shims.Stage) -> Iterator[Caution]:
    """Training images and test images that are normalized with different constants."""
    training = {_constants(one.transform) for one in stage.served if one.train}
    testing = {_constants(one.transform) for one in stage.served if not one.train}
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
