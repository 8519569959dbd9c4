"""Networks as they are called: by themselves, or layer by layer where `forward` is called by name.

Modules are watched by a `__call__` around torch's own, and not by torch's global hooks: these slow
each call of each layer down, and every transform of an image is a module too.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from grader.worker.observer import source_lines as places

if TYPE_CHECKING:
    from grader.worker.observer.passes import Pass

Begin = Callable[[nn.Module, Any, types.FrameType | None], "Pass"]   # network, inputs, forward's


class Calls:
    """Tells of each pass through a network: `begin` makes a `Pass`, which is told of its layers and
    of what comes out. `open` is the latest one. While `muted` nothing is told."""

    def __init__(self, begin: Begin) -> None:
        self.open: Pass | None = None
        self.muted = False
        self._begin = begin
        self._inside = False   # of a network that was called: what is called now is a layer of it

    def install(self) -> None:
        original, calls = nn.Module.__call__, self

        def call(self: nn.Module, *args: Any, **kwargs: Any) -> Any:
            if calls._inside:
                if calls.open is not None and isinstance(self, _BatchNorm):
                    calls.open.calls(self)
                return original(self, *args, **kwargs)
            if calls._concerns(self):
                return calls._outermost(original, self, args, kwargs)
            return original(self, *args, **kwargs)

        nn.Module.__call__ = call  # type: ignore[method-assign]  # see above

    def _concerns(self, module: nn.Module) -> bool:
        """Whether a module that is called by itself may be a network, or a layer of one whose
        `forward` was called by name."""
        layer = not module._parameters and not module._modules
        if self.muted or (layer and (self.open is None or self.open.frame is None)):
            return False
        return not _recomputes() and torch._C._get_tracing_state() is None

    def _outermost(
        self, original: Callable[..., Any], module: nn.Module, args: Any, kwargs: Any
    ) -> Any:
        forwarding = places.forwarding(sys._getframe(2), module)
        root = forwarding.network if forwarding is not None else module
        frame = forwarding.frame if forwarding is not None else None
        one = self.open
        if frame is None or one is None or one.frame is not frame:   # it is not the same pass still
            if next(root.parameters(), None) is None:
                return original(module, *args, **kwargs)
            one = self._begin(root, args, frame)
        if frame is not None and isinstance(module, _BatchNorm):
            one.calls(module)
        self._inside = True
        try:
            output = original(module, *args, **kwargs)
        finally:
            self._inside = False
        one.ends(output)
        return output


def _recomputes() -> bool:
    """Whether this is within a backward pass: activation checkpoints run layers once more there."""
    task = getattr(torch._C, "_current_graph_task_id", None)   # private, and may go
    return task is not None and task() != -1
