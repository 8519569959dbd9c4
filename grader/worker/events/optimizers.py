"""The optimizers of a training, by their events: steps, groups and learning rates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from grader.worker.events.kinds import (
    Grouped,
    Malformed,
    Stepped,
    Tuned,
    finding,
    hyperparameters,
    numbers,
)

MAX_RATES = 2000      # changes of the learning rate that are kept
MAX_SETTINGS = 1000
# Of the steps that were compared. Lookahead moves the weights by hand in one of five steps.
FEW = 0.25
MAX_NUMBERS = 200_000   # parameters in the groups of all settings
MAX_SCHEDULERS = 100


@dataclass(frozen=True)
class Settings:
    """The parameter groups of an optimizer, by number, with their hyperparameters.

    Attributes:
        optimizer: the class name.
        groups: (numbers of the parameters, hyperparameters that were applied) each.
        doubt: "" or why the groups may not tell what was decayed: "unexplained", if weights changed
            otherwise than by gradients and weight decay; "another", if steps with another weight
            decay moved the same parameters further.
    """

    optimizer: str
    groups: list[tuple[list[int], dict[str, float]]]
    doubt: str = ""

    @property
    def parameters(self) -> set[int]:
        return {number for numbers, _ in self.groups for number in numbers}

    @property
    def decayed(self) -> dict[int, bool]:
        """True for each parameter with weight decay."""
        return {
            number: bool(tuned["weight_decay"])
            for numbers, tuned in self.groups for number in numbers
        }  # fmt: skip


class _Used:
    """Groups that steps were taken with, and what was found in the steps that were compared."""

    def __init__(self, optimizer: str, groups: list[list[int]]) -> None:
        self.optimizer, self.groups = optimizer, groups
        self.parameters = {number for group in groups for number in group}
        self.tuned: list[dict[str, float]] | None = None
        self.taken = self.steps = self.compared = self.unexplained = 0
        self.moved = 0.0
        self.kinds: dict[int, Counter[str]] = {}
        self.decays: dict[int, float] = {}

    def add(self, event: Stepped) -> None:
        """Count a step."""
        if self.tuned is None:
            raise Malformed("a step without hyperparameters")
        found = [finding(one) for one in event.findings]
        self.taken += 1
        # A step with a learning rate of zero does not count beside others.
        self.steps += any(group["lr"] for group in self.tuned)
        if not event.compared:
            return
        self.compared += 1
        self.unexplained += not event.explained
        self.moved += event.moved
        for number, kind, decay in found:
            if number in self.parameters:
                self.kinds.setdefault(number, Counter())[kind] += 1
                self.decays[number] = decay if kind == "decayed" else self.decays.get(number, 0.0)

    @property
    def distance(self) -> float:
        """The length of all steps, estimated from those that were compared."""
        return self.steps * self.moved / self.compared if self.compared else 0.0

    def settings(self) -> Settings:
        """The groups, with weight decay as it was found where the student's own code applies it."""
        groups = []
        for group, tuned in zip(self.groups, self.tuned or (), strict=True):
            parts: dict[float, list[int]] = {}
            for number in group:
                parts.setdefault(self._decay(number, tuned), []).append(number)
            groups += [
                (numbers, {**tuned, "weight_decay": decay})
                for decay, numbers in (parts or {tuned["weight_decay"]: []}).items()
            ]
        unexplained = self.unexplained > FEW * self.compared
        return Settings(self.optimizer, groups, "unexplained" * unexplained)

    def _decay(self, number: int, tuned: dict[str, float]) -> float:
        shown = tuned["weight_decay"]
        kinds = self.kinds.get(number, Counter())
        told = kinds["decayed"] + kinds["spared"]
        if told <= FEW * sum(kinds.values()):
            return shown
        if kinds["spared"] > kinds["decayed"]:
            return 0.0
        return shown or float(f"{self.decays[number] / (tuned['lr'] or 1.0):.1g}")


