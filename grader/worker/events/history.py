"""The history of a training: what follows from its events, in the order in which they came."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from grader.worker.events.kinds import (
    MAX_TEXT,
    Continued,
    Described,
    Event,
    Finished,
    Grouped,
    Malformed,
    PassEnded,
    Penalised,
    Scheduled,
    Stepped,
    Stopped,
    Tuned,
    WentBackward,
    read,
)
from grader.worker.events.optimizers import Optimizers, described
from grader.worker.events.phases import Network, joined, rows_of

# Only the next step shows whether passes that record gradients belong to an evaluation.
MAX_PENDING = 5000
MAX_NETWORKS = 200
MAX_ROWS = 100_000    # parameters of all networks
MOST = 64             # dimensions of a parameter, and classes of its owner
_ROWS = [[str, str, shape, int, bool, list] for shape in (list, type(None))]
MAX_RATES = 400       # changes of the learning rate that are reported
SUBSTANTIAL = 0.25    # of the most steps: fewer were a search for a learning rate, or a first try


@dataclass
class _Pending:
    """A pass whose kind is not known yet."""

    event: PassEnded
    network: Network
    after_steps: int
    backward: bool = False


class History:
    """The knowledge of a training, event by event.

    Attributes:
        networks: the networks by number.
        optimizers: their steps and settings.
        penalised: the numbers of the parameters that were in a penalty.
        stopped: the limit that stopped the training.
        latest: the number of the latest pass.
        tampered: events came that the grader's own code does not write.
    """

    def __init__(self) -> None:
        self.networks: dict[int, Network] = {}
        self.optimizers = Optimizers()
        self.penalised: dict[int, None] = {}
        self.stopped: str | None = None
        self.latest = 0
        self.tampered = False
        self._pending: deque[_Pending] = deque()
        self._passes = self._frames = 0
        self._finished = False

    def receive(self, number: Any, events: Any) -> None:
        """Read a message with events, the `number`-th, from a session; never raises."""
        self._frames += 1
        try:
            if number != self._frames or type(events) is not list:
                raise Malformed("a message that is not the next one")
            for event in events:
                self.take(read(event))
        except (Malformed, OverflowError):
            self.tampered = True

    def take(self, event: Event) -> None:
        """Take in the next event. Raises Malformed for one that cannot come next."""
        if self._finished:
            raise Malformed("an event after the end")
        match event:
            case PassEnded():
                self._pass(event)
            case WentBackward():
                self._backward(event)
            case Stepped():
                self._stepped(event)
            case Described():
                self._describe(event)
            case Grouped():
                self.optimizers.group(event)
            case Tuned():
                self.optimizers.tune(event)
            case Penalised():
                if len(self.penalised) < MAX_ROWS:
                    self.penalised |= dict.fromkeys(event.parameters)
            case Scheduled():
                self.optimizers.schedule(event.scheduler)
            case Continued():
                self._continue(event)
            case Stopped():
                self.stopped = event.why
            case Finished():
                self._finish()

    def settle(self, *, all_of_them: bool) -> None:
        """Add the passes whose kind is known to their phases; after a step all are known."""
        while self._pending:
            one = self._pending[0]
            # Without an optimizer there will be no step, so a backward pass has to be enough.
            waits = (one.backward or one.event.waits) and (
                not one.backward or self.optimizers.count > 0
            )
            if waits and not all_of_them and len(self._pending) < MAX_PENDING:
                return
            self._pending.popleft()
            self._passes += 1
            kind = "train" if one.backward else "evaluate"
            one.network.add(
                one.event, kind, one.after_steps, self._passes, self.optimizers.lr
            )

    def network(self, number: int) -> Network:
        """The network with this number, which is new or known. Raises Malformed for too many."""
        if number not in self.networks and len(self.networks) >= MAX_NETWORKS:
            raise Malformed("too many networks")
        return self.networks.setdefault(number, Network((number,)))

    @property
    def waiting(self) -> bool:
        """True if the kind of some pass is not known yet."""
        return bool(self._pending)

    def graded(self, parts: Any) -> Network | None:
        """The network with these numbers, or of these parts; None if it is not one that trained."""
        known = type(parts) is list and bool(parts) and all(
            type(part) is int and part in self.networks for part in parts
        )
        network = joined([self.networks[part] for part in parts]) if known else None
        return network if network is not None and network.progress else None

    def completed(self, value: Mapping[str, Any], network: Network) -> dict[str, Any]:
        """The answer of a session, with what its events tell in place of what it says of them."""
        said = value.get("learnt")
        learnt: dict[str, Any] = {"at_start": None, "moved": None, "likeness": None}
        learnt |= said if isinstance(said, dict) else {}
        learnt |= {"windows": [one.row() for one in network.windows]}
        return {**value, **self.report(network), "learnt": learnt}

    def report(self, network: Network) -> dict[str, Any]:
        """The parts of the answer to a training that follow from its events.

        Args:
            network: the network that is graded.
        """
        if not self._finished:
            self._finish()
        copies = [
            one for one in self.networks.values()
            if not one.backward_passes and one.alike == network.alike
        ]  # fmt: skip
        used = self.optimizers.of(network.parameters)
        names = network.names
        return {
            "runs": list(rows_of(network, copies)),
            "steps": network.steps,
            "stopped": self.stopped,
            "optimizer": described(used, names, self.penalised) | {"structure": network.rows}
            if used else None,
            "schedulers": list(self.optimizers.schedulers),
            "rates": [list(rate) for rate in _some(self.optimizers.rates)],
            "tampered": self.tampered or not self._is_substantial(network),
        }

    def _is_substantial(self, network: Network) -> bool:
        """True if no other network was trained for much longer; parts of this one do not count."""
        others = [
            one for one in self.networks.values() if one.parameters.isdisjoint(network.parameters)
        ]
        most = max((one.steps for one in others), default=0)
        return network.steps >= SUBSTANTIAL * most

    def _describe(self, event: Described) -> None:
        if not all(map(_is_row, event.rows)):
            raise Malformed("no description of a parameter")
        network = self.network(event.network)
        others = sum(len(one.parameters) for one in self.networks.values())
        if others + len(event.rows) > MAX_ROWS:
            raise Malformed("too many parameters")
        network.describe(event.alike, event.rows)

    def _pass(self, event: PassEnded) -> None:
        network = self.networks.get(event.network)
        if network is None:
            raise Malformed("a pass of an unknown network")
        if event.number == self.latest:   # more of the pass that came last
            if self._pending and self._pending[-1].event.number == event.number:
                self._pending[-1].event = event
            return
        if event.number != self.latest + 1:
            raise Malformed("a pass that is not the next one")
        self.latest = event.number
        self.settle(all_of_them=False)
        self._pending.append(_Pending(event, network, network.progress))

    def _backward(self, event: WentBackward) -> None:
        network = self.networks.get(event.network)
        if network is None:
            raise Malformed("a backward pass of an unknown network")
        for one in reversed(self._pending):
            if one.event.number == event.number and one.network is network:
                one.backward = True
                break
        network.backward_passes += 1
        network.fresh = True

    def _continue(self, event: Continued) -> None:
        network, other = self.networks.get(event.network), self.networks.get(event.other)
        if network is None or other is None or network.earlier or network in (
            other, *other.earliers
        ):
            raise Malformed("a continuation that cannot be")
        network.earlier, network.whole = other, event.whole

    def _stepped(self, event: Stepped) -> None:
        parameters = self.optimizers.step(event)
        for network in self.networks.values():
            if network.fresh and not network.parameters.isdisjoint(parameters):
                network.steps += 1
                network.fresh = False
        self.settle(all_of_them=True)

    def _finish(self) -> None:
        if self.optimizers.count:   # gradients without a step after them had another purpose
            self._pending = deque(one for one in self._pending if not one.backward)
        self.settle(all_of_them=True)
        self._finished = True


def _is_row(row: Any) -> bool:
    """True for a row as `networks.describe` writes it, with lists and texts that are short."""
    if type(row) is not list or [type(one) for one in row] not in _ROWS:
        return False
    name, own, shape, _, _, classes = row
    texts = all(type(one) is str and len(one) <= MAX_TEXT for one in (name, own, *classes[:MOST]))
    sizes = all(type(one) is int for one in shape or ())
    return texts and sizes and len(shape or ()) <= MOST and len(classes) <= MOST


def _some(rates: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    step = -(-len(rates) // MAX_RATES) or 1
    return [(number, lr) for number, lr in rates[::step] if abs(lr) < float("inf")]
