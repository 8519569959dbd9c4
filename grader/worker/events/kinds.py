"""The kinds of events of a training, and how they are written and read.

Networks, optimizer settings, parameters, loaders, data sets and passes have numbers, from 1 on; 0
is none.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_type_hints

MAX_TEXT = 500
_MOST_HYPERPARAMETERS = 20


class Malformed(ValueError):
    """An event that the grader's own code does not write; the text says why."""


@dataclass(frozen=True)
class Event:
    """Something that happened in a training."""


@dataclass(frozen=True)
class Described(Event):
    """The parameters of a network, as they are now.

    Attributes:
        alike: the same for networks whose parameters have the same names and shapes.
        rows: those of `networks.describe`, with the parameter's number as that of the tensor.
    """

    network: int
    alike: str
    rows: list[Any]


@dataclass(frozen=True)
class PassEnded(Event):
    """A forward pass through a network; sent again if more of the same pass was seen.

    Attributes:
        number: the number of the pass, one more than that of the pass before.
        images: the number of images in the input.
        first_of_batch: false for a second view of images that were just passed.
        in_train_mode: a batch norm was in training mode as it was called.
        dropouts: the number of dropout layers in training mode.
        gradients: gradients were recorded.
        moved: running statistics changed, although it cannot be a training pass.
        waits: a backward pass can follow.
        place: the student's line that called the network.
        loader, data, epoch: the loader that gave out the batch, its data set, the loader's epoch.
        scored: `loss` (nats) and `correct`, both summed over the images, are known.
        classes: the number of images of each class, for the first images of a network.
    """

    number: int
    network: int
    images: int
    first_of_batch: bool
    in_train_mode: bool
    dropouts: int
    gradients: bool
    moved: bool
    waits: bool
    place: str
    loader: int
    data: int
    epoch: int
    scored: bool
    loss: float
    correct: int
    classes: list[int]


@dataclass(frozen=True)
class WentBackward(Event):
    """A backward pass went through the forward pass `number` of a network."""

    number: int
    network: int


@dataclass(frozen=True)
class Continued(Event):
    """The training of a network goes on with weights of another one: `whole` is with all of them.
    """

    network: int
    other: int
    whole: bool


@dataclass(frozen=True)
class Penalised(Event):
    """Parameters on which a loss depends by itself."""

    parameters: list[int]


@dataclass(frozen=True)
class Grouped(Event):
    """Settings of an optimizer: the parameters of each group, by number."""

    settings: int
    optimizer: str
    groups: list[Any]


@dataclass(frozen=True)
class Tuned(Event):
    """The hyperparameters of each group of an optimizer's settings, from the next step on."""

    settings: int
    groups: list[Any]


@dataclass(frozen=True)
class Stepped(Event):
    """An optimizer took a step with these settings.

    Attributes:
        compared: the weights were compared before and after, or two calls of torch's step differ.
        explained: gradients and weight decay explain how they changed.
        moved: the length of the change.
        findings: [number of a parameter, kind, decay] each; see `observer.updates.Finding`.
    """

    settings: int
    compared: bool
    explained: bool
    moved: float
    findings: list[Any]


@dataclass(frozen=True)
class Scheduled(Event):
    """A scheduler took a step, other than the one of its constructor."""

    scheduler: str


@dataclass(frozen=True)
class Stopped(Event):
    """The training is stopped by one of its limits."""

    why: str


@dataclass(frozen=True)
class Finished(Event):
    """The training has ended; nothing that happens afterwards is a part of it."""


_KINDS = {one.__name__: one for one in Event.__subclasses__()}
_FIELDS = {name: get_type_hints(one) for name, one in _KINDS.items()}
_FINDINGS = ("decayed", "spared", "unknown", "unexplained")
_NOT_FINITE = ("nan", "inf", "-inf")


def written(event: Event) -> list[Any]:
    """An event as plain data without NaN and infinities, which are written as text."""
    return [type(event).__name__, {key: _plain(value) for key, value in vars(event).items()}]


def read(data: Any) -> Event:
    """The event that `written` wrote. Raises Malformed for anything else."""
    kind, fields = data if isinstance(data, list) and len(data) == 2 else (None, None)
    if not isinstance(kind, str) or kind not in _KINDS or not isinstance(fields, dict):
        raise Malformed("no event")
    hints = _FIELDS[kind]
    if fields.keys() != hints.keys():
        raise Malformed(f"{kind} with the fields {sorted(fields)}"[:MAX_TEXT])
    return _KINDS[kind](**{key: _read(value, hints[key]) for key, value in fields.items()})


def _plain(value: Any) -> Any:
    if type(value) is float and not math.isfinite(value):
        return str(value)
    if type(value) is str:   # a frame must not carry lone surrogates
        return value[:MAX_TEXT].encode("utf-8", "replace").decode("utf-8")
    if type(value) is list:
        return [_plain(one) for one in value]
    if type(value) is dict:
        return {key: _plain(one) for key, one in value.items()}
    return value


def _read(value: Any, wanted: Any) -> Any:
    if wanted is float:
        return number(value)
    if wanted is int and type(value) is int and 0 <= value < 2**53:
        return value
    if wanted is bool and type(value) is bool:
        return value
    if wanted is str and type(value) is str and len(value) <= MAX_TEXT:
        return value
    if wanted not in (int, bool, str) and type(value) is list:
        if wanted == list[int]:
            return [_read(one, int) for one in value]
        return value   # its reader checks what is in it
    raise Malformed(f"{value!r:.60} for {wanted}")


def number(value: Any) -> float:
    """A number that `written` wrote. Raises Malformed for anything else."""
    if type(value) in (int, float):
        return float(value)
    if value in _NOT_FINITE:
        return float(value)
    raise Malformed(f"{value!r:.60} is no number")


def numbers(value: Any) -> list[int]:
    """A list of numbers of parameters. Raises Malformed for anything else."""
    if type(value) is not list:
        raise Malformed("no list of numbers")
    return [_read(one, int) for one in value]


def hyperparameters(value: Any) -> dict[str, float]:
    """The hyperparameters of a group. Raises Malformed for anything else."""
    known = isinstance(value, Mapping) and {"lr", "weight_decay"} <= value.keys()
    if not known or len(value) > _MOST_HYPERPARAMETERS:
        raise Malformed("no hyperparameters")
    return {_read(key, str): number(one) for key, one in value.items()}


def finding(value: Any) -> tuple[int, str, float]:
    """A finding on a parameter: its number, the kind, the decay. Raises Malformed otherwise."""
    if type(value) is not list or len(value) != 3 or value[1] not in _FINDINGS:
        raise Malformed("no finding")
    return _read(value[0], int), _read(value[1], str), number(value[2])
