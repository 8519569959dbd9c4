"""Runs work in slots and lends each piece its GPU. Knows neither Docker nor checks."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import TypeVar

import psutil

Item = TypeVar("Item")
Result = TypeVar("Result")
_NOTHING = object()
_LOOK_SECONDS = 0.5


def cores() -> int:
    """The processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def default_jobs(memory_mib: int) -> int:
    """As many jobs as there are cores, and as memory holds at their limit."""
    fitting = int(psutil.virtual_memory().total / 2**20 // memory_mib)
    return max(1, min(cores(), fitting))


class GpuPool:
    """GPUs by their ids; "all" or none at all is lent to everybody at once."""

    def __init__(self, gpus: Sequence[str]) -> None:
        self._shared = tuple(gpus) if len(gpus) < 2 else None
        self._free: queue.Queue[str] = queue.Queue()
        for gpu in gpus:
            self._free.put(gpu)

    @contextmanager
    def lent(self) -> Iterator[tuple[str, ...]]:
        """One GPU for the time of the context; waits for one that is free."""
        if self._shared is not None:
            yield self._shared
            return
        gpu = self._free.get()
        try:
            yield (gpu,)
        finally:
            self._free.put(gpu)


def in_slots(
    work: Callable[[Item], Result], items: Iterable[Item], jobs: int, stop: threading.Event
) -> Iterator[Result]:
    """`work` on every item, `jobs` at a time; results as they come.

    Once `stop` is set nothing new begins, and what runs comes to its end. An exception in here,
    Ctrl-C among them, does not wait for it: whoever catches that must end what runs.
    """
    pool = ThreadPoolExecutor(jobs, thread_name_prefix="slot")
    waiting, running = iter(items), set[Future[Result]]()
    try:
        while True:
            while len(running) < jobs and not stop.is_set():
                item = next(waiting, _NOTHING)
                if item is _NOTHING:
                    break
                running.add(pool.submit(work, item))  # type: ignore[arg-type]  # not the sentinel
            if not running:
                return
            # In pieces: on Windows Ctrl-C does not interrupt a wait.
            done, running = wait(running, _LOOK_SECONDS, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
