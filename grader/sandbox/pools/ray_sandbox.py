"""The sandbox whose workers run on the nodes of a Ray cluster. Ray chooses the node and the GPU."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import GetTimeoutError, RayError, RayTaskError

from grader.errors import EngineMissing, ImageMissing, NodeLost, NoNodeLeft, SandboxError
from grader.rubric.model import Limits
from grader.sandbox.base import Exit, Job, WorkerPaths
from grader.sandbox.docker.image import version_of
from grader.sandbox.pools import shipping
from grader.sandbox.pools.pool import UNKNOWN
from grader.sandbox.pools.ray_cluster import Node, alive_nodes
from grader.sandbox.pools.ray_node import Cell, Settings

_PIECE = 8 * 2**20        # bytes that one call reads at most
_LOOK_SECONDS = 0.5       # between looks at whether the run goes on, while a worker waits for room
_CLOCK_SECONDS = 10.0     # for an answer about processor time
_STOP_SECONDS = 120.0     # longer than a node's engine takes to kill a container or give up
_CLOSE_SECONDS = 30.0
_THREADS = 6              # of an actor: one reads, one writes, others ask for the time and stop
_OVER = "the run is over: no more workers are started"


class RayWorker:
    """A worker on a node; see `grader.sandbox.base.Worker`. Each call goes to the node's actor."""

    held_back = False

    def __init__(self, cell: Any, node: str, paths: WorkerPaths) -> None:
        self.paths, self.node, self.stderr = paths, node, ""
        self._cell = cell
        self._buffer = b""
        self._exit: Exit | None = None
        self._lost: str | None = None   # why the node was not reached; it stays, once set
        self._stopping = threading.Lock()

    def write(self, data: bytes) -> None:
        """Send all of `data`; see `grader.sandbox.base.Worker` for this and the methods below."""
        try:
            self._call("write", data)
        except SandboxError as error:
            raise OSError(str(error)) from None

    def full_speed(self) -> None:
        """Do nothing: the actor has called it on the node, as soon as the container was up."""

    def processor_seconds(self) -> float | None:
        try:
            seconds: float | None = ray.get(
                self._cell.processor_seconds.remote(), timeout=_CLOCK_SECONDS
            )
        except RayError:   # what is read or stopped next finds out why
            return None
        return seconds

    def read(self, size: int) -> bytes:
        if not self._buffer:
            try:
                self._buffer = self._call("read", _PIECE)
            except SandboxError:
                return b""
        piece, self._buffer = self._buffer[:size], self._buffer[size:]
        return piece

    def stop(self) -> Exit:
        with self._stopping:
            if self._exit is None:
                try:
                    self._exit, self.stderr = self._call("stop", timeout=_STOP_SECONDS)
                except SandboxError as error:
                    self._exit = Exit(None, lost=str(error))
                # An actor can outlive its node's death, and then reports an honest-looking exit.
                if self._lost is not None:
                    self._exit = Exit(None, lost=self._lost, node_lost=True)
            return self._exit

    def _call(self, method: str, *arguments: Any, timeout: float | None = None) -> Any:
        """Call a method of the actor.

        Raises:
            NodeLost: The actor was not reached.
            SandboxError: The method raised an error.
        """
        try:
            return ray.get(getattr(self._cell, method).remote(*arguments), timeout=timeout)
        except RayTaskError as error:
            raise _raised_there(self.node, error) from None
        except RayError as error:
            self._lost = self._lost or _lost(self.node, error)
            raise NodeLost(self._lost) from None


