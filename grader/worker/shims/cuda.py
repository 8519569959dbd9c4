"""Replaces `torch.cuda` on a machine without a GPU: its functions do nothing instead of raising."""

from __future__ import annotations

import functools
import sys
import sysconfig
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch

from grader.worker.environment.home import GPU, Home

_NAME = "no GPU: the CPU in its place"
_MEMORY = 2**32   # bytes that the missing GPU claims to have: scripts divide by it
_SILENT = (
    "synchronize", "empty_cache", "reset_peak_memory_stats", "reset_accumulated_memory_stats",
    "reset_max_memory_allocated", "reset_max_memory_cached", "set_device", "set_stream", "init",
    "ipc_collect", "manual_seed", "manual_seed_all", "set_rng_state", "set_rng_state_all",
    "set_per_process_memory_fraction",
)  # fmt: skip
_TYPES = ("Float", "Double", "Half", "BFloat16", "Byte", "Char", "Short", "Int", "Long", "Bool")


# Files of Python, of installed packages and of the worker: all others are the student's.
_LIBRARIES = (
    *(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")),
    str(Path(torch.__file__).parent.parent), str(Path(__file__).parents[1]),
)  # fmt: skip


class Context:
    """A context that changes nothing, for `torch.cuda.device(0)` and `torch.cuda.stream(...)`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def __enter__(self) -> Context:
        return self

    def __exit__(self, *exception: Any) -> None:
        pass


class Stream(Context):
    """A stream whose work is always done: a CPU runs everything at once."""

    def query(self) -> bool:
        return True

    def synchronize(self) -> None:
        pass

    def wait_stream(self, stream: Any) -> None:
        pass

    def wait_event(self, event: Any) -> None:
        pass

    def record_event(self, event: Event | None = None) -> Event:
        event = event or Event()
        event.record()
        return event


class Event:
    """A recorded moment; scripts measure time with two of them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._seconds = 0.0

    def record(self, stream: Any = None) -> None:
        self._seconds = time.perf_counter()

    def elapsed_time(self, end: Event) -> float:
        """Milliseconds from this event to `end`."""
        return (end._seconds - self._seconds) * 1000

    def query(self) -> bool:
        return True

    def synchronize(self) -> None:
        pass

    def wait(self, stream: Any = None) -> None:
        pass


def install(note: Callable[[], None]) -> None:
    """Replace the functions; `note` is called when a script asks for a GPU's properties."""
    cuda: Any = torch.cuda
    for name in _SILENT:
        setattr(cuda, name, _nothing())
    for module, names in (
        (torch.cuda.nvtx, ("range_push", "range_pop", "mark")),
        (getattr(torch, "accelerator", None), ("synchronize", "empty_cache", "set_device_index")),
        (None if torch.backends.mps.is_available() else torch.mps,
         ("synchronize", "empty_cache", "manual_seed", "set_rng_state")),
    ):
        for name in names if module is not None else ():
            setattr(module, name, _nothing())

    def described(*args: Any) -> SimpleNamespace:
        note()
        return SimpleNamespace(
            name=_NAME, major=0, minor=0, total_memory=_MEMORY, multi_processor_count=0
        )

    cuda.get_device_properties = described
    cuda.get_device_name = lambda *args: described().name
    cuda.get_device_capability = lambda *args: (0, 0)
    cuda.current_device = lambda: 0
    cuda.mem_get_info = lambda *args: (_MEMORY, _MEMORY)
    cuda.memory_summary = lambda *args, **kwargs: ""
    cuda.initial_seed = lambda: torch.initial_seed()
    cuda.get_rng_state = lambda *args: torch.get_rng_state()
    cuda.Event, cuda.Stream = Event, Stream
    cuda.current_stream = cuda.default_stream = Stream
    cuda.device = cuda.device_of = cuda.stream = Context
    for kind in _TYPES:
        setattr(cuda, f"{kind}Tensor", getattr(torch, f"{kind}Tensor"))


def answer_for(home: Home, note: Callable[[], None]) -> None:
    """Tell the student's code in the second run that there is a GPU; libraries get the truth.

    In the first run all get the truth, and `home` notes that the student's code has asked. `note`
    is called when it is told that there is one.
    """
    cuda, accelerator = torch.cuda, getattr(torch, "accelerator", None)
    for module, name, pretended in (
        (cuda, "is_available", True), (cuda, "device_count", 1), (cuda, "is_initialized", True),
        (cuda, "is_bf16_supported", True), (torch.backends.cudnn, "is_available", True),
        (torch.backends.mps, "is_available", True), (torch.backends.mps, "is_built", True),
        (torch.backends.cuda, "is_built", True),
        (accelerator, "is_available", True), (accelerator, "device_count", 1),
        (accelerator, "current_accelerator", torch.device("cuda")),
    ):  # fmt: skip
        if hasattr(module, name):
            setattr(module, name, _answering(home, note, getattr(module, name), pretended))


def _answering(
    home: Home, note: Callable[[], None], truth: Callable[..., Any], pretended: Any
) -> Callable[..., Any]:
    @functools.wraps(truth)
    def answer(*args: Any, **kwargs: Any) -> Any:
        if sys._getframe(1).f_code.co_filename.startswith(_LIBRARIES):
            return truth(*args, **kwargs)
        home.missed.add(GPU)
        if GPU not in home.pretended:
            return truth(*args, **kwargs)
        note()
        return pretended

    return answer


def _nothing() -> Callable[..., None]:
    """A new function that does nothing: torch._dynamo refuses one function under two names."""

    def nothing(*args: Any, **kwargs: Any) -> None:
        pass

    return nothing
