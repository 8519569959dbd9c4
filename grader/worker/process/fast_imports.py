"""The worker's imports, at half of what they usually cost.

Importing torch and torchvision is nearly all that a question about code costs. Two parts of it are
of no use here. `torch._dynamo`, the compiler's front end, takes as long as all the rest of torch:
torchvision wants one function of it that is hardly ever called, and each optimizer wants it in
order to tell it that nothing is to be compiled. And the garbage collector looks through everything
that was imported, again and again, and finds nothing.

So torch._dynamo is not imported until somebody asks for it: as long as it is not there, nothing is
compiled with it, and there is nothing to tell it. As soon as it is there (by `torch.export`, or by
an import) everything here is torch's own again. What came along with it, `torch.distributed.fsdp`
for one, is still there for those who name it without importing it. Where a version of torch or
torchvision is written otherwise than is known here, it is left as it is, and costs what it costs.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import importlib
import importlib.util
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

_DYNAMO, _DYNAMO_UTILS = "torch._dynamo", "torch._dynamo.utils"
# All that `Optimizer.step` did around an optimizer's own step in torch 2.6 to 2.14: gradients are
# switched, and the compiler is told.
_AROUND_A_STEP = {
    "torch", "torch._dynamo", "_dynamo", "graph_break", "cast", "Optimizer", "is_grad_enabled",
    "set_grad_enabled", "defaults",
}


def load_worker() -> None:
    """Import all of the worker with torch and torchvision.

    What is there afterwards stays, so no later collection looks at it: collections cost less, and
    a forked child shares its memory with its parent.
    """
    gc.disable()
    try:
        with dynamo_on_demand():
            importlib.import_module("torchvision")
        spare_optimizers()
        offer_submodules()
        importlib.import_module("grader.worker.probes")
    finally:
        gc.freeze()
        gc.enable()


@contextlib.contextmanager
def dynamo_on_demand() -> Iterator[None]:
    """While torchvision is being imported, `torch._dynamo.utils` is a module that becomes the real
    one when it is asked for anything but the function that torchvision only wants to have."""
    importlib.import_module("torch")
    if _DYNAMO in sys.modules:
        yield
        return
    light = types.ModuleType(_DYNAMO_UTILS)

    def real(name: str) -> Any:
        if name.startswith("__"):   # the import system's own look at a module
            raise AttributeError(name)
        if sys.modules.get(_DYNAMO_UTILS) is light:
            del sys.modules[_DYNAMO_UTILS]
        return getattr(importlib.import_module(_DYNAMO_UTILS), name)

    def is_compile_supported(device_type: Any) -> Any:
        return real("is_compile_supported")(device_type)

    vars(light).update(__getattr__=real, is_compile_supported=is_compile_supported)
    sys.modules[_DYNAMO_UTILS] = light
    try:
        yield
    finally:
        if sys.modules.get(_DYNAMO_UTILS) is light:
            del sys.modules[_DYNAMO_UTILS]


def spare_optimizers() -> None:
    """Let optimizers be made and stepped without torch._dynamo, as long as it is not there."""
    import torch
    from torch.optim import Optimizer, optimizer

    for method in vars(Optimizer).values():
        if _is_made_by(getattr(torch, "_disable_dynamo", None), method):
            _spare(method)
    differentiable = getattr(optimizer, "_use_grad_for_differentiable", None)
    for kind in _kinds(Optimizer):
        step = vars(kind).get("step")
        if _is_made_by(differentiable, step) and set(step.__code__.co_names) <= _AROUND_A_STEP:
            kind.step = _spared_step(step)


def _is_made_by(decorator: Callable[..., Any] | None, function: Any) -> bool:
    """Whether a function is what a decorator of torch's returns: all of those share their code."""
    if decorator is None or not isinstance(function, types.FunctionType):
        return False
    return function.__code__ is decorator(lambda: None).__code__ and hasattr(
        function, "__wrapped__"
    )


def _spare(method: Any) -> None:
    """`method` calls what torch keeps as `__dynamo_disable` on the function that it wraps, and
    imports torch._dynamo in order to make that when there is none."""
    function = method.__wrapped__

    def as_it_is(*args: Any, **kwargs: Any) -> Any:
        if _DYNAMO not in sys.modules:
            return function(*args, **kwargs)
        with contextlib.suppress(AttributeError):
            del function.__dynamo_disable
        return method(*args, **kwargs)

    function.__dynamo_disable = as_it_is


def _spared_step(step: Any) -> Any:
    own = step.__wrapped__

    @functools.wraps(own)
    def spared(self: Any, *args: Any, **kwargs: Any) -> Any:
        if _DYNAMO in sys.modules:
            return step(self, *args, **kwargs)
        import torch

        before = torch.is_grad_enabled()
        try:
            torch.set_grad_enabled(self.defaults["differentiable"])
            return own(self, *args, **kwargs)
        finally:
            torch.set_grad_enabled(before)

    return spared


def offer_submodules() -> None:
    """torch._dynamo brings submodules along that a script may name without importing them."""
    for name, package in tuple(sys.modules.items()):
        if name.startswith("torch.") and hasattr(package, "__path__"):
            vars(package).setdefault("__getattr__", functools.partial(_submodule, package))


def _submodule(package: Any, name: str) -> Any:
    # `from package import name` looks here first, and then imports it itself.
    importing = sys._getframe(1).f_globals.get("__name__") == "importlib._bootstrap"
    if not (importing or name.startswith("__") or _DYNAMO in sys.modules) and (
        importlib.util.find_spec(f"{package.__name__}.{name}")
    ):
        importlib.import_module(_DYNAMO)
        if name in vars(package):
            return vars(package)[name]
    raise AttributeError(f"module {package.__name__!r} has no attribute {name!r}")


def _kinds(kind: Any) -> Iterator[Any]:
    for one in kind.__subclasses__():
        yield one
        yield from _kinds(one)
