"""A worker that answers at once, with the replies that a real worker gave before.

`Recording` is a sandbox around a real one and stores each reply, byte by byte as it came over the
wire. `InstantSandbox` replays the replies in this process. Everything on the host runs as usual:
the conversation and its thread, the framing, the validation of answers, judging, the gradebook and
the pages.

A reply is found by a digest of the whole question, its images included, so both runs must have the
same seed. A question that was not recorded is an error of the harness, and shows as one. Replies of
the reference are kept apart from those of students.
"""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from grader import wire
from grader.errors import SandboxError
from grader.sandbox.base import Exit, Job, Sandbox, Worker, WorkerPaths

REFERENCE = "reference"   # the pipeline's name for the reference solution


@dataclass(frozen=True)
class Recording:
    """A sandbox that writes the replies of another sandbox's workers into `folder`, a file each."""

    sandbox: Sandbox
    folder: Path

    @property
    def name(self) -> str:
        return self.sandbox.name

    @property
    def version(self) -> str:
        return self.sandbox.version

    @property
    def waits_quietly(self) -> bool:
        return False

    def gpu_models(self, gpus: Collection[str]) -> tuple[str, ...]:
        return self.sandbox.gpu_models(gpus)

    @contextmanager
    def start(self, job: Job, gpus: Iterable[str]) -> Iterator[RecordedWorker]:
        with self.sandbox.start(job, gpus) as worker:
            recorded = RecordedWorker(worker, self.folder, job.name)
            try:
                yield recorded
            finally:
                recorded.write_down()


class RecordedWorker:
    """A worker that stores its replies; see `base.Worker`.

    A worker writes only when it is asked, so everything that is read until the next question, or
    the end, is the reply to the last one.
    """

    def __init__(self, worker: Worker, folder: Path, who: str) -> None:
        self.paths = worker.paths
        self._worker, self._folder, self._who = worker, folder, who
        self._asked = ""
        self._reply = bytearray()

    def write(self, data: bytes) -> None:
        self.write_down()
        self._asked = _key(self._who, data)
        self._worker.write(data)

    def full_speed(self) -> None:
        self._worker.full_speed()

    @property
    def held_back(self) -> bool:
        return self._worker.held_back

    def processor_seconds(self) -> float | None:
        return self._worker.processor_seconds()

    def read(self, size: int) -> bytes:
        data = self._worker.read(size)
        self._reply += data
        return data

    def stop(self) -> Exit:
        return self._worker.stop()

    def write_down(self) -> None:
        if self._asked and self._reply:
            (self._folder / self._asked).write_bytes(self._reply)
        self._reply.clear()


class InstantSandbox:
    """A sandbox that replays recorded replies; see `grader.sandbox.base.Sandbox`."""

    name = "instant"
    version = "1"
    waits_quietly = False

    def __init__(self, replies: Mapping[str, bytes]) -> None:
        self._replies = replies

    def gpu_models(self, gpus: Collection[str]) -> tuple[str, ...]:
        return ()

    @contextmanager
    def start(self, job: Job, gpus: Iterable[str]) -> Iterator[InstantWorker]:
        worker = InstantWorker(self._replies, job)
        try:
            yield worker
        finally:
            worker.stop()


class InstantWorker:
    """A worker that answers each question within the call that asks it; see `base.Worker`."""

    def __init__(self, replies: Mapping[str, bytes], job: Job) -> None:
        self.paths = WorkerPaths(str(job.submission), str(job.data), "")
        self._replies, self._who = replies, job.name
        self._reply = io.BytesIO()
        self._news = threading.Condition()
        self._ended = False

    def write(self, data: bytes) -> None:
        key = _key(self._who, data)
        if key not in self._replies:
            raise SandboxError(f"{self._who} was asked a question that was not recorded")
        with self._news:
            self._reply = io.BytesIO(self._reply.read() + self._replies[key])
            self._news.notify()

    held_back = False

    def full_speed(self) -> None:
        pass

    def processor_seconds(self) -> None:
        pass

    def read(self, size: int) -> bytes:
        with self._news:
            while not (data := self._reply.read(size)) and not self._ended:
                self._news.wait()
            return data

    def stop(self) -> Exit:
        with self._news:
            self._ended = True
            self._news.notify()
        return Exit(0)


def replies_in(folder: Path) -> Mapping[str, bytes]:
    """Return the replies that a `Recording` wrote into a folder, by question."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def _key(who: str, data: bytes) -> str:
    """Return a file name for a message to a worker: for a question, a digest of its content."""
    frame = wire.read_frame(io.BytesIO(data).read)
    assert frame is not None
    message, _ = frame
    role = REFERENCE if who == REFERENCE else "student"
    if message["type"] == wire.START:   # differs between runs, since it names their folders
        return f"{role}-start"
    return f"{role}-{hashlib.sha256(data).hexdigest()}"
