"""An observed network: its modules, and what its events tell of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd
from torch.utils.data import DataLoader

from grader.wire import short
from grader.worker import networks
from grader.worker.events.kinds import Described
from grader.worker.events.phases import Network, Phase
from grader.worker.networks.sizes import shape
from grader.worker.observer.batches import Batch
from grader.worker.observer.beginning import Beginning
from grader.worker.observer.checkpoints import bare
from grader.worker.observer.source_lines import SourceLine
from grader.worker.values.parameter_lists import Index

MAX_SAMPLES = 8
SAMPLE = 32   # images of an evaluation that are kept, to learn how the script prepares images


@dataclass(eq=False)
class ObservedNetwork:
    """A network: all modules that were called and that have exactly these parameters.

    Attributes:
        parameters: the ids of the parameters.
        before_backward: called as a backward pass through the network begins.
        classes: the number of classes of the data, if known.
        told: its phases and counts, as its events tell of them.
        latest_place: the student's line of the latest pass.
        fed_by: the network whose output was its input while it was trained.
        gives_scores: it puts out one row per image.
        beginning: how its training began.
        samples: the first images of its latest evaluation on each data set, as the network got
            them; the key is the loader, or None.
        training_loader: the loader of the batches that it was trained on last.
    """

    module: nn.Module
    parameters: frozenset[int]
    before_backward: Callable[[ObservedNetwork], None]
    classes: int | None = None
    told: Network = field(default_factory=Network)
    latest_place: SourceLine | None = None
    fed_by: ObservedNetwork | None = None
    input_dimensions: int = 4
    gives_scores: bool = False
    samples: dict[DataLoader[Any] | None, torch.Tensor] = field(default_factory=dict)
    beginning: Beginning = field(default_factory=Beginning)
    training_loader: DataLoader[Any] | None = None
    _behind: DataLoader[Any] | None = None   # the loader of the latest backward pass
    _latest_batch: tuple[Batch | None, int] = (None, 0)
    _evaluates: tuple[bool, DataLoader[Any] | None] = (False, None)

    def __post_init__(self) -> None:
        modules = list(self.module.modules())
        self.norms = [inner for inner in modules if isinstance(inner, _BatchNorm)]
        self.dropouts = [inner for inner in modules if isinstance(inner, _DropoutNd)]

    @property
    def phases(self) -> list[Phase]:
        return self.told.phases

    @property
    def steps(self) -> int:
        return self.told.steps

    @property
    def images(self) -> int:
        return self.told.images

    @property
    def progress(self) -> int:
        """Steps, or backward passes for a network that is trained without an optimizer."""
        return self.told.progress

    @property
    def was_evaluated(self) -> bool:
        """True if an evaluation was seen since training began."""
        return any(phase.kind == "evaluate" and phase.after_steps for phase in self.phases)

    def goes_backward(self, batch: Batch | None) -> None:
        """Note a backward pass through the network."""
        self.before_backward(self)
        self._behind = batch.loader if batch is not None else None

    def stepped(self) -> None:
        """Note that an optimizer took a step, perhaps on this network."""
        if self._behind is not None and not self.told.fresh:
            self.training_loader, self._behind = self._behind, None

    def finish(self) -> None:
        """Note that the training has ended: without an optimizer, backward passes count."""
        if self._behind is not None and not self.steps:
            self.training_loader = self._behind

    def begins_batch(self, batch: Batch | None) -> bool:
        """True for the first pass of a batch: two views of one image count as one image."""
        before, self._latest_batch = self._latest_batch, (batch, self.steps)
        return batch is None or self._latest_batch != before

    def keep_sample(
        self, images: torch.Tensor | None, batch: Batch | None, *, may_train: bool
    ) -> None:
        """Keep the first images of what may be an evaluation, as it cannot be a training pass."""
        loader = batch.loader if batch is not None else None
        before, self._evaluates = self._evaluates, (not may_train, loader)
        if may_train or images is None or before == self._evaluates:
            return
        self.samples[loader] = images[:SAMPLE].detach().clone()
        while len(self.samples) > MAX_SAMPLES:
            del self.samples[next(iter(self.samples))]


def same_parameters(one: nn.Module, other: nn.Module) -> bool:
    """True if two networks have parameters with the same names and shapes."""
    return _shapes(one) == _shapes(other)


def _shapes(network: nn.Module) -> dict[str, tuple[int, ...] | None]:
    return {bare(name): shape(parameter) for name, parameter in network.named_parameters()}


def description(
    number: int, network: nn.Module, number_of: Callable[[torch.Tensor], int]
) -> Described:
    """Describe a network as it is now.

    Args:
        number: the number of the network.
        network: the network.
        number_of: gives the number of a parameter.
    """
    names = Index(network).names
    alike = repr(sorted(_shapes(network).items())).encode("utf-8", "replace")
    numbers = {
        name: number_of(one)
        for one in network.parameters() if (name := names.get(id(one))) is not None
    }  # fmt: skip
    rows: list[Any] = []
    own: dict[int, int] = {}   # the tensors of this network, by their number in its description
    for name, attribute, size, tensor, trainable, classes in networks.describe(network):
        own.setdefault(tensor, numbers.get(name, 0))
        if own[tensor]:
            size = None if size is None else list(size)
            classes = list(map(short, classes))
            row = [short(name), short(attribute), size, own[tensor], trainable, classes]
            rows.append(row)
    return Described(number, hashlib.sha256(alike).hexdigest(), rows)


def tracked_batches(network: nn.Module) -> list[int]:
    """`num_batches_tracked` of each batch norm that keeps running statistics."""
    return [
        int(module.num_batches_tracked)
        for module in network.modules()
        if isinstance(module, _BatchNorm) and module.num_batches_tracked is not None
    ]
