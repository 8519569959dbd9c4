"""Runs work in slots, and says whose turn it is on the processor and on each GPU. Knows neither
Docker nor checks.

More work is in hand than there are turns: what waits for its turn has been unpacked by then, and
its worker is up. What is in a lane goes first come, first served.
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
_LOOK_SECONDS = 0.5
_WARM_MIB = 1024        # what a worker holds that has imported torch and waits, with some to spare
_GPU_FRACTION = 0.9     # of its memory for what its slots allocate; each process has a context, too


class Stopped(Exception):
    """Nothing new begins: it had not been its turn yet."""


class Slot:
    """So many at a time; those who wait, in the order in which they came."""

    def __init__(self, turns: int) -> None:
        self._turns = turns
        self._waiting: deque[object] = deque()
        self._changed = threading.Condition()

    @contextmanager
    def turn(self, stop: threading.Event) -> Iterator[None]:
        """Waits for a turn and holds it. Raises Stopped once `stop` is set before it has come."""
        place = object()
        with self._changed:
            self._waiting.append(place)
            try:
                while not stop.is_set():
                    if self._turns and self._waiting[0] is place:
                        break
                    self._changed.wait(_LOOK_SECONDS)
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
    """A lane for the processor, and one for each GPU; "all" of them, untold, are everybody's."""

    def __init__(self, jobs: int, gpus: Sequence[str] = (), slots_per_gpu: int = 1) -> None:
        told_apart = tuple(gpus) != ALL_GPUS
        self._everybodys = () if told_apart else ALL_GPUS
        gpus = gpus if told_apart else ()
        self._processor = Slot(jobs)
        self.turns = jobs + gpu_turns(gpus, slots_per_gpu)
        # Of a GPU's memory, for each of its slots; None is no limit.
        self.gpu_share = _GPU_FRACTION / slots_per_gpu if slots_per_gpu > 1 else None
        self._gpus = {gpu: Slot(slots_per_gpu) for gpu in gpus}
        self._lent = dict.fromkeys(gpus, 0)
        self._lending = threading.Lock()

    @property
    def has_gpus(self) -> bool:
        return bool(self._gpus)

    @contextmanager
    def for_code(self) -> Iterator[tuple[Slot, tuple[str, ...]]]:
        """The processor's lane, and no GPU of one's own."""
        yield self._processor, self._everybodys

    @contextmanager
    def for_training(self) -> Iterator[tuple[Slot, tuple[str, ...]]]:
        """The lane of the GPU that the fewest use or wait for, and its id."""
        with self._lending:
            gpu = min(self._lent, key=lambda one: self._lent[one])
            self._lent[gpu] += 1
        try:
            yield self._gpus[gpu], (gpu,)
        finally:
            with self._lending:
                self._lent[gpu] -= 1


def gpu_turns(gpus: Sequence[str], slots_per_gpu: int) -> int:
    """How many trainings may run on GPUs at a time, beside what runs on the processor."""
    return 0 if tuple(gpus) == ALL_GPUS else len(gpus) * slots_per_gpu


def cores() -> int:
    """The processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def default_jobs(memory_mib: int, beside: int = 0) -> int:
    """As many jobs as there are cores, and as memory holds at their limit, `beside` so many others
    on GPUs."""
    return max(1, min(cores(), _memory_mib() // memory_mib - beside))


def workers_ahead(turns: int, memory_mib: int) -> int:
    """How many workers may wait for a turn, warm: one for each turn, as far as memory holds them
    beside turns that are at their limit."""
    return max(0, min(turns, (_memory_mib() - turns * memory_mib) // _WARM_MIB))


def threads_each(turns: int) -> int:
    """Threads for one of so many that run at a time: all cores are busy, and none is twice."""
    return max(1, cores() // turns)


def longest_first(items: Iterable[Item], seconds: Callable[[Item], float | None]) -> list[Item]:
    """Those that are expected to take longest come first, or one of them would run alone at the
    end; what nobody knows is taken for long."""

    def expected(item: Item) -> float:
        known = seconds(item)
        return float("inf") if known is None else known

    return sorted(items, key=expected, reverse=True)


def in_slots(
    work: Callable[[Item], Result], items: Iterable[Item], slots: int, stop: threading.Event
) -> Iterator[Result]:
    """`work` on every item, `slots` at a time; results as they come.

    Once `stop` is set nothing new begins, and what runs comes to its end. An exception in here,
    Ctrl-C among them, does not wait for it: whoever catches that must end what runs.
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
            done, running = wait(running, _LOOK_SECONDS, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _memory_mib() -> int:
    return int(psutil.virtual_memory().total // 2**20)
