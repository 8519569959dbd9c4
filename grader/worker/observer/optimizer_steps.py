"""The steps that optimizers took, and with which groups."""

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
    """Optimizers' groups as they were in the latest of the steps that were taken with them."""

    optimizer: str
    groups: list[dict[str, Any]]


class Steps:
    """What was stepped, and how. `count` is of all steps, `lr` of the latest one, and `rates` has
    (step, learning rate) for each change of it."""

    def __init__(self) -> None:
        self.count = 0
        self.lr: float | None = None
        self.rates: list[tuple[int, float]] = []
        self.schedulers: Counter[str] = Counter()
        self._settings: dict[Hashable, Settings] = {}
        self._with_settings: Counter[Hashable] = Counter()

    def install(self) -> None:
        """Count the steps of schedulers; those of optimizers have a hook of torch's own."""
        for scheduler in (LRScheduler, ReduceLROnPlateau):
            scheduler.step = _counting(scheduler.step, self.schedulers)  # type: ignore[method-assign]  # there is no hook for this

    def add(self, optimizer: Optimizer) -> None:
        self.count += 1
        lr = float(optimizer.param_groups[0]["lr"])
        if lr != self.lr and len(self.rates) < MAX_RATES:
            self.rates.append((self.count, lr))
        self.lr = lr
        groups = [{**group, "params": list(group["params"])} for group in optimizer.param_groups]
        # Which parameters are in which group, and whether it is decayed: the rest may be scheduled.
        which = tuple(
            (bool(group.get("weight_decay")), *map(id, group["params"])) for group in groups
        )
        self._settings[which] = Settings(type(optimizer).__name__, groups)
        # A step of no length counts for nothing beside others.
        self._with_settings[which] += any(float(group["lr"]) for group in groups)

    def settings(self, network: nn.Module) -> Settings | None:
        """Those that most steps on this network were taken with; of equals, the later ones.

        An optimizer that was made and not used tells nothing, nor do groups that were changed when
        all was over. Optimizers that share the parameters out between them are told as one.
        """
        own = {id(parameter) for parameter in network.parameters()}
        used = [which for which in self._settings if _ids(self._settings[which].groups) & own]
        used = used or list(self._settings)   # optimizers were stepped, and all of another network
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
            # An optimizer of a few steps beside one of many is no part of it.
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

    counted.__wrapped__ = step  # type: ignore[attr-defined]  # what inspect.signature looks for
    return counted
