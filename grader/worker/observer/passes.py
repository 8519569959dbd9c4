"""One forward pass through a whole network, and the facts that are collected about it."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import torch
from torch import nn
from torch.nn.functional import cross_entropy  # torch's own, before it is replaced
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.parameter import is_lazy

from grader.worker.events.beginning import LATEST, MAX_CLASSES
from grader.worker.events.kinds import PassEnded
from grader.worker.observer.batches import Batch
from grader.worker.observer.networks import ObservedNetwork
from grader.worker.observer.source_lines import SourceLine, words

DEEPEST = 3   # outputs in outputs


class Pass:
    """A forward pass; a backward pass may follow at once or after other passes.

    Attributes:
        frame: that of a `forward` that was called by name.
        input: the input as the network got it; None once the pass is over.
        batch: the batch that the input belongs to, if a loader gave it out.
        place: the student's line that called the network, if there is one.
        scored: `loss` (nats) and `correct`, both summed over the images, are known.
        told: the event of the pass, once it has ended; `events.kinds` describes its fields.
    """

    def __init__(
        self,
        network: ObservedNetwork,
        root: nn.Module,
        inputs: Any,
        batch: Batch | None,
        place: SourceLine | None,
        frame: types.FrameType | None,
        went_backward: Callable[[Pass], None],
    ) -> None:
        self.network, self.root, self.place, self.frame = network, root, place, frame
        self.input = inputs[0] if inputs and is_batch(inputs[0]) else None
        self._went_backward = went_backward
        self.images = 0 if self.input is None else len(self.input)
        fits = batch is not None and len(batch.labels) == self.images
        self.batch = batch if fits else None
        if self.input is not None:
            network.input_dimensions = self.input.dim()
        self.first_of_batch = network.begins_batch(batch)
        network.latest_place = place
        self.gradients = torch.is_grad_enabled()
        self.dropouts = sum(inner.training for inner in network.dropouts)
        self.moved = self.backward = self.scored = False
        self.loss = self.correct = 0.0
        self.labels: torch.Tensor | None = None
        self.output: torch.Tensor | None = None   # detached
        self.told: PassEnded | None = None
        self._waits = False
        self._flags = any(
            inner.training for inner in network.norms or network.dropouts or [root]
        )
        self._norm_modes: list[bool] = []
        # A pass that cannot be a training pass must leave running statistics alone, bit for bit.
        self._statistics = None if self.may_train else statistics(network.norms)

    @property
    def may_train(self) -> bool:
        """True if gradients and mode are those of a training pass."""
        return self.gradients and self._flags

    @property
    def in_train_mode(self) -> bool:
        """True if a batch norm was in training mode when it ran, as `forward` may switch modes.

        A network without batch norms has the mode of its flags.
        """
        return any(self._norm_modes) if self._norm_modes else self._flags

    def calls(self, module: nn.Module) -> None:
        """Note that a layer inside the network is about to run."""
        if isinstance(module, _BatchNorm):
            self._norm_modes.append(module.training)

    def ends(self, output: Any) -> None:
        """Note the output of the network, or of as much of it as can be seen."""
        if self._statistics is not None:
            now = statistics(self.network.norms)
            pairs = zip(self._statistics, now, strict=False)
            self.moved = not all(torch.equal(_bits(old), _bits(new)) for old, new in pairs)
            self._statistics = None if self.frame is None else self._statistics
        found = scores(output, self.network.classes)
        if found is None:
            return
        if not self.images and found.dim():
            self.images = len(found)   # the network was called as model(x=images)
        if found.requires_grad:
            self._waits = True
            found.register_hook(self._goes_backward)  # type: ignore[no-untyped-call]  # torch's
        self.output = found.detach()
        self.network.gives_scores = found.dim() == 2 and len(found) == self.images
        if self.batch is not None:
            self.score(self.output, self.batch.labels)

    def event(self, number: int, loader: int, data: int) -> PassEnded:
        """The facts of the pass by now.

        Args:
            number: the number of the pass.
            loader: the number of the loader of its batch.
            data: the number of that loader's images.
        """
        return PassEnded(
            number=number,
            network=self.network.told.numbers[0],
            images=self.images,
            first_of_batch=self.first_of_batch,
            in_train_mode=self.in_train_mode,
            dropouts=self.dropouts,
            gradients=self.gradients,
            moved=self.moved,
            waits=self._waits,
            place=words(self.place),
            loader=loader,
            data=data,
            epoch=0 if self.batch is None else self.batch.epoch,
            scored=self.scored,
            loss=self.loss,
            correct=int(self.correct),
            classes=self._classes(),
        )

    def _classes(self) -> list[int]:
        """The images of each class, for the first images of a network."""
        if self.labels is None or self.network.images >= LATEST:
            return []
        counts: list[int] = torch.bincount(self.labels.cpu()).tolist()
        return counts if len(counts) <= MAX_CLASSES else []

    def score(self, output: torch.Tensor, targets: torch.Tensor) -> None:
        """Compute loss (nats) and right answers, summed over the images, from class scores (N, C)
        and labels (N,); other tensors are ignored."""
        if output.dim() != 2 or targets.dim() != 1 or len(output) != len(targets):
            return
        output, targets = output.float(), targets.to(output.device)
        if targets.is_floating_point() or not len(targets):
            return
        lowest, highest = torch.aminmax(targets)
        if int(highest) >= output.shape[1] or int(lowest) < 0:
            return
        self.scored, self.labels = True, targets.detach()
        self.loss = float(cross_entropy(output, targets, reduction="sum"))
        self.correct = float((output.argmax(1) == targets).sum())

    def feeds(self, inputs: Any) -> bool:
        """True if another network gets this output, perhaps in another shape, as its input."""
        given = first_tensor(inputs) if inputs else None
        return (
            given is not None
            and self.output is not None
            and given.requires_grad
            and given.data_ptr() == self.output.data_ptr()
        )

    def closes(self) -> None:
        """Release tensors and frames, since another pass begins."""
        self.frame = self.input = self.output = None

    def _goes_backward(self, gradient: torch.Tensor) -> None:
        if not self.backward:
            self.backward = True
            self._went_backward(self)


def is_batch(value: Any) -> bool:
    """True for a tensor with at least one dimension."""
    return isinstance(value, torch.Tensor) and value.dim() > 0


def first_tensor(output: Any) -> torch.Tensor | None:
    """The first tensor in a tuple, a mapping or an object; a tensor itself; None without one."""
    return next(_tensors(output, 0), None)


def scores(output: Any, classes: int | None) -> torch.Tensor | None:
    """The class scores among a network's outputs; None if there is no tensor at all.

    The first output with a row per image and a column per class counts; else the first with a row
    per image, which a loss beside the scores does not have; else the first.
    """
    found = list(_tensors(output, 0))
    rows = [one for one in found if one.dim() == 2]
    fitting = [one for one in rows if one.shape[1] == classes]
    return next(iter(fitting or rows or found), None)


def _tensors(output: Any, depth: int) -> Iterator[torch.Tensor]:
    if isinstance(output, torch.Tensor):
        yield output
        return
    if isinstance(output, Mapping):
        output = [*output.values()]
    elif dataclasses.is_dataclass(output) and not isinstance(output, type):
        output = [getattr(output, field.name, None) for field in dataclasses.fields(output)]
    elif hasattr(output, "__dict__") and not isinstance(output, (tuple, nn.Module, type)):
        output = [*vars(output).values()]
    if isinstance(output, (tuple, list)) and depth < DEEPEST:
        for part in output:
            yield from _tensors(part, depth + 1)


def statistics(norms: Iterable[nn.Module]) -> list[torch.Tensor]:
    """Copies of the norms' buffers, except of lazy norms that have no values yet."""
    return [
        buffer.clone()
        for module in norms
        for buffer in module.buffers(recurse=False)
        if not is_lazy(buffer) and not buffer.is_meta
    ]


def _bits(values: torch.Tensor) -> torch.Tensor:
    """The bytes of a tensor: after a training that diverged, NaN is not equal to itself."""
    return values.reshape(-1).view(torch.uint8)
