"""Finds parameters that a loss depends on by itself, as in weight decay that is added by hand."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch

EXAMINED = 25      # backward passes; a penalty is there from the start
_MOST_NODES = 20_000
# The last operation of a layer with weights: what lies behind it is the network, and no penalty.
_LAYER = re.compile(
    r"Conv|[Aa]ddb?mm|(^|Sp)MmB|Bmm|Linear|Embedding|Attention|Compiled|(Batch|Layer|Group)Norm"
)


class Penalties:
    """Reports the parameters that were in a penalty to `tell`."""

    def __init__(self, tell: Callable[[list[torch.Tensor]], None]) -> None:
        self._tell = tell
        self._examined = 0

    def install(self) -> None:
        """Replace `torch.autograd.backward`, which `Tensor.backward` calls."""
        backward = torch.autograd.backward

        @functools.wraps(backward)
        def examined(tensors: Any, *args: Any, **kwargs: Any) -> Any:
            if self._examined < EXAMINED:
                self._examined += 1
                given = tensors if isinstance(tensors, Sequence) else [tensors]
                found = list(_leaves([getattr(one, "grad_fn", None) for one in given]))
                if found:
                    self._tell(found)
            return backward(tensors, *args, **kwargs)

        torch.autograd.backward = examined


def _leaves(nodes: list[Any]) -> Iterator[torch.Tensor]:
    """The leaves of a graph that can be reached without going through a layer."""
    seen: set[Any] = set()
    while nodes and len(seen) < _MOST_NODES:
        node = nodes.pop()
        if node is None or node in seen or _LAYER.search(node.name()):
            continue
        seen.add(node)
        if hasattr(node, "variable"):
            yield node.variable
        nodes.extend(following for following, _ in node.next_functions)
