"""What a student should know of a training: what was seen while it ran, and what the text of the
files says about it, put together. Each kind once, with its place.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from grader.worker import reading, sources, stand_ins
from grader.worker.watch.batches import base, in_order, last_is_smaller
from grader.worker.watch.mistakes import Mistake
from grader.worker.watch.networks import Watched
from grader.worker.watch.observer import Observer
from grader.worker.watch.places import Place


def cautions(
    folder: Path, observer: Observer, watched: Watched, stage: stand_ins.Stage
) -> list[Mistake]:
    """The mistakes that were seen, and those that the files and what was seen speak for together.
    """
    files = [source for source in sources.read(folder) if source.error is None]
    found = [*observer.mistakes.found.values(), *_order(watched, observer)]
    found += [*_statistics(files, stage), *_choice(files, watched), *_means(files, watched)]
    return found


def _order(watched: Watched, observer: Observer) -> Iterator[Mistake]:
    loader = watched.training_loader
    epochs = sum(run.kind == "train" for run in watched.runs)
    if loader is not None and epochs > 1 and in_order(loader):
        yield Mistake("not_shuffled", observer.batches.place(loader))


def _statistics(files: list[sources.Source], stage: stand_ins.Stage) -> Iterator[Mistake]:
    """Normalised by other numbers in training than in evaluation."""
    training = {_numbers(one.transform) for one in stage.served if one.train}
    testing = {_numbers(one.transform) for one in stage.served if not one.train}
    if len(training) == len(testing) == 1 and None not in training | testing:
        if training != testing:
            spots = [spot for source in files for spot in reading.normalisations(source)]
            yield Mistake("normalised_differently", _place(spots[-1]) if spots else None)


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


def _choice(files: list[sources.Source], watched: Watched) -> Iterator[Mistake]:
    """The checkpoint is chosen by what the test set says, and nothing was held out to choose by."""
    loaders = [run.loader for run in watched.runs if run.kind == "evaluate"]
    sets = [base(loader.dataset) for loader in loaders if loader is not None]
    if not sets or not all(getattr(one, "train", True) is False for one in sets):
        return
    spots = [spot for source in files for spot in reading.chooses_checkpoint(source)]
    if spots:
        yield Mistake("test_set_chooses", _place(spots[0]))


def _means(files: list[sources.Source], watched: Watched) -> Iterator[Mistake]:
    loaders = [run.loader for run in watched.runs if run.kind == "evaluate" and run.loader]
    if not any(map(last_is_smaller, loaders)):
        return
    spots = [spot for source in files for spot in reading.means_of_batches(source)]
    if spots:
        yield Mistake("means_of_batches", _place(spots[0]))


def _place(spot: Any) -> Place:
    return Place(str(spot.file), spot.line)
