"""A process sandbox that starts the next workers ahead of time, for `grader check --watch`.

A worker still serves one job only. Spare workers have imported torch and know the folder of the
submission; they read its files when the first question comes.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from grader.errors import SandboxError
from grader.sandbox.base import Exit, Job, Worker, WorkerPaths
from grader.sandbox.conversation import start_message
from grader.sandbox.process import ProcessSandbox

_Kind = tuple[object, ...]   # a spare worker serves a job of the same kind


@dataclass
class _Ready:
    """A worker that got its START message before its job came, and drops the second one."""

    worker: Worker
    start: bytes
    stack: ExitStack

    @property
    def paths(self) -> WorkerPaths:
        return self.worker.paths

    def write(self, data: bytes) -> None:
        if data == self.start:
            self.start = b""
            return
        self.worker.write(data)

    def full_speed(self) -> None:
        self.worker.full_speed()

    @property
    def held_back(self) -> bool:
        return self.worker.held_back

    def processor_seconds(self) -> float | None:
        return self.worker.processor_seconds()

    def read(self, size: int) -> bytes:
        return self.worker.read(size)

    def stop(self) -> Exit:
        return self.worker.stop()


class WarmSandbox:
    """A sandbox that keeps spare workers; see `grader.sandbox.base.Sandbox`.

    Spare workers fit jobs with the submission, data, limits and GPUs of the job before. For any
    other job a worker is started when the job comes.

    Args:
        sandbox: Starts the workers.
        spares: Number of spare workers.
    """

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

    def gpu_models(self, gpus: Collection[str]) -> tuple[str, ...]:
        return self._sandbox.gpu_models(gpus)

    @contextmanager
    def start(self, job: Job, gpus: Iterable[str] = ()) -> Iterator[Worker]:
        """Lend a worker that is ready or nearly so; new spare workers are started afterwards."""
        gpus = tuple(gpus)
        with self._lock:
            self._keep_only(_kind(job, gpus))
            ready = self._spares.pop(0) if self._spares else self._started(job, gpus)
        try:
            with ready.stack:
                yield ready
        finally:
            threading.Thread(target=self._refill, args=(job, gpus), daemon=True).start()

    def close(self) -> None:
        """End the spare workers. Call it once, after the last job."""
        with self._lock:
            self._closed = True
            self._keep_only(None)

    def _refill(self, job: Job, gpus: tuple[str, ...]) -> None:
        for _ in range(self._wanted):
            with self._lock:
                wanted = self._kind == _kind(job, gpus) and not self._closed
                if not wanted or len(self._spares) >= self._wanted:
                    return
                try:
                    self._spares.append(self._started(job, gpus))
                except SandboxError:
                    return   # the next job starts a worker itself, and reports the error

    def _started(self, job: Job, gpus: tuple[str, ...]) -> _Ready:
        stack = ExitStack()
        worker = stack.enter_context(self._sandbox.start(job, gpus))
        start = start_message(worker, job)
        try:
            worker.write(start)
        except OSError:
            start = b""   # it has ended already; the conversation will report how
        return _Ready(worker, start, stack)

    def _keep_only(self, kind: _Kind | None) -> None:
        if kind != self._kind:
            for spare in self._spares:
                spare.stack.close()
            self._spares.clear()
            self._kind = kind


class Round:
    """A sandbox for one round of checking: `end` stops its workers and lets no new one start."""

    name = ProcessSandbox.name
    waits_quietly = False
    version = ProcessSandbox.version

    def __init__(self, sandbox: WarmSandbox) -> None:
        self._sandbox = sandbox
        self._lock = threading.Lock()
        self._workers: list[Worker] = []
        self._over = False

    def gpu_models(self, gpus: Collection[str]) -> tuple[str, ...]:
        return self._sandbox.gpu_models(gpus)

    @contextmanager
    def start(self, job: Job, gpus: Iterable[str] = ()) -> Iterator[Worker]:
        with self._sandbox.start(job, gpus) as worker:
            with self._lock:
                if self._over:
                    raise SandboxError("the submission was saved again, so this check was stopped")
                self._workers.append(worker)
            yield worker

    def end(self) -> None:
        with self._lock:
            self._over = True
            for worker in self._workers:
                worker.stop()


def _kind(job: Job, gpus: tuple[str, ...]) -> _Kind:
    return job.submission, job.data, job.limits, job.gpu_share, job.gpu, gpus
