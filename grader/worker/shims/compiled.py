"""`torch.compile` is left out: it would take minutes and a compiler, and change no result."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from grader.worker.shims.log import ShimLog


class Compiled(nn.Module):
    """What `torch.compile(module)` returns, without compiling: the module under `_orig_mod`.

    It is as torch's own is: its `state_dict` has that prefix, attributes are read from and written
    to the module inside, and so is its mode.
    """

    _orig_mod: nn.Module

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self._modules["_orig_mod"] = module

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self._orig_mod(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        modules = self.__dict__.get("_modules") or {}
        if name == "_orig_mod" or not modules:   # as while a copy is being made
            return super().__getattr__(name)
        return getattr(modules["_orig_mod"], name)

    def __setattr__(self, name: str, value: Any) -> None:
        inner = self.__dict__.get("_modules") or {}
        if not inner or name in self.__dict__ or name == "_orig_mod":
            super().__setattr__(name, value)
        else:
            setattr(inner["_orig_mod"], name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self._orig_mod, name)

    @property
    def training(self) -> bool:   # as torch has it
        return self._orig_mod.training

    @training.setter
    def training(self, mode: bool) -> None:
        if self.__dict__.get("_modules"):   # not yet while it is being made
            self._orig_mod.training = mode


def install(log: ShimLog) -> None:
    def tell() -> None:
        log.note("torch.compile was left out: it changes how fast a network is and no result")

    def leave_out(model: Any = None, **options: Any) -> Any:
        tell()
        return as_it_is if model is None else as_it_is(model)   # None: `@torch.compile(mode=...)`

    def in_place(self: nn.Module, *args: Any, **options: Any) -> None:
        tell()

    torch.compile = leave_out
    nn.Module.compile = in_place  # type: ignore[method-assign]  # a stand-in


def as_it_is(model: Any) -> Any:
    return Compiled(model) if isinstance(model, nn.Module) else model
