"""A sandbox on machines that can be lost: it shares another sandbox's workers out to named nodes.

A node that is lost takes its workers with it. As on a real cluster, who talks to such a worker
reads the end of its stream and learns why only from the way in which it ended.
"""

from __future__ import annotations

import io
import itertools
import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager

from grader import wire
from grader.errors import NodeLost, NoNodeLeft
from grader.sandbox.base import Exit, Job, Sandbox, Worker, WorkerPaths

# When a node may be lost: before its worker starts, before the worker is ready, at a question, and
# after the last answer.
MOMENTS = ("start", "ready", "asked", "stop")
Loses = Callable[[str, str], bool]   # (name of the job, one of MOMENTS): its node is lost now


class Nodes:
    """Starts workers on its nodes in turn; see `grader.sandbox.base.Sandbox`.

    Args:
        inner: Starts the workers.
        names: Names of the nodes.
        loses: Decides whether the node of a job is lost.
    """

    name, version, waits_quietly = "nodes", "1", False

    def __init__(self, inner: Sandbox, names: Iterable[str], loses: Loses) -> None:
        self._inner, self._loses = inner, loses
        self.names = tuple(names)
        self._turns = itertools.cycle(self.names)
        self.lost: set[str] = set()
        self.started: list[tuple[str, str]] = []   # (job, node)
        self._lock = threading.Lock()

    def gpu_models(self, gpus: Collection[str]) -> tuple[str, ...]:
        return self._inner.gpu_models(gpus)

    @contextmanager
    def start(self, job: Job, gpus: Iterable[str]) -> Iterator[Worker]:
        node = self._one_that_is_left()
        self.started.append((job.name, node))
        if self.goes_away(node, job.name, "start"):
            raise NodeLost(f"{node} went away while a worker started")
        with self._inner.start(job, gpus) as worker:
            yield OnNode(worker, job.name, node, self)

    def goes_away(self, node: str, job: str, moment: str) -> bool:
        """Say whether the node is gone; it may go at this moment."""
        with self._lock:
            if node not in self.lost and self._loses(job, moment):
                self.lost.add(node)
            return node in self.lost

    def _one_that_is_left(self) -> str:
        with self._lock:
            if len(self.lost) == len(self.names):
                raise NoNodeLeft(f"no machine is left: {', '.join(sorted(self.lost))} went away")
            return next(node for node in self._turns if node not in self.lost)


class OnNode:
    """A worker on a node; see `grader.sandbox.base.Worker`."""

    held_back = False

    def __init__(self, worker: Worker, job: str, node: str, nodes: Nodes) -> None:
        self._worker, self._job, self._node, self._nodes = worker, job, node, nodes

    @property
    def paths(self) -> WorkerPaths:
        return self._worker.paths

    def write(self, data: bytes) -> None:
        frame = wire.read_frame(io.BytesIO(data).read)
        assert frame is not None
        moment = "ready" if frame[0]["type"] == wire.START else "asked"
        if self._nodes.goes_away(self._node, self._job, moment):
            self._worker.stop()
            raise OSError(f"{self._node} does not answer")
        self._worker.write(data)

    def full_speed(self) -> None:
        self._worker.full_speed()

    def processor_seconds(self) -> float | None:
        return self._worker.processor_seconds()

    def read(self, size: int) -> bytes:
        return self._worker.read(size)

    def stop(self) -> Exit:
        ended = self._worker.stop()
        if self._nodes.goes_away(self._node, self._job, "stop"):
            return Exit(None, lost=f"{self._node} went away", node_lost=True)
        return ended
