"""Counts the steps of optimizers and schedulers, with the parameter groups of each step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Any

from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

MAX_RATES = 2000   # changes of the learning rate that are kept


@dataclass(frozen=True)
class Settings:
    """The class name and parameter groups of an optimizer, as of the latest step with them."""

    optimizer: str
    groups: list[dict[str, Any]]


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
        self._settings: dict[Hashable, Settings] = {}
        self._with_settings: Counter[Hashable] = Counter()

    def install(self) -> None:
        """Count the steps of schedulers. Optimizers have a hook of torch's own, for `add`."""
        for scheduler in (LRScheduler, ReduceLROnPlateau):
            scheduler.step = _counting(scheduler.step, self.schedulers)  # type: ignore[method-assign]  # there is no hook for this

    def add(self, optimizer: Optimizer) -> None:
        """Count a step of an optimizer."""
        self.count += 1
        lr = float(optimizer.param_groups[0]["lr"])
        if lr != self.lr and len(self.rates) < MAX_RATES:
            self.rates.append((self.count, lr))
        self.lr = lr
        groups = [{**group, "params": list(group["params"])} for group in optimizer.param_groups]
        # The key has the parameters of each group and its weight decay, on or off. Everything else
        # may be scheduled.
        which = tuple(
            (bool(group.get("weight_decay")), *map(id, group["params"])) for group in groups
        )
        self._settings[which] = Settings(type(optimizer).__name__, groups)
        # A step with a learning rate of zero does not count beside others.
        self._with_settings[which] += any(float(group["lr"]) for group in groups)

    def settings(self, network: nn.Module) -> Settings | None:
        """The settings of most steps on a network, of equally many the later; None without steps.

        An optimizer that never stepped has no settings, and changes to its groups after the last
        step have no effect. Optimizers that share the parameters are returned as one. Where no
        optimizer has a parameter of the network, the others count.
        """
        own = {id(parameter) for parameter in network.parameters()}
        used = [which for which in self._settings if _ids(self._settings[which].groups) & own]
        used = used or list(self._settings)
        used.reverse()
        used.sort(key=lambda which: -self._with_settings[which])
        if not used:
            return None
        most = self._with_settings[used[0]]
        chosen: list[Settings] = []
        taken: set[int] = set()
        for which in used:
            settings = self._settings[which]
            ids = _ids(settings.groups)
            # An optimizer with few steps beside one with many is no part of it.
            if not ids & taken and 2 * self._with_settings[which] >= most:
                chosen.append(settings)
                taken |= ids
        names = dict.fromkeys(settings.optimizer for settings in chosen)
        return Settings(" and ".join(names), [g for one in chosen for g in one.groups])


def _ids(groups: Iterable[dict[str, Any]]) -> set[int]:
    return {id(parameter) for group in groups for parameter in group["params"]}


def _counting(step: Any, counts: Counter[str]) -> Any:
    def counted(self: Any, *args: Any, **kwargs: Any) -> Any:
        counts[type(self).__name__] += 1
        return step(self, *args, **kwargs)

    counted.__wrapped__ = step  # type: ignore[attr-defined]  # for inspect.signature
    return counted
