"""The steps that optimizers took: on which network, and with which groups."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

from torch import nn
from torch.optim import Optimizer


@dataclass(frozen=True)
class Settings:
    """An optimizer's groups as they were in the latest of the steps that it took with them."""

    optimizer: str
    groups: list[dict[str, Any]]


class Steps:
    """What was stepped, and how. `count` is of all steps, `lr` of the latest one."""

    def __init__(self) -> None:
        self.count = 0
        self.lr: float | None = None
        self._networks: dict[int, nn.Module] = {}
        self._on_network: Counter[int] = Counter()
        self._settings: dict[Hashable, Settings] = {}
        self._with_settings: Counter[Hashable] = Counter()

    def add(self, optimizer: Optimizer, network: nn.Module | None) -> None:
        """One step, right after a pass through `network`, if any was seen."""
        self.count += 1
        self.lr = float(optimizer.param_groups[0]["lr"])
        groups = [{**group, "params": list(group["params"])} for group in optimizer.param_groups]
        # Which parameters are in which group, and whether it is decayed: the rest may be scheduled.
        which = tuple(
            (bool(group.get("weight_decay")), *map(id, group["params"])) for group in groups
        )
        self._settings[which] = Settings(type(optimizer).__name__, groups)
        self._with_settings[which] += 1
        if network is not None:
            self._networks[id(network)] = network
            self._on_network[id(network)] += 1

    @property
    def network(self) -> nn.Module | None:
        """The one that was stepped most."""
        most = self._on_network.most_common(1)
        return self._networks[most[0][0]] if most else None

    def settings(self, network: nn.Module) -> Settings | None:
        """Those that most steps on this network were taken with; of equals, the later ones.

        An optimizer that was made and not used tells nothing, nor do groups that were changed when
        all was over.
        """
        own = {id(parameter) for parameter in network.parameters()}
        used = [
            which
            for which, settings in self._settings.items()
            if any(id(p) in own for group in settings.groups for p in group["params"])
        ]
        most = max(reversed(used), key=lambda which: self._with_settings[which], default=None)
        return None if most is None else self._settings[most]
