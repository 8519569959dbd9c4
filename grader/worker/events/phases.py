"""A network as its events tell of it, with the phases that its passes are grouped into.

A phase is a run of consecutive passes of one kind over one set of data: an epoch of training, or an
evaluation.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from grader.worker.events.beginning import Window, add_first
from grader.worker.events.kinds import PassEnded

MAX_PHASES = 600
NAME, TENSOR, TRAINABLE = 0, 3, 4   # places in a row of `networks.describe`
_FIELDS = (
    "kind", "after_steps", "passes", "images", "norms_training", "norms_evaluating",
    "dropouts_training", "with_gradients", "seen", "correct", "loss", "lr", "statistics_moved",
    "ended_at", "place",
)


@dataclass
class Phase:
    """Consecutive passes of one kind ("train" or "evaluate") through one network.

    Attributes:
        after_steps: optimizer steps that the network had taken before the phase.
        place: the student's line that called the network first.
        loader, data, epoch: the loader, its data set, and the loader's epoch.
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
    after_steps: int = 0
    place: str = ""
    loader: int = 0
    data: int = 0
    epoch: int = 0
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

    def add(self, one: PassEnded) -> None:
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
            self.correct += one.correct

    def continues(self, kind: str, one: PassEnded) -> bool:
        """True if a pass of this kind belongs to the phase."""
        return (self.kind, self.loader, self.epoch) == (kind, one.loader, one.epoch)


@dataclass(eq=False)
class Network:
    """A network by its events.

    Attributes:
        numbers: its number, or those of its parts.
        alike: the same for networks whose parameters have the same names and shapes.
        rows: those of the latest description; a parameter that was trainable once stays so.
        parameters: the numbers of all parameters that it ever had.
        steps: optimizer steps that followed a backward pass through the network.
        images: images that it was trained on.
        fresh: a backward pass was seen since the last step.
        data: the data set that it was trained on last.
        first: its first images.
        earlier: the network with whose weights its training goes on, in most of its tensors.
        whole: it goes on with them in all of its tensors.
    """

    numbers: tuple[int, ...] = ()
    alike: str = ""
    rows: list[list[Any]] = field(default_factory=list)
    parameters: set[int] = field(default_factory=set)
    phases: list[Phase] = field(default_factory=list)
    steps: int = 0
    images: int = 0
    backward_passes: int = 0
    fresh: bool = False
    data: int = 0
    first: list[Window] = field(default_factory=list)
    earlier: Network | None = None
    whole: bool = False

    @property
    def windows(self) -> list[Window]:
        """The first images by which it is seen whether the weights were learnt here.

        A network with a new last layer guesses at first. How fast it learns then is no news, so the
        training that it goes on with is shown in its place.
        """
        shown: list[Window] = []
        for one in reversed([self, *self.earliers]):
            if one.earlier is None:
                shown = one.first
            elif not one.whole:
                shown = [*one.first[:1], *shown[1:]]
        return shown

    @property
    def earliers(self) -> list[Network]:
        """The networks with whose weights it goes on, the latest first."""
        found: list[Network] = []
        one = self.earlier
        while one is not None:
            found.append(one)
            one = one.earlier
        return found

    @property
    def names(self) -> dict[int, str]:
        """The names of the parameters by number."""
        found: dict[int, str] = {}
        for row in self.rows:
            found.setdefault(row[TENSOR], row[NAME])
        return found

    @property
    def progress(self) -> int:
        """Steps, or backward passes for a network that is trained without an optimizer."""
        return self.steps or self.backward_passes

    def describe(self, alike: str, rows: list[list[Any]]) -> None:
        """Replace the description, but for which parameters were trainable."""
        before = {row[TENSOR] for row in self.rows if row[TRAINABLE]}
        self.alike = alike
        self.rows = [
            [*row[:TRAINABLE], row[TRAINABLE] or row[TENSOR] in before, *row[TRAINABLE + 1 :]]
            for row in rows
        ]
        self.parameters |= {row[TENSOR] for row in rows}

    def add(
        self, one: PassEnded, kind: str, after_steps: int, order: int, lr: float | None
    ) -> None:
        """Add a pass whose kind is known by now to its phase.

        Args:
            one: the pass.
            kind: "train" or "evaluate".
            after_steps: the network's progress before the pass.
            order: its number among the passes of all networks.
            lr: the learning rate of the latest step.
        """
        phase = self.phases[-1] if self.phases else None
        if phase is None or not phase.continues(kind, one):
            # Later phases are counted with the last of their kind, so that none is left out.
            alike = [last for last in self.phases if last.kind == kind]
            if len(self.phases) < MAX_PHASES or not alike:
                new = Phase(kind, after_steps, one.place, one.loader, one.data, one.epoch)
                self.phases.append(new)
                alike.append(new)
            phase = alike[-1]
        phase.add(one)
        add_first(self.first, one, kind, after_steps=after_steps, trained_on=self.images)
        if kind == "train":
            self.images += one.images if one.first_of_batch else 0
            self.data = one.data or self.data
        phase.lr, phase.ended_at, phase.order = lr, self.images, order

    def on_training_data(self, phase: Phase) -> bool:
        """True if an evaluation used the images that the network is trained on."""
        return phase.kind == "evaluate" and phase.data == self.data != 0


def joined(parts: Sequence[Network]) -> Network:
    """Networks that feed each other as one: modes from all, counts and scores from the last."""
    if len(parts) == 1:
        return parts[0]
    last = parts[-1]
    found = Network(
        tuple(number for part in parts for number in part.numbers),
        parameters=set().union(*(part.parameters for part in parts)),
        phases=[_with_modes_of(phase, parts[:-1], at) for at, phase in enumerate(last.phases)],
        steps=max(part.steps for part in parts),
        images=last.images,
        backward_passes=last.backward_passes,
        data=last.data or parts[0].data,
        first=last.windows,
    )
    for position, part in enumerate(parts):   # as in CompositeNetwork
        found.rows += [[f"parts.{position}.{row[NAME]}", *row[1:]] for row in part.rows]
    return found


def _with_modes_of(phase: Phase, others: Sequence[Network], at: int) -> Phase:
    """A phase of the last part, with the modes of the other parts in the same phase."""
    rows = [one.phases[at] for one in others if at < len(one.phases)]
    rows = [row for row in rows if (row.kind, row.passes) == (phase.kind, phase.passes)]
    every = [phase, *rows]
    # A part without batch norm or dropout says no more about modes than its flag.
    return dataclasses.replace(
        phase,
        norms_training=max(row.norms_training for row in every),
        norms_evaluating=max(row.norms_evaluating for row in every),
        dropouts_training=max(row.dropouts_training for row in every),
        statistics_moved=any(row.statistics_moved for row in every),
    )


def rows_of(network: Network, copies: Iterable[Network]) -> Iterator[dict[str, Any]]:
    """The phases of a network, and the evaluations of its copies among them, in order."""
    phases = [(phase, network) for phase in network.phases]
    phases += [(phase, copy) for copy in copies for phase in copy.phases]
    trained = sorted((phase.order, phase.ended_at) for phase in network.phases)
    for phase, owner in sorted(phases, key=lambda pair: pair[0].order):
        row = {name: getattr(phase, name) for name in _FIELDS}
        if owner is not network:   # a copy has taken no steps, so the network's progress counts
            before = [ended_at for order, ended_at in trained if order <= phase.order]
            row["after_steps"] = network.progress if before and before[-1] else 0
            row["ended_at"] = before[-1] if before else 0
        yield row | {"on_training_data": network.on_training_data(phase)}
