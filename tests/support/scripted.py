"""Workers that are threads of ours: they speak the protocol and find nothing in any submission."""

from __future__ import annotations

import io
import queue
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from grader import wire
from grader.sandbox.base import Exit, Job, WorkerPaths

ANSWERS_AFTER = 0.3   # seconds


class ScriptedWorker:
    """Ready at once; every answer takes a while, and is that nothing was found."""

    def __init__(self, events: list[tuple[str, str]], job: Job) -> None:
        self.paths = WorkerPaths("/submission", "/data", "/tmp")
        self._events, self._name = events, job.name
        self._said: queue.Queue[bytes] = queue.Queue()
        self._left = b""

    def write(self, data: bytes) -> None:
        frame = wire.read_frame(io.BytesIO(data).read)
        assert frame is not None
        message = frame[0]
        if message["type"] == wire.START:
            self._said.put(wire.encode({"type": wire.READY, "versions": {}}))
            return
        self._events.append((self._name, "asked"))
        time.sleep(ANSWERS_AFTER)
        answer = {"type": wire.ANSWER, "id": message["id"], "outcome": wire.NOT_FOUND}
        self._said.put(wire.encode(answer | {"message": "nothing"}))

    def full_speed(self) -> None:
        self._events.append((self._name, "at full speed"))

    held_back = False

    def processor_seconds(self) -> None:
        """Not known."""

    def read(self, size: int) -> bytes:
        if not self._left:
            self._left = self._said.get()
        piece, self._left = self._left[:size], self._left[size:]
        return piece

    def stop(self) -> Exit:
        self._said.put(b"")
        return Exit(0)


@dataclass
class ScriptedSandbox:
    """Starts such workers, and remembers what happened in which order and on which GPU."""

    events: list[tuple[str, str]] = field(default_factory=list)
    lent: list[tuple[tuple[str, ...], float | None, frozenset[str]]] = field(default_factory=list)
    name: str = "scripted"
    version: str = "1"
    waits_quietly: bool = True

    def gpu_models(self, gpus: Collection[str]) -> tuple[str, ...]:
        return ()

    @contextmanager
    def start(self, job: Job, gpus: Iterable[str]) -> Iterator[ScriptedWorker]:
        kinds = frozenset(question.kind for question in job.questions)
        self.lent.append((tuple(gpus), job.gpu_share, kinds))
        self.events.append((job.name, "started"))
        worker = ScriptedWorker(self.events, job)
        try:
            yield worker
        finally:
            worker.stop()
            self.events.append((job.name, "gone"))
