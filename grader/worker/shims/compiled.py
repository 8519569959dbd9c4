"""Makes `torch.compile` do nothing: it needs a compiler and minutes, and changes no result."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from grader.worker.shims.log import ShimLog


class Compiled(nn.Module):
    """A wrapper like the one that `torch.compile(module)` returns, which compiles nothing.

    The module is the attribute `_orig_mod`, as in torch: the keys of `state_dict` have that prefix,
    and attributes and the mode are read from and written to the module inside.
    """

    _orig_mod: nn.Module

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self._modules["_orig_mod"] = module

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self._orig_mod(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        modules = self.__dict__.get("_modules") or {}
        if name == "_orig_mod" or not modules:   # while a copy is being made
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
    def training(self) -> bool:   # a property in torch's wrapper as well
        return self._orig_mod.training

    @training.setter
    def training(self, mode: bool) -> None:
        if self.__dict__.get("_modules"):   # empty while the wrapper is being made
            self._orig_mod.training = mode


def install(log: ShimLog) -> None:
    """Replace `torch.compile` and `Module.compile`; a script that calls one gets a note."""

    def note() -> None:
        log.note("torch.compile was left out: it changes only the speed of a network, no result")

    def compile_nothing(model: Any = None, **options: Any) -> Any:
        note()
        return wrapped if model is None else wrapped(model)   # None: `@torch.compile(mode=...)`

    def compile_in_place(self: nn.Module, *args: Any, **options: Any) -> None:
        note()

    torch.compile = compile_nothing
    nn.Module.compile = compile_in_place  # type: ignore[method-assign]  # a shim


def wrapped(model: Any) -> Any:
    """A module in a wrapper; a function as it is."""
    return Compiled(model) if isinstance(model, nn.Module) else model
