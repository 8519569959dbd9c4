"""Keeps account of what each network was trained on, whatever module it is called through.

A budget belongs to weights. Modules that share parameters have one account, in which a step counts
with the most images that one of them was passed. A network whose weights were made of another's
goes on with that account: copies, also scaled ones, loaded checkpoints, a backbone with a new head.
Networks that begin apart have accounts of their own; the seconds are shared by all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from grader.worker.observer.gradients import GradientCalls, Gradients
from grader.worker.observer.networks import ObservedNetwork
from grader.worker.observer.weight_trace import WeightTrace


@dataclass(eq=False)
class _Account:
    """The images of networks that share parameters; `counted` are those of each, by id."""

    images: int = 0
    counted: dict[int, int] = field(default_factory=dict)

    def update(self, networks: list[ObservedNetwork]) -> None:
        """Count the images since the latest update: the most of any of the networks."""
        new = [one.images - self.counted.get(id(one), 0) for one in networks]
        self.images += max(new, default=0)
        self.counted |= {id(one): one.images for one in networks}


@dataclass(eq=False)
class _Entry:
    network: ObservedNetwork
    account: _Account
    trace: WeightTrace | None = None
    gradients: Gradients | None = None
    backward_passes: int = 0
    by_steps: bool = False   # an optimizer changes the weights, and no code of the student's own


class Ledger:
    """The accounts of all networks."""

    def __init__(self) -> None:
        self._calls = GradientCalls()
        self._entries: dict[int, _Entry] = {}

    def install(self) -> None:
        """Number the calls of autograd."""
        self._calls.install()

    def add(self, network: ObservedNetwork) -> None:
        """Open the account of a network, or join those of networks that share its parameters."""
        joined = [one for one in self._entries.values()
                  if not one.network.parameters.isdisjoint(network.parameters)]
        accounts = list({id(one.account): one.account for one in joined}.values())
        account = max(accounts, key=lambda one: one.images, default=_Account())
        for other in accounts:
            account.counted |= other.counted
        for one in self._entries.values():
            if one.account in accounts:
                one.account = account
        self._entries[id(network)] = _Entry(network, account)

    def images(self, network: ObservedNetwork) -> int:
        """Images that the weights of a network were trained on."""
        entry = self._entries.get(id(network))
        return network.images if entry is None else max(entry.account.images, network.images)

    def pass_begins(self, network: ObservedNetwork) -> None:
        """Note a pass: weights that code of the student's own changes were changed by now."""
        entry = self._entries.get(id(network))
        if entry is None:
            return
        if entry.trace is not None and not entry.by_steps:
            entry.trace.ends()
        self._update(entry.account)

    def goes_backward(self, network: ObservedNetwork) -> None:
        """Note that a pass goes backward."""
        entry = self._entries.get(id(network))
        if entry is None:
            return
        entry.backward_passes += 1
        if entry.trace is None or entry.gradients is None:
            entry.trace = WeightTrace(network.module)
            entry.gradients = Gradients(network.module, self._calls)
            self._continue(entry)
        entry.gradients.goes_backward()
        if not entry.by_steps:
            self._begin(entry)

    def step_begins(self, parameters: set[int]) -> None:
        """Note that an optimizer with these parameters begins a step."""
        for entry in self._of(parameters):
            entry.by_steps = True
            self._begin(entry)

    def step_ends(self, parameters: set[int]) -> None:
        """Note that an optimizer with these parameters has taken a step."""
        for entry in self._of(parameters):
            if entry.trace is not None:
                entry.trace.ends()
            self._update(entry.account)

    def facts(self, network: ObservedNetwork, predicting: nn.Module) -> dict[str, Any]:
        """Describe what was not seen of a training, as plain data.

        Args:
            network: the network that was trained; it may have been joined of several.
            predicting: the state of it that predicts.

        Returns:
            `astray`: see `WeightTrace`; `times`: changes of weights outside of steps; `gradients`:
            calls that computed gradients without a pass that was seen; `backward_passes`;
            `images`: images that the weights were trained on.
        """
        parts = [one for one in self._entries.values()
                 if one.trace is not None and one.network.parameters <= network.parameters]
        astray, times = [0.0], 0
        for one in parts:
            assert one.trace is not None
            one.trace.ends()
            whole = one.network.parameters == network.parameters
            astray.append(one.trace.astray(predicting if whole else one.network.module))
            times += one.trace.times
        return {
            "astray": max(astray),
            "times": times,
            "gradients": sum(one.gradients.unseen for one in parts if one.gradients is not None),
            "backward_passes": sum(one.backward_passes for one in parts),
            "images": max((self.images(one.network) for one in parts), default=network.images),
        }

    def _begin(self, entry: _Entry) -> None:
        if entry.trace is not None and entry.trace.begins():
            self._continue(entry)

    def _continue(self, entry: _Entry) -> None:
        """Go on with the account of another network, if the weights were made of that one's."""
        for other in self._entries.values():
            if other.trace is None or other.account is entry.account:
                continue
            if other.trace.is_continued_by(entry.network.module):
                # That network may be trained further, on an account of its own.
                before = other.account.images
                entry.account.images = max(entry.account.images, before + entry.network.images)

    def _of(self, parameters: set[int]) -> Iterator[_Entry]:
        for entry in self._entries.values():
            if not entry.network.parameters.isdisjoint(parameters):
                yield entry

    def _update(self, account: _Account) -> None:
        account.update([one.network for one in self._entries.values() if one.account is account])
