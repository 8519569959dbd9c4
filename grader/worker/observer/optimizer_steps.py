"""Counts the steps of optimizers and schedulers, with the parameter groups of each step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Any

from torch import nn
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from grader.worker.observer.applied_steps import Applied

MAX_RATES = 2000   # changes of the learning rate that are kept
# Of the steps that were compared. Lookahead moves the weights by hand in one of five steps.
FEW = 0.25


@dataclass(frozen=True)
class Settings:
    """The parameter groups of an optimizer, as of the latest step with them.

    Attributes:
        optimizer: the class name.
        groups: the groups, with the settings that were applied.
        doubt: "" or why the groups may not tell what was decayed: "unexplained", if weights changed
            otherwise than by gradients and weight decay; "another", if steps with another weight
            decay moved the same parameters further.
    """

    optimizer: str
    groups: list[dict[str, Any]]
    doubt: str = ""


class _Used:
    """Groups that steps were taken with, and what was found in the steps that were compared."""

    def __init__(self) -> None:
        self.latest: Applied | None = None
        self.steps = self.compared = self.unexplained = 0
        self.moved = 0.0
        self.kinds: dict[int, Counter[str]] = {}
        self.decays: dict[int, float] = {}

    def add(self, applied: Applied) -> None:
        self.latest = applied
        # A step with a learning rate of zero does not count beside others.
        self.steps += any(float(group["lr"]) for group in applied.groups)
        if applied.moved is None and applied.explained:
            return
        self.compared += 1
        self.unexplained += not applied.explained
        self.moved += applied.moved or 0.0
        for key, finding in applied.findings.items():
            self.kinds.setdefault(key, Counter())[finding.kind] += 1
            if finding.kind == "decayed":
                self.decays[key] = finding.decay

    @property
    def distance(self) -> float:
        """The length of all steps, estimated from those that were compared."""
        return self.steps * self.moved / self.compared if self.compared else 0.0

    @property
    def is_unexplained(self) -> bool:
        return self.unexplained > FEW * self.compared

    def settings(self) -> Settings:
        """The groups, with weight decay as it was found where the student's own code applies it."""
        assert self.latest is not None
        groups = []
        for group in self.latest.groups:
            parts: dict[float, list[Any]] = {}
            for parameter in group["params"]:
                decay = self._decay(id(parameter), group)
                parts.setdefault(decay, []).append(parameter)
            groups += [
                {**group, "weight_decay": decay, "params": params}
                for decay, params in (parts or {float(group.get("weight_decay", 0.0)): []}).items()
            ]
        return Settings(self.latest.optimizer, groups, "unexplained" * self.is_unexplained)

    def _decay(self, key: int, group: dict[str, Any]) -> float:
        shown = float(group.get("weight_decay", 0.0))
        kinds = self.kinds.get(key, Counter())
        told = kinds["decayed"] + kinds["spared"]
        if told <= FEW * sum(kinds.values()):
            return shown
        if kinds["spared"] > kinds["decayed"]:
            return 0.0
        return shown or float(f"{self.decays[key] / (float(group['lr']) or 1.0):.1g}")


class OptimizerSteps:
    """The steps of all optimizers.

    `count` is the number of steps, `lr` the learning rate of the latest step, and `rates` has
    (step, learning rate) for each change of it. `schedulers` counts steps by class name.
    """

    def __init__(self) -> None:
        self.count = 0
        self.lr: float | None = None
        self.rates: list[tuple[int, float]] = []
        self.schedulers: Counter[str] = Counter()
        self._used: dict[Hashable, _Used] = {}

    def install(self) -> None:
        """Count the steps of schedulers. Optimizers have a hook of torch's own, for `add`."""
        for scheduler in (LRScheduler, ReduceLROnPlateau):
            scheduler.step = _counting(scheduler.step, self.schedulers)  # type: ignore[method-assign]  # there is no hook for this

    def add(self, applied: Applied) -> None:
        """Count a step of an optimizer."""
        self.count += 1
        lr = float(applied.groups[0]["lr"]) if applied.groups else 0.0
        if lr != self.lr and len(self.rates) < MAX_RATES:
            self.rates.append((self.count, lr))
        self.lr = lr
        # The key has the parameters of each group and its weight decay, on or off. Everything else
        # may be scheduled.
        which = tuple(
            (bool(group.get("weight_decay")), *map(id, group["params"])) for group in applied.groups
        )
        self._used.setdefault(which, _Used()).add(applied)

    def settings(self, network: nn.Module) -> Settings | None:
        """The settings of most steps on a network, of equally many the later; None without steps.

        An optimizer that never stepped has no settings, and changes to its groups after the last
        step have no effect. Optimizers that share the parameters are returned as one. Where no
        optimizer has a parameter of the network, the others count.
        """
        own = {id(parameter) for parameter in network.parameters()}
        all_used = [(used, used.settings()) for used in self._used.values()]
        known = [(used, one) for used, one in all_used if _ids(one.groups) & own] or all_used
        known.reverse()
        known.sort(key=lambda pair: -pair[0].steps)
        if not known:
            return None
        most = known[0][0].steps
        chosen: list[Settings] = []
        others: list[tuple[_Used, Settings]] = []
        taken: set[int] = set()
        for used, one in known:
            ids = _ids(one.groups)
            # An optimizer with few steps beside one with many is no part of it.
            if not ids & taken and 2 * used.steps >= most:
                chosen.append(one)
                taken |= ids
            else:
                others.append((used, one))
        groups = [group for one in chosen for group in one.groups]
        furthest = max(used.distance for used, one in known if one in chosen)
        rivals = [one for used, one in others if used.distance > furthest]
        doubts = [one.doubt for one in chosen if one.doubt]
        doubts += ["another" for one in rivals if _differ(groups, one.groups)]
        names = dict.fromkeys(one.optimizer for one in chosen)
        return Settings(" and ".join(names), groups, next(iter(doubts), ""))


def _differ(groups: Iterable[dict[str, Any]], others: Iterable[dict[str, Any]]) -> bool:
    """True if a parameter is decayed in the one and not in the other."""
    one, other = _decayed(groups), _decayed(others)
    return any(one[key] != other[key] for key in one.keys() & other.keys())


def _decayed(groups: Iterable[dict[str, Any]]) -> dict[int, bool]:
    return {id(p): bool(group.get("weight_decay")) for group in groups for p in group["params"]}


def _ids(groups: Iterable[dict[str, Any]]) -> set[int]:
    return {id(parameter) for group in groups for parameter in group["params"]}


def _counting(step: Any, counts: Counter[str]) -> Any:
    def counted(self: Any, *args: Any, **kwargs: Any) -> Any:
        counts[type(self).__name__] += 1
        return step(self, *args, **kwargs)

    counted.__wrapped__ = step  # type: ignore[attr-defined]  # for inspect.signature
    return counted
