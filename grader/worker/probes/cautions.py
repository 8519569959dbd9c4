"""What a student should know of a training: what was seen while it ran, and what the text of the
files says about it, put together. Each kind once, with its place.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grader.worker import shims as stand_ins
from grader.worker.observer.batches import base, in_order, last_is_smaller
from grader.worker.observer.networks import Watched
from grader.worker.observer.observer import Observer
from grader.worker.observer.source_lines import Place
from grader.worker.session import place
from grader.worker.student_code import lint as reading
from grader.worker.student_code import sources


@dataclass(frozen=True)
class Caution:
    """`kind` is a word that the host has sentences for, `detail` what they leave room for."""

    kind: str
    place: str
    detail: str = ""


def cautions(
    folder: Path, observer: Observer, watched: Watched, stage: stand_ins.ShimLog
) -> list[Caution]:
    """The mistakes that were seen, and those that the files and what was seen speak for together.
    """
    files = sources.read(folder)
    found = [
        Caution(one.kind, words(one.place), one.detail) for one in observer.mistakes.found.values()
    ]
    found += [*_order(watched, observer), *_statistics(files, stage)]
    found += [*_choice(files, watched), *_means(files, watched)]
    return found


def words(where: Place | None) -> str:
    """`hw2.py, line 12`; "" where no line of the student's was on the stack."""
    return place(Path(where.file), where.line) if where is not None else ""


def _order(watched: Watched, observer: Observer) -> Iterator[Caution]:
    loader = watched.training_loader
    # A loader that is built anew for each epoch may have been given its images in another order.
    epochs = sum(run.kind == "train" and run.loader is loader for run in watched.runs)
    if loader is not None and epochs > 1 and in_order(loader):
        yield Caution("not_shuffled", words(observer.batches.place(loader)))


def _statistics(files: list[sources.Source], stage: stand_ins.ShimLog) -> Iterator[Caution]:
    """Normalised by other numbers in training than in evaluation."""
    training = {_numbers(one.transform) for one in stage.served if one.train}
    testing = {_numbers(one.transform) for one in stage.served if not one.train}
    known = len(training) == len(testing) == 1 and None not in training | testing
    if known and training != testing:
        spots = reading.normalisations(files)
        yield Caution("normalised_differently", spots[-1].spot.place if spots else "")


def _numbers(transform: Any) -> tuple[float, ...] | None:
    """Mean and deviation of the last Normalize in a transform; None without one."""
    steps = getattr(transform, "transforms", [transform])
    for step in reversed(list(steps)):
        if type(step).__name__ == "Normalize":
            try:
                return tuple(round(float(n), 6) for n in (*step.mean, *step.std))
            except (TypeError, ValueError):   # a single number, say
                return None
    return None


def _choice(files: list[sources.Source], watched: Watched) -> Iterator[Caution]:
    """The checkpoint is chosen by what the test set says, and nothing was held out to choose by."""
    loaders = [run.loader for run in watched.runs if run.kind == "evaluate"]
    sets = [base(loader.dataset) for loader in loaders if loader is not None]
    if not sets or not all(getattr(one, "train", True) is False for one in sets):
        return
    spots = reading.chooses_checkpoint(files)
    if spots:
        yield Caution("test_set_chooses", spots[0].place)


def _means(files: list[sources.Source], watched: Watched) -> Iterator[Caution]:
    loaders = [run.loader for run in watched.runs if run.kind == "evaluate"]
    if not any(loader is not None and last_is_smaller(loader) for loader in loaders):
        return
    spots = reading.means_of_batches(files)
    if spots:
        yield Caution("means_of_batches", spots[0].place)
