"""Imports the worker with torch and torchvision in half of the usual time.

A question about code spends nearly all its time importing torch and torchvision. Two parts of that
are not needed. `torch._dynamo`, the compiler's front end, takes as long as the rest of torch:
torchvision needs one function of it, which is hardly ever called, and optimizers need it to turn
compilation off. The garbage collector scans the imported modules again and again.

So torch._dynamo is imported only when something needs it; until then nothing is compiled. Once it
is imported (by `torch.export`, or by the script) torch's own code runs. Submodules that it imports,
such as `torch.distributed.fsdp`, are imported when a script names them. A version of torch or
torchvision whose code differs from what is known here is left alone and takes the usual time.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import importlib
import importlib.util
import sys
import types
from collections.abc import Callable, Iterable, Iterator
from typing import Any

_DYNAMO, _DYNAMO_UTILS = "torch._dynamo", "torch._dynamo.utils"
# The names in torch's wrapper around an optimizer's own step in torch 2.6 to 2.14, which switches
# gradients and tells the compiler.
_WRAPPER_NAMES = {
    "torch", "torch._dynamo", "_dynamo", "graph_break", "cast", "Optimizer", "is_grad_enabled",
    "set_grad_enabled", "defaults",
}


def load_worker(beside: Iterable[str] = ()) -> None:
    """Import the whole worker with torch and torchvision, and the modules named in `beside`.

    The garbage collector then ignores the imported objects: collections take less time, and a
    forked child shares their memory with its parent. A module of `beside` that cannot be imported
    is left to the session that wants it.
    """
    gc.disable()
    try:
        with dynamo_on_demand():
            importlib.import_module("torchvision")
        patch_optimizers()
        offer_submodules()
        importlib.import_module("grader.worker.probes")
        for name in beside:
            with contextlib.suppress(Exception):
                importlib.import_module(name)
    finally:
        gc.freeze()
        gc.enable()


@contextlib.contextmanager
def dynamo_on_demand() -> Iterator[None]:
    """Keep torchvision's import from importing torch._dynamo.

    Meanwhile `torch._dynamo.utils` is an empty module. It has the one function that torchvision
    imports, and it imports the real module when anything else is read or that function is called.
    """
    importlib.import_module("torch")
    if _DYNAMO in sys.modules:
        yield
        return
    light = types.ModuleType(_DYNAMO_UTILS)

    def real(name: str) -> Any:
        if name.startswith("__"):   # the import system reads these
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


def patch_optimizers() -> None:
    """Let optimizers be made and stepped without torch._dynamo while that is not imported."""
    import torch
    from torch.optim import Optimizer, optimizer

    for method in vars(Optimizer).values():
        if _is_made_by(getattr(torch, "_disable_dynamo", None), method):
            _patch(method)
    differentiable = getattr(optimizer, "_use_grad_for_differentiable", None)
    for kind in _subclasses(Optimizer):
        step = vars(kind).get("step")
        if _is_made_by(differentiable, step) and set(step.__code__.co_names) <= _WRAPPER_NAMES:
            kind.step = _patched_step(step)


def _is_made_by(decorator: Callable[..., Any] | None, function: Any) -> bool:
    """Tell whether a decorator of torch's made a function: all that it makes share their code."""
    if decorator is None or not isinstance(function, types.FunctionType):
        return False
    return function.__code__ is decorator(lambda: None).__code__ and hasattr(
        function, "__wrapped__"
    )


def _patch(method: Any) -> None:
    """Keep a method from importing torch._dynamo.

    torch's method imports it to set the attribute `__dynamo_disable` of the wrapped function, and
    calls the attribute; here the attribute is set beforehand.
    """
    function = method.__wrapped__

    def undecorated(*args: Any, **kwargs: Any) -> Any:
        if _DYNAMO not in sys.modules:
            return function(*args, **kwargs)
        with contextlib.suppress(AttributeError):
            del function.__dynamo_disable
        return method(*args, **kwargs)

    function.__dynamo_disable = undecorated


def _patched_step(step: Any) -> Any:
    own = step.__wrapped__

    @functools.wraps(own)
    def patched(self: Any, *args: Any, **kwargs: Any) -> Any:
        if _DYNAMO in sys.modules:
            return step(self, *args, **kwargs)
        import torch

        before = torch.is_grad_enabled()
        try:
            torch.set_grad_enabled(self.defaults["differentiable"])
            return own(self, *args, **kwargs)
        finally:
            torch.set_grad_enabled(before)

    return patched


def offer_submodules() -> None:
    """Import torch._dynamo when a script names a submodule that only its import loads."""
    for name, package in tuple(sys.modules.items()):
        if name.startswith("torch.") and hasattr(package, "__path__"):
            vars(package).setdefault("__getattr__", functools.partial(_submodule, package))


def _submodule(package: Any, name: str) -> Any:
    # `from package import name` asks here first, and then imports the module itself.
    importing = sys._getframe(1).f_globals.get("__name__") == "importlib._bootstrap"
    if not (importing or name.startswith("__") or _DYNAMO in sys.modules) and (
        importlib.util.find_spec(f"{package.__name__}.{name}")
    ):
        importlib.import_module(_DYNAMO)
        if name in vars(package):
            return vars(package)[name]
    raise AttributeError(f"module {package.__name__!r} has no attribute {name!r}")


def _subclasses(kind: Any) -> Iterator[Any]:
    for one in kind.__subclasses__():
        yield one
        yield from _subclasses(one)
