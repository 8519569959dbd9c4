"""Detects calls of networks, also layer by layer where a script calls `forward` by name.

Modules are observed by a wrapper around `nn.Module.__call__`. Torch's global hooks would slow down
each call of each layer, and every transform of an image is a module too.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from grader.worker.observer.source_lines import enclosing_forward

if TYPE_CHECKING:
    from grader.worker.observer.passes import Pass

# Arguments: the network, its inputs, and the frame of a `forward` that was called by name.
Begin = Callable[[nn.Module, Any, types.FrameType | None], "Pass"]


class Calls:
    """Reports each pass through a network to the `Pass` that `begin` makes for it, and then to
    `ended`.

    `open` is the latest pass. While `muted` is true, nothing is reported.
    """

    def __init__(self, begin: Begin, ended: Callable[[Pass], None]) -> None:
        self.open: Pass | None = None
        self.muted = False
        self._begin, self._ended = begin, ended
        self._inside = False   # a network is running, so further calls are of its layers

    def install(self) -> None:
        """Replace `nn.Module.__call__`."""
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
        """True if a module that is called by itself may be a network, or may be a layer of a
        network whose `forward` was called by name."""
        layer = not module._parameters and not module._modules
        if self.muted or (layer and (self.open is None or self.open.frame is None)):
            return False
        return not _recomputes() and torch._C._get_tracing_state() is None

    def _outermost(
        self, original: Callable[..., Any], module: nn.Module, args: Any, kwargs: Any
    ) -> Any:
        by_name = enclosing_forward(sys._getframe(2), module)
        root = by_name.network if by_name is not None else module
        frame = by_name.frame if by_name is not None else None
        one = self.open
        if frame is None or one is None or one.frame is not frame:   # a new pass
            if next(root.parameters(), None) is None:
                return original(module, *args, **kwargs)
            one = self._begin(root, args, frame)
        if frame is not None and isinstance(module, _BatchNorm):
            one.calls(module)
        self._inside = True
        try:
            output = original(module, *args, **kwargs)
        except Exception:
            one.ends(None)
            self._ended(one)
            raise
        finally:
            self._inside = False
        one.ends(output)
        self._ended(one)
        return output


def _recomputes() -> bool:
    """True within a backward pass, where activation checkpointing runs layers again."""
    task = getattr(torch._C, "_current_graph_task_id", None)   # private, so it may disappear
    return task is not None and task() != -1