class Optimizers:
    """The steps of all optimizers.

    `count` is the number of steps, `lr` the learning rate of the latest step, and `rates` has
    (step, learning rate) for each change of it. `schedulers` are class names.
    """

    def __init__(self) -> None:
        self.count = 0
        self.lr: float | None = None
        self.rates: list[tuple[int, float]] = []
        self.schedulers: dict[str, None] = {}
        self._used: dict[int, _Used] = {}
        self._size = 0

    def group(self, event: Grouped) -> None:
        """Learn the settings of an optimizer; settings that are known stay as they are."""
        groups = [numbers(group) for group in event.groups]
        self._size += sum(map(len, groups)) + len(groups)
        full = len(self._used) >= MAX_SETTINGS or self._size > MAX_NUMBERS
        if event.settings in self._used or full:
            raise Malformed("optimizer settings that are known, or too many")
        self._used[event.settings] = _Used(event.optimizer, groups)

    def tune(self, event: Tuned) -> None:
        """Learn the hyperparameters of an optimizer's groups."""
        used = self._known(event.settings)
        if len(event.groups) != len(used.groups):
            raise Malformed("hyperparameters of other groups")
        used.tuned = [hyperparameters(group) for group in event.groups]

    def step(self, event: Stepped) -> set[int]:
        """Count a step; returns the parameters of the optimizer."""
        used = self._known(event.settings)
        used.add(event)
        self.count += 1
        lr = used.tuned[0]["lr"] if used.tuned else 0.0
        if lr != self.lr and len(self.rates) < MAX_RATES:
            self.rates.append((self.count, lr))
        self.lr = lr
        return used.parameters

    def schedule(self, scheduler: str) -> None:
        """Note that a scheduler took a step."""
        if len(self.schedulers) < MAX_SCHEDULERS:
            self.schedulers[scheduler] = None

    def of(self, parameters: set[int]) -> Settings | None:
        """The settings of most steps on these parameters, of equally many the later; None without.

        An optimizer that never stepped has no settings, and changes to its groups after the last
        step have no effect. Optimizers that share the parameters are returned as one. Where no
        optimizer has any of the parameters, the others count.
        """
        every = [(used, used.settings()) for used in self._used.values() if used.taken]
        known = [(used, one) for used, one in every if used.parameters & parameters] or every
        known.reverse()
        known.sort(key=lambda pair: -pair[0].steps)
        if not known:
            return None
        most = known[0][0].steps
        chosen: list[tuple[_Used, Settings]] = []
        others: list[tuple[_Used, Settings]] = []
        taken: set[int] = set()
        for used, one in known:
            # An optimizer with few steps beside one with many is no part of it.
            part = not used.parameters & taken and 2 * used.steps >= most
            (chosen if part else others).append((used, one))
            taken |= used.parameters if part else set()
        names = dict.fromkeys(one.optimizer for _, one in chosen)
        whole = Settings(
            " and ".join(names), [group for _, one in chosen for group in one.groups]
        )
        furthest = max(used.distance for used, _ in chosen)
        rivals = [one for used, one in others if used.distance > furthest]
        doubts = [one.doubt for _, one in chosen if one.doubt]
        doubts += ["another" for one in rivals if _differ(whole, one)]
        return replace(whole, doubt=next(iter(doubts), ""))

    def _known(self, number: int) -> _Used:
        if number not in self._used:
            raise Malformed("unknown optimizer settings")
        return self._used[number]


def _differ(one: Settings, other: Settings) -> bool:
    """True if a parameter is decayed in the one and not in the other."""
    mine, its = one.decayed, other.decayed
    return any(mine[number] != its[number] for number in mine.keys() & its.keys())


def described(
    used: Settings, names: Mapping[int, str], penalised: Iterable[int]
) -> dict[str, Any]:
    """Describe the optimizer of a network, as `probes.optimizer.describe` does.

    Args:
        used: its settings.
        names: the network's parameters by number; others are `foreign`.
        penalised: the numbers of the parameters that were in a penalty.
    """
    groups = []
    for group, tuned in used.groups:
        known = [names[number] for number in group if number in names]
        groups.append({"names": known, "foreign": len(group) - len(known), **tuned})
    return {
        "optimizer": used.optimizer,
        "groups": groups,
        "penalised": [names[number] for number in penalised if number in names],
        "doubt": used.doubt,
    }
