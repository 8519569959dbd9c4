"""An observed network, and the phases that its forward passes are grouped into.

A phase is a run of consecutive passes of one kind over one set of data: an epoch of training, or an
evaluation.
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
from grader.worker.observer.beginning import Beginning
from grader.worker.observer.facts import PassFacts
from grader.worker.observer.source_lines import SourceLine

MAX_PHASES = 600
MAX_SAMPLES = 8
SAMPLE = 32   # images of an evaluation that are kept, to learn how the script prepares images


@dataclass
class Phase:
    """Consecutive passes of one kind ("train" or "evaluate") through one network.

    Attributes:
        after_steps: optimizer steps that the network had taken before the phase.
        place: the student's line that called the network first.
        held: the loader; a weak reference, since a script may build a loader for each epoch.
        epoch: the loader's epoch.
        passes, images: counts.
        norms_training, norms_evaluating: passes in which a batch norm was, or none was, in
            training mode.
        dropouts_training: passes with dropout in training mode.
        with_gradients: passes that recorded gradients.
        seen, correct, loss: images with known labels; right answers and the summed loss for them.
        lr: the learning rate of the latest step.
        statistics_moved: running statistics changed in a pass that cannot be a training pass.
        ended_at: images that the network had been trained on by the end of the phase.
        order: the number of the latest pass, among the passes of all networks.
    """

    kind: str
    after_steps: int
    place: SourceLine | None
    held: ReferenceType[DataLoader[Any]] | None
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
        """Count a pass whose kind is known by now."""
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
        """The loader; None where it is unknown or no longer exists."""
        return self.held() if self.held is not None else None

    def continues(self, kind: str, batch: Batch | None) -> bool:
        """True if a pass of this kind over this batch belongs to the phase."""
        loader, epoch = (None, 0) if batch is None else (batch.loader, batch.epoch)
        return self.kind == kind and self.loader is loader and self.epoch == epoch


@dataclass(eq=False)
class ObservedNetwork:
    """A network: all modules that were called and that have exactly these parameters.

    Attributes:
        parameters: the ids of the parameters.
        before_backward: called as a backward pass through the network begins.
        classes: the number of classes of the data, if known.
        steps: optimizer steps that followed a backward pass through the network.
        images: images that it was trained on.
        latest_place: the student's line of the latest pass.
        fed_by: the network whose output was its input while it was trained.
        gives_scores: it puts out one row per image.
        beginning: how its training began.
        samples: the first images of its latest evaluation on each data set, as the network got
            them; the key is the loader, or None.
    """

    module: nn.Module
    parameters: frozenset[int]
    before_backward: Callable[[ObservedNetwork], None]
    classes: int | None = None
    phases: list[Phase] = field(default_factory=list)
    steps: int = 0
    images: int = 0
    backward_passes: int = 0
    latest_place: SourceLine | None = None
    fed_by: ObservedNetwork | None = None
    input_dimensions: int = 4
    gives_scores: bool = False
    samples: dict[DataLoader[Any] | None, torch.Tensor] = field(default_factory=dict)
    beginning: Beginning = field(default_factory=Beginning)
    training_loader: DataLoader[Any] | None = None
    _fresh: bool = False   # a backward pass was seen since the last step
    _latest_batch: tuple[Batch | None, int] = (None, 0)
    _evaluates: tuple[bool, DataLoader[Any] | None] = (False, None)

    def __post_init__(self) -> None:
        modules = list(self.module.modules())
        self.norms = [inner for inner in modules if isinstance(inner, _BatchNorm)]
        self.dropouts = [inner for inner in modules if isinstance(inner, _DropoutNd)]

    @property
    def was_evaluated(self) -> bool:
        """True if an evaluation was seen since training began."""
        return any(phase.kind == "evaluate" and phase.after_steps for phase in self.phases)

    @property
    def progress(self) -> int:
        """Steps, or backward passes for a network that is trained without an optimizer."""
        return self.steps or self.backward_passes

    def goes_backward(self) -> None:
        """Count a backward pass through the network."""
        self.before_backward(self)
        self.backward_passes += 1
        self._fresh = True

    def stepped(self, parameters: set[int]) -> None:
        """Count a step of an optimizer with these parameters; several may share a network."""
        if self._fresh and not self.parameters.isdisjoint(parameters):
            self.steps += 1
            self._fresh = False

    def begins_batch(self, batch: Batch | None) -> bool:
        """True for the first pass of a batch: two views of one image count as one image."""
        before, self._latest_batch = self._latest_batch, (batch, self.steps)
        return batch is None or self._latest_batch != before

    def keep_sample(self, one: PassFacts) -> None:
        """Keep the first images of what may be an evaluation."""
        loader = one.batch.loader if one.batch is not None else None
        before, self._evaluates = self._evaluates, (not one.may_train, loader)
        if one.may_train or one.input is None or before == self._evaluates:
            return
        self.samples[loader] = one.input[:SAMPLE].detach().clone()
        while len(self.samples) > MAX_SAMPLES:
            del self.samples[next(iter(self.samples))]

    def add(self, one: PassFacts, order: int, lr: float | None) -> None:
        """Add a pass whose kind is known by now to its phase."""
        kind = "train" if one.backward else "evaluate"
        loader, epoch = (one.batch.loader, one.batch.epoch) if one.batch is not None else (None, 0)
        phase = self.phases[-1] if self.phases else None
        if phase is None or not phase.continues(kind, one.batch):
            held = ref(loader) if loader is not None else None
            phase = Phase(kind, one.after_steps, one.place, held, epoch)
            if len(self.phases) < MAX_PHASES:
                self.phases.append(phase)
        phase.add(one)
        self.beginning.add(one, self.images)
        if kind == "train":
            self.images += one.images if one.first_of_batch else 0
            self.training_loader = self.training_loader if loader is None else loader
        phase.lr, phase.ended_at, phase.order = lr, self.images, order

    def on_training_data(self, phase: Phase) -> bool:
        """True if an evaluation used the images that the network is trained on."""
        if phase.loader is None or self.training_loader is None:
            return False
        one, other = phase.loader.dataset, self.training_loader.dataset
        return one is other or (base(one) is base(other) and type(one) is type(other) is not _Part)


_Part = torch.utils.data.Subset   # two subsets of one data set need not overlap


def tracked_batches(network: nn.Module) -> list[int]:
    """`num_batches_tracked` of each batch norm that keeps running statistics."""
    return [
        int(module.num_batches_tracked)
        for module in network.modules()
        if isinstance(module, _BatchNorm) and module.num_batches_tracked is not None
    ]
