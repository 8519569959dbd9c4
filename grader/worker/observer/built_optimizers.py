"""Remembers the optimizers that a student's code builds, also those that never take a step."""

from __future__ import annotations

import functools
import gc
import sys
import types
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from torch import nn
from torch.optim import Optimizer
from torch.optim.optimizer import register_optimizer_step_post_hook

MOST = 20      # optimizers that are kept, the latest
_DEEPEST = 40  # frames that are searched for the network


@dataclass(frozen=True)
class Built:
    """An optimizer and the network that holds its parameters, if it was found."""

    optimizer: Optimizer
    network: nn.Module | None


class BuiltOptimizers:
    """The optimizers that were built, the latest last.

    Attributes:
        used_up: the iterators that an optimizer read to the end, with their items, by id.
    """

    def __init__(self, *, also_used: bool) -> None:
        """Start without optimizers.

        Args:
            also_used: keep optimizers after their first step, and do not search their networks.
        """
        self.used_up: dict[int, tuple[Any, list[Any]]] = {}
        self._found: dict[int, Built] = {}
        self._also_used = also_used

    def install(self) -> None:
        """Observe how optimizers are built and extended."""
        built, init, add = self, Optimizer.__init__, Optimizer.add_param_group

        @functools.wraps(init)
        def initialized(self: Optimizer, params: Any, *args: Any, **kwargs: Any) -> None:
            init(self, built._read(params), *args, **kwargs)
            built._add(self)

        @functools.wraps(add)
        def extended(self: Optimizer, param_group: Any) -> None:
            if isinstance(param_group, dict) and "params" in param_group:
                param_group["params"] = built._read(param_group["params"])
            add(self, param_group)

        Optimizer.__init__ = initialized  # type: ignore[method-assign]  # there is no hook for these
        Optimizer.add_param_group = extended  # type: ignore[method-assign]
        register_optimizer_step_post_hook(self._stepped)

    @property
    def found(self) -> list[Built]:
        """The optimizers, the latest last."""
        return list(self._found.values())

    def _read(self, params: Any) -> Any:
        """The items of an iterator, which the optimizer would use up; other values unchanged."""
        if not isinstance(params, Iterator):
            return params
        items = list(params)
        self.used_up[id(params)] = params, items   # the reference keeps the id from being reused
        return items

    def _add(self, optimizer: Optimizer) -> None:
        searched = not self._also_used and len(self._found) < MOST
        network = _network_of(optimizer) if searched else None
        self._found[id(optimizer)] = Built(optimizer, network)
        while len(self._found) > MOST:
            del self._found[next(iter(self._found))]

    def _stepped(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        if not self._also_used:
            self._found.pop(id(optimizer), None)


def _network_of(optimizer: Optimizer) -> nn.Module | None:
    """The network that holds the optimizer's parameters.

    Variables of the functions that are running are searched first, then all objects.
    """
    wanted = {id(one) for group in optimizer.param_groups for one in group["params"]}
    return _largest(_in_frames(), wanted) or _largest(gc.get_objects(), wanted)


def _in_frames() -> Iterator[Any]:
    frame: types.FrameType | None = sys._getframe(1)
    for _ in range(_DEEPEST):
        if frame is None:
            return
        yield from list(frame.f_locals.values())
        frame = frame.f_back


def _largest(objects: Iterable[Any], wanted: set[int]) -> nn.Module | None:
    """The module with most parameters that has all wanted ones, without wrappers around it."""
    best, size = None, (0, 0)
    for one in objects:
        if not issubclass(type(one), nn.Module):
            continue
        try:
            own = {id(parameter) for parameter in one.parameters()}
            this = len(own), -sum(1 for _ in one.modules())
        except Exception:   # a module that is not initialized yet, or one with methods of its own
            continue
        if wanted <= own and (best is None or this > size):
            best, size = one, this
    return best