class RaySandbox:
    """Starts each worker in a container on some node; see `grader.sandbox.base.Sandbox`.

    The ids of GPUs that `start` gets only say that a GPU is wanted.

    Args:
        settings: What all workers have in common.
        models: The models of all GPUs that may be lent, each once and sorted.
        names: The name of each node, by Ray's id of it.
        slots_per_gpu: Workers that share a GPU.
        demands: Further options of an actor, such as labels of nodes.
        gpu_demands: Further options of an actor that has a GPU, such as its model.
        may_use: Says whether a node belongs to the pool.
        stop: Once set, a worker that still waits for room is not started.
        cell: The actor's class; tests replace it.
    """

    name = "docker"
    waits_quietly = False

    def __init__(
        self,
        settings: Settings,
        models: tuple[str, ...],
        names: Mapping[str, str],
        slots_per_gpu: int,
        demands: Mapping[str, Any],
        gpu_demands: Mapping[str, Any],
        may_use: Callable[[Node], bool],
        stop: threading.Event,
        cell: type[Cell] = Cell,
    ) -> None:
        # As `DockerSandbox.version` of the same image, so that answers hold on both.
        self.version = version_of(settings.image_id, settings.runtime)
        self._settings, self._names, self._models = settings, names, models
        self._slots_per_gpu = slots_per_gpu
        self._demands, self._gpu_demands = demands, gpu_demands
        self._may_use, self._stop, self._over = may_use, stop, False
        self._actor = ray.remote(cell)
        self._lock = threading.Lock()
        self._cells: set[Any] = set()
        self._data: dict[Path, tuple[str, list[Any]]] = {}

    def gpu_models(self, gpus: Collection[str]) -> tuple[str, ...]:
        """Return the models of all GPUs of the cluster: any may be the one that a worker gets."""
        return self._models if gpus and UNKNOWN not in self._models else ()

    @contextmanager
    def start(self, job: Job, gpus: Iterable[str]) -> Iterator[RayWorker]:
        """Start a worker on a node that has room, which is waited for as long as it takes."""
        cell = self._hired(job, any(True for _ in gpus))
        try:
            node = self._placed(cell, job.limits)
            yield RayWorker(cell, node, self._begun(cell, node, job))
        finally:
            if not self._over:   # otherwise `close` ends it
                with suppress(RayError):
                    ray.get(cell.close.remote(), timeout=_CLOSE_SECONDS)
                self._end(cell)

    def close(self) -> None:
        """End every worker, running or waiting, and let no new one start."""
        with self._lock:
            self._over = True
        for cell in tuple(self._cells):
            self._end(cell)

    def _hired(self, job: Job, has_gpu: bool) -> Any:
        """Ask Ray for an actor; it exists once a node has room."""
        limits = job.limits
        wanted: dict[str, Any] = {
            "num_cpus": limits.cpus,
            "memory": limits.memory_mib * 2**20,
            "max_restarts": 0,   # what it did is lost with it; the pipeline asks anew
            "max_concurrency": _THREADS,
            **self._demands,
        }
        if has_gpu:
            wanted |= {"num_gpus": 1 / self._slots_per_gpu, **self._gpu_demands}
        with self._lock:
            if self._over:
                raise SandboxError(_OVER)
            cell = self._actor.options(**wanted).remote(self._settings)
            self._cells.add(cell)
        return cell

    def _placed(self, cell: Any, limits: Limits) -> str:
        """Wait until the actor has a node, and return the node's name."""
        given = cell.node.remote()
        while not self._over:
            ready, _ = ray.wait([given], timeout=_LOOK_SECONDS)
            if ready:
                node = _answer(given, "a node")
                return self._names.get(node, f"node {node[:8]}")
            if self._stop.is_set():
                raise SandboxError("the run was stopped before a machine had room for this worker")
            if not any(_fits(one, limits) for one in alive_nodes() if self._may_use(one)):
                gone = ", ".join(self._names.values())
                raise NoNodeLeft(f"no machine of the cluster is left that could run this: {gone}")
        raise SandboxError(_OVER)

    def _begun(self, cell: Any, node: str, job: Job) -> WorkerPaths:
        limits = job.limits.model_dump(mode="json")
        submission, data = shipping.packed(job.submission), self._view(job.data)
        paths: WorkerPaths = _answer(
            cell.start.remote(submission, limits, data), node
        )
        return paths

    def _view(self, folder: Path | None) -> tuple[str, list[Any]] | None:
        """Return digest and Ray reference of the data; in a list, a reference is fetched on demand.

        A node fetches it once and keeps the files.
        """
        if folder is None:
            return None
        with self._lock:
            if folder not in self._data:
                archive = shipping.packed(folder)
                self._data[folder] = shipping.digest_of(archive), [ray.put(archive)]
            return self._data[folder]

    def _end(self, cell: Any) -> None:
        with suppress(Exception):   # Ray's client raises errors of its own if the head is gone
            ray.kill(cell)
        self._cells.discard(cell)


def _fits(node: Node, limits: Limits) -> bool:
    """Say if a node is large enough, once it has nothing else to do."""
    has = node["Resources"]
    memory = limits.memory_mib * 2**20
    return bool(has.get("CPU", 0) >= limits.cpus and has.get("memory", 0) >= memory)


def _answer(given: Any, node: str) -> Any:
    """Return an actor's answer; errors as those of `RayWorker._call`."""
    try:
        return ray.get(given)
    except RayTaskError as error:
        raise _raised_there(node, error) from None
    except RayError as error:
        raise NodeLost(_lost(node, error)) from None


def _raised_there(node: str, error: RayTaskError) -> SandboxError:
    """Return the error of an actor.

    A node that lost its engine or its image starts nothing more, and other nodes have theirs.
    """
    gone = isinstance(error.cause, EngineMissing | ImageMissing)
    kind = NodeLost if gone else SandboxError
    return kind(f"{node}: {error.cause}")


def _lost(node: str, error: RayError) -> str:
    """Describe in one line why a node was not reached."""
    if isinstance(error, GetTimeoutError):
        return f"contact with {node} was lost: it does not answer"
    said = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    return f"contact with {node} was lost ({type(error).__name__}: {said[:200]})"
