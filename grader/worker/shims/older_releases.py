"""Takes what older releases of torch and NumPy took and newer ones refuse: a schedule's `verbose`,
and names such as `np.Inf`.

A student's machine may have a release of years ago, where the code ran. None of it changes a
result.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any

import numpy as np
from torch.optim import lr_scheduler

from grader.worker.shims.log import ShimLog

# Names until NumPy 1.23, 1.26 and 2.3; from the release notes of 1.24, 2.0 and 2.4, "Expired
# deprecations".
NAMES: Mapping[str, Any] = {
    "bool": bool, "int": int, "float": float, "complex": complex, "object": object, "str": str,
    "bool8": np.bool_, "float_": np.float64, "complex_": np.complex128, "unicode_": np.str_,
    "string_": np.bytes_,
    "Inf": np.inf, "Infinity": np.inf, "infty": np.inf, "PINF": np.inf, "NINF": -np.inf,
    "NaN": np.nan, "NAN": np.nan, "PZERO": 0.0, "NZERO": -0.0,
    "product": np.prod, "cumproduct": np.cumprod, "alltrue": np.all, "sometrue": np.any,
    "round_": np.round, "row_stack": np.vstack, "trapz": np.trapezoid, "in1d": np.isin,
    "msort": lambda a: np.sort(a, axis=0), "asfarray": lambda a: np.asarray(a, np.float64),
}  # fmt: skip


_LIBRARIES = Path(np.__file__).parent.parent


def install(log: ShimLog) -> None:
    """Patch the classes of `torch.optim.lr_scheduler`, and NumPy's lookup of missing names."""
    for found in list(vars(lr_scheduler).values()):
        if inspect.isclass(found) and issubclass(found, lr_scheduler.LRScheduler):
            _take_verbose(found, log)
    _find_names(log)


def _take_verbose(schedule: type[Any], log: ShimLog) -> None:
    """Let the constructor of a schedule take `verbose`, its last argument in older releases."""
    build = vars(schedule).get("__init__")
    if build is None:
        return
    parameters = inspect.signature(build).parameters
    if "verbose" in parameters:
        return
    most = len(parameters)   # that may come by position, `self` among them

    @wraps(build)
    def taking(self: Any, *args: Any, **named: Any) -> None:
        by_position = len(args) == most and isinstance(args[-1], bool)
        if by_position or "verbose" in named:
            args = args[:-1] if by_position else args
            named.pop("verbose", None)
            log.note(
                "`verbose` of a learning-rate schedule was left out: newer releases of PyTorch do "
                "not take it, and it only prints"
            )
        build(self, *args, **named)

    schedule.__init__ = taking


def _find_names(log: ShimLog) -> None:
    usual: Callable[[str], Any] = np.__getattr__

    def look_up(name: str) -> Any:
        if name not in NAMES or _asks_a_library():
            return usual(name)
        log.note(f"`np.{name}` is missing in newer releases of NumPy; it works here as before")
        return NAMES[name]

    np.__getattr__ = look_up  # type: ignore[method-assign]  # a shim


def _asks_a_library() -> bool:
    """True if the code that looks a name up is installed: it knows NumPy's releases, and asks."""
    frame = sys._getframe(2)
    while frame.f_back and frame.f_code.co_filename.startswith("<frozen importlib"):
        frame = frame.f_back   # `from numpy import Inf`
    return Path(frame.f_code.co_filename).is_relative_to(_LIBRARIES)
