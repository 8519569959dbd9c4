"""Runs work in slots, and gives turns on the processor and on each GPU, first come, first served.

More submissions are in hand than there are turns: one that waits is already unpacked, and its
worker is already running. This module knows neither Docker nor checks.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import TypeVar

import psutil

from grader.records import ALL_GPUS

Item = TypeVar("Item")
Result = TypeVar("Result")
_NOTHING = object()
_POLL_SECONDS = 0.5
_WARM_MIB = 1024        # memory of a waiting worker that has imported torch, with a margin
_GPU_FRACTION = 0.9     # of a GPU's memory for its slots; each process also needs a context


class Stopped(Exception):
    """The run was stopped before this work had its turn."""


class Slot:
    """A number of turns that threads share in the order in which they asked."""

    def __init__(self, turns: int) -> None:
        self._turns = turns
        self._waiting: deque[object] = deque()
        self._changed = threading.Condition()

    @contextmanager
    def turn(self, stop: threading.Event) -> Iterator[None]:
        """Wait for a turn and hold it. Raises Stopped if `stop` is set first."""
        place = object()
        with self._changed:
            self._waiting.append(place)
            try:
                while not stop.is_set():
                    if self._turns and self._waiting[0] is place:
                        break
                    self._changed.wait(_POLL_SECONDS)
                else:
                    raise Stopped
                self._turns -= 1
            finally:
                self._waiting.remove(place)
                self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._turns += 1
                self._changed.notify_all()


class Slots:
    """Turns on the processor, and on each GPU.

    Args:
        jobs: Turns on the processor.
        gpus: Ids of the GPUs to lend. `ALL_GPUS` lends every GPU to every submission.
        slots_per_gpu: Turns on each GPU.
        pooled: A pool of machines decides which GPU a training gets, so all share their turns.
    """

    def __init__(
        self, jobs: int, gpus: Sequence[str] = (), slots_per_gpu: int = 1, pooled: bool = False
    ) -> None:
        told_apart = tuple(gpus) != ALL_GPUS
        self._everybodys = () if told_apart else ALL_GPUS
        gpus = gpus if told_apart else ()
        self._processor = Slot(jobs)
        self.turns = jobs + gpu_turns(gpus, slots_per_gpu)
        # The fraction of a GPU's memory for each of its slots; None is no limit.
        self.gpu_share = _GPU_FRACTION / slots_per_gpu if slots_per_gpu > 1 else None
        self._gpus = {gpu: Slot(slots_per_gpu) for gpu in gpus}
        if pooled:
            self._gpus = dict.fromkeys(gpus, Slot(len(gpus) * slots_per_gpu))
        self._lent = dict.fromkeys(gpus, 0)
        self._lending = threading.Lock()

    @property
    def has_gpus(self) -> bool:
        """GPUs are lent one by one."""
        return bool(self._gpus)

    @contextmanager
    def for_code(self) -> Iterator[tuple[Slot, tuple[str, ...]]]:
        """Lend the processor's slot, without a GPU of one's own."""
        yield self._processor, self._everybodys

    @contextmanager
    def for_training(self) -> Iterator[tuple[Slot, tuple[str, ...]]]:
        """Lend the slot of the GPU that the fewest use or wait for, with the GPU's id."""
        with self._lending:
            gpu = min(self._lent, key=lambda one: self._lent[one])
            self._lent[gpu] += 1
        try:
            yield self._gpus[gpu], (gpu,)
        finally:
            with self._lending:
                self._lent[gpu] -= 1


def gpu_turns(gpus: Sequence[str], slots_per_gpu: int) -> int:
    """Return how many trainings may run on GPUs at a time, beside work on the processor."""
    return 0 if tuple(gpus) == ALL_GPUS else len(gpus) * slots_per_gpu


def cores() -> int:
    """Return the number of processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def default_jobs(memory_mib: int, beside: int = 0) -> int:
    """Return how many jobs fit the cores and the memory.

    Args:
        memory_mib: The memory limit of a job, in MiB.
        beside: Jobs on GPUs that need memory besides.
    """
    return max(1, min(cores(), _memory_mib() // memory_mib - beside))


def workers_ahead(turns: int, memory_mib: int) -> int:
    """Return how many started workers may wait for a turn: one per turn, as far as memory allows.

    Args:
        turns: Turns that are taken at a time.
        memory_mib: The memory limit of a worker, in MiB.
    """
    return max(0, min(turns, (_memory_mib() - turns * memory_mib) // _WARM_MIB))


def threads_each(turns: int, most: int) -> int:
    """Return the threads for each of `turns` jobs on this machine, so that no core is used twice.

    Args:
        turns: Jobs that run at a time.
        most: The threads that the rubric's limits leave room for.
    """
    return max(1, min(cores() // turns, most))


def longest_first(items: Iterable[Item], seconds: Callable[[Item], float | None]) -> list[Item]:
    """Sort by expected seconds, longest first, so that no long one runs alone at the end.

    `seconds` returns None for an unknown time, which counts as the longest.
    """

    def expected(item: Item) -> float:
        known = seconds(item)
        return float("inf") if known is None else known

    return sorted(items, key=expected, reverse=True)


def in_slots(
    work: Callable[[Item], Result], items: Iterable[Item], slots: int, stop: threading.Event
) -> Iterator[Result]:
    """Call `work` on every item, `slots` at a time, and yield results as they come.

    Once `stop` is set, nothing new begins and what runs is finished. An exception, Ctrl-C among
    them, does not wait for running work: the caller must end it.
    """
    pool = ThreadPoolExecutor(slots, thread_name_prefix="slot")
    waiting, running = iter(items), set[Future[Result]]()
    try:
        while True:
            while len(running) < slots and not stop.is_set():
                item = next(waiting, _NOTHING)
                if item is _NOTHING:
                    break
                running.add(pool.submit(work, item))  # type: ignore[arg-type]  # not the sentinel
            if not running:
                return
            # In pieces: on Windows Ctrl-C does not interrupt a wait.
            done, running = wait(running, _POLL_SECONDS, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _memory_mib() -> int:
    return int(psutil.virtual_memory().total // 2**20)
