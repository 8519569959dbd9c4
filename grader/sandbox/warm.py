"""A process sandbox in which the next workers are up before they are asked for: for one who checks
the same work again and again, and waits for it.

A worker still serves one job only. Those in waiting have imported torch and have been told where
the submission will lie; they read it when the first question comes.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from grader.errors import SandboxError
from grader.sandbox.base import Exit, Job, Places, Worker
from grader.sandbox.conversation import start_message
from grader.sandbox.process import ProcessSandbox

_Kind = tuple[object, ...]   # what a worker is told when it starts, besides its scratch folder


@dataclass
class _Ready:
    """A worker that was told to start before its job came: told so again, it has done it."""

    worker: Worker
    start: bytes
    stack: ExitStack

    @property
    def places(self) -> Places:
        return self.worker.places

    def write(self, data: bytes) -> None:
        if data == self.start:
            self.start = b""
            return
        self.worker.write(data)

    def full_speed(self) -> None:
        self.worker.full_speed()

    def read(self, size: int) -> bytes:
        return self.worker.read(size)

    def stop(self) -> Exit:
        return self.worker.stop()


class WarmSandbox:
    """See `grader.sandbox.base.Sandbox`. `spares` workers wait for the next jobs; one for a job of
    another kind than the one before is started when it comes."""

    name = ProcessSandbox.name
    waits_quietly = False
    version = ProcessSandbox.version

    def __init__(self, sandbox: ProcessSandbox, spares: int = 1) -> None:
        self._sandbox = sandbox
        self._wanted = spares
        self._lock = threading.Lock()
        self._spares: list[_Ready] = []
        self._kind: _Kind | None = None
        self._closed = False

    @contextmanager
    def start(self, job: Job, gpus: Iterable[str] = ()) -> Iterator[Worker]:
        """A worker that is ready, or as good as; the next ones are begun when this one ends."""
        gpus = tuple(gpus)
        with self._lock:
            self._keep_to(_kind(job, gpus))
            ready = self._spares.pop(0) if self._spares else self._begun(job, gpus)
        try:
            with ready.stack:
                yield ready
        finally:
            threading.Thread(target=self._refill, args=(job, gpus), daemon=True).start()

    def close(self) -> None:
        """End what waits; for once, after the last job."""
        with self._lock:
            self._closed = True
            self._keep_to(None)

    def _refill(self, job: Job, gpus: tuple[str, ...]) -> None:
        for _ in range(self._wanted):
            with self._lock:
                wanted = self._kind == _kind(job, gpus) and not self._closed
                if not wanted or len(self._spares) >= self._wanted:
                    return
                try:
                    self._spares.append(self._begun(job, gpus))
                except SandboxError:
                    return   # whoever needs it is told

    def _begun(self, job: Job, gpus: tuple[str, ...]) -> _Ready:
        stack = ExitStack()
        worker = stack.enter_context(self._sandbox.start(job, gpus))
        start = start_message(worker, job)
        try:
            worker.write(start)
        except OSError:
            start = b""   # it is gone already; the conversation finds out, and says how
        return _Ready(worker, start, stack)

    def _keep_to(self, kind: _Kind | None) -> None:
        if kind != self._kind:
            for spare in self._spares:
                spare.stack.close()
            self._spares.clear()
            self._kind = kind


class Round:
    """A sandbox for one round of checking: once it is over, what runs in it ends and nothing new
    starts."""

    name = ProcessSandbox.name
    waits_quietly = False
    version = ProcessSandbox.version

    def __init__(self, sandbox: WarmSandbox) -> None:
        self._sandbox = sandbox
        self._lock = threading.Lock()
        self._workers: list[Worker] = []
        self._over = False

    @contextmanager
    def start(self, job: Job, gpus: Iterable[str] = ()) -> Iterator[Worker]:
        with self._sandbox.start(job, gpus) as worker:
            with self._lock:
                if self._over:
                    raise SandboxError("there is a newer version of this work")
                self._workers.append(worker)
            yield worker

    def end(self) -> None:
        with self._lock:
            self._over = True
            for worker in self._workers:
                worker.stop()


def _kind(job: Job, gpus: tuple[str, ...]) -> _Kind:
    return job.submission, job.data, job.limits, job.gpu_share, gpus
