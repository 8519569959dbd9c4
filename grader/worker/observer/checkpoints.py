"""Records the files that a script saves, so that its best checkpoint can be found in the end."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from grader.worker.networks.sizes import shape

MAX_FILES = 4
_PREFIXES = ("module.", "_orig_mod.")


class SavedCheckpoints:
    """The files that `torch.save` wrote, the latest last."""

    def __init__(self) -> None:
        self._files: dict[str, None] = {}

    def install(self) -> None:
        """Replace `torch.save`."""
        save, files = torch.save, self._files

        def saved(obj: Any, f: Any, *args: Any, **kwargs: Any) -> Any:
            result = save(obj, f, *args, **kwargs)
            if isinstance(f, (str, os.PathLike)):
                path = os.path.abspath(os.fspath(f))   # noqa: PTH100  # the name may be bytes
                files.pop(str(path), None)
                files[str(path)] = None
            return result

        saved.__wrapped__ = save  # type: ignore[attr-defined]  # for inspect.signature
        torch.save = saved

    def states(self, network: nn.Module) -> list[tuple[str, Mapping[str, torch.Tensor]]]:
        """(file name, state of this network) of the last few files, where they hold such a state.
        """
        wanted = _shapes(network.state_dict())
        found = []
        for file in list(self._files)[-MAX_FILES:]:
            try:
                # The script ran in this very process, so its files are as trusted as its code.
                held = torch.load(file, map_location="cpu", weights_only=False)
            except Exception:   # removed, or overwritten by something else
                continue
            state = _state_in(held, wanted)
            if state is not None:
                found.append((Path(file).name, state))
        return found


def _state_in(held: Any, wanted: Mapping[str, Any]) -> Mapping[str, torch.Tensor] | None:
    """The state with the wanted shapes: saved alone, as a module, or beside other things."""
    parts = [held, *(held.values() if isinstance(held, Mapping) else ())]
    for part in parts:
        state = part.state_dict() if isinstance(part, nn.Module) else part
        if not isinstance(state, Mapping) or not all(isinstance(key, str) for key in state):
            continue
        if not all(isinstance(value, torch.Tensor) for value in state.values()):
            continue
        names = dict(zip(map(bare, state), state, strict=True))
        if _shapes(state) == wanted:
            return {name: state[names[bare(name)]] for name in names}
    return None


def bare(name: str) -> str:
    """A parameter's name without the prefixes of `DataParallel` and `torch.compile`."""
    shorter = name
    for prefix in _PREFIXES:
        shorter = shorter.removeprefix(prefix)
    return shorter if shorter == name else bare(shorter)


def _shapes(state: Mapping[str, torch.Tensor]) -> dict[str, tuple[int, ...] | None]:
    return {bare(name): shape(value) for name, value in state.items()}


def load_into(network: nn.Module, state: Mapping[str, torch.Tensor]) -> None:
    """Load a state into a network; a wrapper around either of them makes no difference."""
    by_name = {bare(name): value for name, value in state.items()}
    own = network.state_dict()
    network.load_state_dict({name: by_name[bare(name)] for name in own})
