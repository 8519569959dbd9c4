"""A network that was seen at work, and the runs that its passes are put together to.

A run is consecutive passes of one kind over one set of data: an epoch of training, an evaluation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from weakref import ReferenceType, ref

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd
from torch.utils.data import DataLoader

from grader.worker.observer.batches import Batch, base
from grader.worker.observer.facts import PassFacts
from grader.worker.observer.source_lines import Place

MAX_RUNS = 600
MAX_SAMPLES = 8
SAMPLE = 32   # images of an evaluation that are kept, to learn how the script prepares images


@dataclass
class Run:
    """Consecutive passes of one kind through one network. `ended_at` is the number of images that
    it had been trained on by the end, `order` the number of its last pass among all passes."""

    kind: str
    after_steps: int
    place: Place | None
    held: ReferenceType[DataLoader[Any]] | None   # a script may build a loader for each epoch
    epoch: int
    passes: int = 0
    images: int = 0
    norms_training: int = 0
    norms_evaluating: int = 0
    dropouts_training: int = 0
    with_gradients: int = 0
    seen: int = 0
    correct: int = 0
    loss: float = 0.0
    lr: float | None = None
    statistics_moved: bool = False
    ended_at: int = 0
    order: int = 0

    def add(self, one: PassFacts) -> None:
        """Count a pass in, now that what followed it is known."""
        self.passes += 1
        self.images += one.images
        self.norms_training += one.in_train_mode
        self.norms_evaluating += not one.in_train_mode
        self.dropouts_training += one.dropouts > 0
        self.with_gradients += one.gradients
        self.statistics_moved = self.statistics_moved or one.moved
        if one.scored:
            self.seen += one.images
            self.loss += one.loss
            self.correct += int(one.correct)

    @property
    def loader(self) -> DataLoader[Any] | None:
        """None where no loader is known, or it is gone by now."""
        return self.held() if self.held is not None else None

    def goes_on(self, kind: str, batch: Batch | None) -> bool:
        """Whether a pass belongs to this run."""
        loader, epoch = (None, 0) if batch is None else (batch.loader, batch.epoch)
        return self.kind == kind and self.loader is loader and self.epoch == epoch


@dataclass(eq=False)
class Watched:
    """A network: all modules that were called and have these very parameters.

    `steps` counts those that followed a backward pass through it, `images` those that it was
    trained on. `samples` holds the first images of its latest evaluation on each data set, as it
    was given them; the key is the loader, or None.
    """

    module: nn.Module
    parameters: frozenset[int]
    before_backward: Callable[[Watched], None]
    classes: int | None = None   # of the images, where they are known
    runs: list[Run] = field(default_factory=list)
    steps: int = 0
    images: int = 0
    backward_passes: int = 0
    latest_place: Place | None = None
    fed_by: Watched | None = None   # the network whose output was its input while it was trained
    input_dimensions: int = 4
    gives_scores: bool = False   # a row per image
    samples: dict[DataLoader[Any] | None, torch.Tensor] = field(default_factory=dict)
    training_loader: DataLoader[Any] | None = None
    _fresh: bool = False   # a backward pass was seen since the last step
    _taken_up: tuple[Batch | None, int] = (None, 0)
    _evaluates: tuple[bool, DataLoader[Any] | None] = (False, None)

    def __post_init__(self) -> None:
        modules = list(self.module.modules())
        self.norms = [inner for inner in modules if isinstance(inner, _BatchNorm)]
        self.dropouts = [inner for inner in modules if isinstance(inner, _DropoutNd)]

    @property
    def progress(self) -> int:
        """Steps; of a network that is trained by hand, without an optimizer, backward passes."""
        return self.steps or self.backward_passes

    def goes_backward(self) -> None:
        self.before_backward(self)
        self.backward_passes += 1
        self._fresh = True

    def stepped(self, parameters: set[int]) -> None:
        """An optimizer of these parameters took a step. Several may share a network."""
        if self._fresh and not self.parameters.isdisjoint(parameters):
            self.steps += 1
            self._fresh = False

    def takes_up(self, batch: Batch | None) -> bool:
        """Whether a pass is the first of its batch: two views of one image are one image."""
        before, self._taken_up = self._taken_up, (batch, self.steps)
        return batch is None or self._taken_up != before

    def looks_at(self, one: PassFacts) -> None:
        """Keep the first images of what may be an evaluation."""
        loader = one.batch.loader if one.batch is not None else None
        before, self._evaluates = self._evaluates, (not one.may_train, loader)
        if one.may_train or one.input is None or before == self._evaluates:
            return
        self.samples[loader] = one.input[:SAMPLE].detach().clone()
        while len(self.samples) > MAX_SAMPLES:
            del self.samples[next(iter(self.samples))]

    def add(self, one: PassFacts, order: int, lr: float | None) -> None:
        """Put a pass, now that it can be told apart, to the run that it belongs to."""
        kind = "train" if one.backward else "evaluate"
        loader, epoch = (one.batch.loader, one.batch.epoch) if one.batch is not None else (None, 0)
        run = self.runs[-1] if self.runs else None
        if run is None or not run.goes_on(kind, one.batch):
            held = ref(loader) if loader is not None else None
            run = Run(kind, one.after_steps, one.place, held, epoch)
            if len(self.runs) < MAX_RUNS:
                self.runs.append(run)
        run.add(one)
        if kind == "train":
            self.images += one.images if one.first_of_batch else 0
            self.training_loader = self.training_loader if loader is None else loader
        run.lr, run.ended_at, run.order = lr, self.images, order

    def on_training_data(self, run: Run) -> bool:
        """Whether an evaluation was of the images that the network is trained on."""
        if run.loader is None or self.training_loader is None:
            return False
        one, other = run.loader.dataset, self.training_loader.dataset
        return one is other or (base(one) is base(other) and type(one) is type(other) is not _Part)


_Part = torch.utils.data.Subset   # two of one data set need not overlap


def tracked_batches(network: nn.Module) -> list[int]:
    """`num_batches_tracked` of each batch norm that keeps running statistics."""
    return [
        int(module.num_batches_tracked)
        for module in network.modules()
        if isinstance(module, _BatchNorm) and module.num_batches_tracked is not None
    ]
