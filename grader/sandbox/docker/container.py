"""Starts one fresh container per job, with nothing in it that the job does not need."""

from __future__ import annotations

import dataclasses
import secrets
import threading
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from grader.errors import EngineMissing, SandboxError
from grader.sandbox.base import Exit, Job, WorkerPaths
from grader.sandbox.docker.engine import (
    ContainerGoneError,
    Engine,
    check_runtime,
    device_requests,
    engine_errors,
    gpu_models,
)
from grader.sandbox.docker.image import id_of, version_of
from grader.sandbox.docker.inputs import Inputs
from grader.sandbox.docker.leftovers import Gate, labels, reap_leftovers, remove_run
from grader.sandbox.docker.lockdown import USER, environment, host_config, worker_paths
from grader.sandbox.docker.shares import FULL, Shares
from grader.sandbox.docker.stream import Streams

_SIGKILL = 9
_SIGNALLED = 128        # the engine reports 128 + n for a process that signal n ended
_ENDING_SECONDS = 2.0   # at most, from the end of stdout to the end of the process
_KILL_SECONDS = 30.0    # time for the engine to carry out a kill
_OOM_SECONDS = 1.0      # how long after the exit the engine may learn of a memory kill
_POLL_SECONDS = 0.02


@dataclass(frozen=True)
class DockerSandbox:
    """Starts workers in containers; see `grader.sandbox.base.Sandbox`.

    Attributes:
        engine: The Docker Engine.
        image: Name or Id of the worker's image.
        runtime: Another OCI runtime, such as `runsc`; None: the engine's default.
        command: Replaces the image's entrypoint, for tests; None: the worker.
        run: Id of this run, in the containers' names and labels.
    """

    engine: Engine
    image: str
    runtime: str | None = None
    command: Sequence[str] | None = None
    run: str = field(default_factory=lambda: secrets.token_hex(4))
    name: str = "docker"
    inputs: Inputs = field(default_factory=Inputs, repr=False, compare=False)
    gate: Gate = field(default_factory=Gate, repr=False, compare=False)
    shares: Shares = field(default_factory=Shares, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Raise UsageError if the engine does not have the runtime, before a job needs it."""
        if self.runtime is not None:
            check_runtime(self.runtime, self.engine)

    @cached_property
    def image_id(self) -> str:
        """The image that all containers of this run are made of, whatever its name means later.

        Raises:
            ImageMissing: The engine has no such image.
        """
        return id_of(self.engine, self.image)

    @property
    def version(self) -> str:
        """The image's Id and the runtime: an image that is built again may differ."""
        return version_of(self.image_id, self.runtime)

    @property
    def waits_quietly(self) -> bool:
        # gVisor and other runtimes do not change the limits of a running container.
        return self.engine.shares and self.runtime is None

    def gpu_models(self, gpus: Collection[str]) -> tuple[str, ...]:
        return gpu_models(gpus, self.engine, self.image_id)

    def reap_leftovers(self) -> int:
        """Remove containers that killed graders left behind, and return their number.

        Call it once, before the first job.
        """
        return reap_leftovers(self.engine)

    def close(self) -> None:
        """Remove all containers of this run, running or not, and let no new one start.

        Call it once, after the last job.
        """
        self.gate.shut()
        with suppress(SandboxError):   # if the engine is gone, the next grader removes them
            remove_run(self.engine, self.run)

    @contextmanager
    def start(self, job: Job, gpus: Iterable[str]) -> Iterator[Container]:
        """Start a worker in a container of its own; leaving the context removes the container."""
        with self.inputs.lent(job.data) as data:
            own = dataclasses.replace(job, data=data)
            with self._container(own, tuple(gpus)) as container:
                yield container

    @contextmanager
    def _container(self, job: Job, gpus: Sequence[str]) -> Iterator[Container]:
        # Named here, so that it can be removed even if its creation is interrupted.
        name = f"grader-{self.run}-{secrets.token_hex(4)}"
        container: Container | None = None
        try:
            with engine_errors(f"starting the container for {job.name}"):
                container = self._started(name, job, gpus)
            yield container
        finally:
            if container is not None:
                self.shares.ended(self.engine, name)
                container.close()
            # If the engine is gone, `stop` has reported that; the next grader's `reap_leftovers`
            # removes the container.
            with suppress(SandboxError), engine_errors(f"removing the container {name}"):
                self.engine.api.remove_container(name, force=True, v=True)

    def _started(self, name: str, job: Job, gpus: Sequence[str]) -> Container:
        api = self.engine.api
        weight = self.shares.of_a_new_one if self.waits_quietly else FULL
        with self.gate.passed():
            self._create(name, job, gpus, weight)
        # Attached before the start, so that no output is missed.
        streams = Streams(
            api.attach_socket(name, params={"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1})
        )
        try:
            api.start(name)
        except BaseException:
            streams.close()
            raise
        shares = self.shares if self.waits_quietly else None
        if shares is not None:
            shares.started(self.engine, name, weight)
        return Container(self.engine, name, streams, worker_paths(job), shares)

    def _create(self, name: str, job: Job, gpus: Sequence[str], weight: int) -> None:
        devices = device_requests(gpus)
        self.engine.api.create_container(
            self.image_id,
            name=name,
            hostname="worker",
            user=USER,
            entrypoint=list(self.command) if self.command else None,
            environment=environment(job.limits, devices),
            labels=labels(self.run),
            stdin_open=True,          # closed for good when this process closes or ends
            network_disabled=True,
            host_config=host_config(
                job, cpus=self.engine.cpus, shares=weight, devices=devices, runtime=self.runtime
            ),
            use_config_proxy=False,   # students' code must not read a proxy's password
        )


class Container:
    """A worker in a container; see `grader.sandbox.base.Worker`."""

    def __init__(
        self, engine: Engine, name: str, streams: Streams, paths: WorkerPaths,
        shares: Shares | None,
    ) -> None:
        self.name, self.paths = name, paths
        self._shares = shares   # None: the weights of containers cannot be changed
        self._engine, self._streams = engine, streams
        self._stopping = threading.Lock()
        self._exit: Exit | None = None

    def write(self, data: bytes) -> None:
        """Send all of `data`; see `grader.sandbox.base.Worker` for this and the methods below."""
        self._streams.write(data)

    def full_speed(self) -> None:
        if self._shares is not None:
            self._shares.in_turn(self._engine, self.name)

    @property
    def held_back(self) -> bool:
        return self._shares is not None and self._shares.is_held_back(self.name)

    def processor_seconds(self) -> float | None:
        try:
            with engine_errors(f"asking for the processor time of {self.name}"):
                found = self._engine.api.stats(self.name, stream=False, one_shot=True)
            return int(found["cpu_stats"]["cpu_usage"]["total_usage"]) / 1e9
        except (SandboxError, KeyError, TypeError):
            return None

    def read(self, size: int) -> bytes:
        return self._streams.read(size)

    @property
    def stderr(self) -> str:
        """The last part of the worker's own stderr, which explains why it failed."""
        return self._streams.stderr

    def stop(self) -> Exit:
        with self._stopping:
            if self._exit is None:
                try:
                    self._exit = self._end()
                except ContainerGoneError:
                    self._exit = Exit(
                        None, lost=f"{self.name} was removed from outside while in use"
                    )
                except EngineMissing as error:
                    self._exit = Exit(None, lost=f"the Docker Engine stopped answering: {error}")
                except SandboxError as error:
                    self._exit = Exit(None, lost=str(error))
                self._streams.hang_up()
            return self._exit

    def close(self) -> None:
        """Close the streams; a thread that still reads or writes gets an end or an error."""
        self._streams.close()

    def _end(self) -> Exit:
        ended = self._streams.ended
        self._streams.discard()   # otherwise the engine hangs: see stream.py
        # After the end of stdout the process is ending by itself, and a kill would hide how.
        state = self._state_when("stopped", _ENDING_SECONDS if ended else 0)
        if state["Running"] and self._kill():
            state = self._state_when("stopped", _KILL_SECONDS)
            if state["Running"]:
                return Exit(
                    None, lost=f"{self.name} still ran {_KILL_SECONDS:.0f} s after it was killed"
                )
            return Exit(-_SIGKILL, bool(state["OOMKilled"]))
        if state["ExitCode"] == _SIGNALLED + _SIGKILL:
            state = self._state_when("out of memory", _OOM_SECONDS)
            if not state["OOMKilled"]:
                # Nothing inside can kill process 1. The machine ran out of memory, the engine was
                # restarted, or a person killed the container.
                return Exit(None, lost=f"{self.name} was killed from outside")
        if state["Error"]:
            return Exit(None, lost=f"{self.name}: {state['Error']}")
        code = int(state["ExitCode"])
        return Exit(_SIGNALLED - code if code > _SIGNALLED else code, bool(state["OOMKilled"]))

    def _kill(self) -> bool:
        """Kill the container. Returns False if it had just ended by itself."""
        try:
            with engine_errors(f"killing {self.name}"):
                self._engine.api.kill(self.name, "SIGKILL")
        except (ContainerGoneError, EngineMissing):
            raise
        except SandboxError:   # "is not running": it has just ended by itself
            if self._state()["Running"]:
                raise
            return False
        return True

    def _state_when(self, what: str, seconds: float) -> dict[str, Any]:
        """Wait until the container is "stopped" or "out of memory", and return its state.

        After `seconds` the state is returned as it is then.
        """
        until = time.monotonic() + seconds
        while True:
            state = self._state()
            reached = not state["Running"] if what == "stopped" else state["OOMKilled"]
            if reached or time.monotonic() >= until:
                return state
            time.sleep(_POLL_SECONDS)

    def _state(self) -> dict[str, Any]:
        with engine_errors(f"asking how {self.name} ended"):
            state: dict[str, Any] = self._engine.api.inspect_container(self.name)["State"]
            return state
