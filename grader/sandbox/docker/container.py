"""One fresh container per job, with nothing in it that the job does not need."""

from __future__ import annotations

import dataclasses
import secrets
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from grader.errors import EngineMissing, SandboxError
from grader.sandbox.base import Exit, Job, Places
from grader.sandbox.docker.engine import (
    ContainerGoneError,
    Engine,
    check_runtime,
    device_requests,
    engine_errors,
)
from grader.sandbox.docker.inputs import Inputs
from grader.sandbox.docker.leftovers import labels, reap_leftovers, remove_run
from grader.sandbox.docker.settings import FULL_SHARES, USER, environment, host_config, places
from grader.sandbox.docker.stream import Streams

_SIGKILL = 9
_SIGNALLED = 128        # the engine says 128 + n for a process that signal n ended
_ENDING_SECONDS = 2.0   # from the end of stdout to the end of the process
_KILL_SECONDS = 30.0    # what the engine may take to carry out a kill
_MEMORY_NEWS = 1.0      # how much later than the exit the engine may hear of the memory
_POLL_SECONDS = 0.02
_SHUT_SECONDS = 5.0     # for the one container that is just being created


class Gate:
    """Through which each container comes into being; once shut, none does."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_shut = False

    @contextmanager
    def passed(self) -> Iterator[None]:
        """Raises SandboxError when the run is over."""
        with self._lock:
            if self._is_shut:
                raise SandboxError("the run is over: no container is started any more")
            yield

    def shut(self) -> None:
        """Whatever has passed is there by now, for whoever removes it, unless the engine hangs."""
        self._is_shut = True
        if self._lock.acquire(timeout=_SHUT_SECONDS):
            self._lock.release()


@dataclass(frozen=True)
class DockerSandbox:
    """Starts workers in containers of `image`. `runtime` is passed on: `runsc`, for example.

    `command` takes the place of the image's own entrypoint; the tests look around with it.
    """

    engine: Engine
    image: str
    runtime: str | None = None
    command: Sequence[str] | None = None
    run: str = field(default_factory=lambda: secrets.token_hex(4))
    name: str = "docker"
    inputs: Inputs = field(default_factory=Inputs, repr=False, compare=False)
    gate: Gate = field(default_factory=Gate, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Refuses a runtime that is not there before anybody's submission is started in it."""
        if self.runtime is not None:
            check_runtime(self.runtime, self.engine)

    @property
    def version(self) -> str:
        """The image's name, which is a digest of all that is in it, and what it runs on."""
        return f"{self.image} {self.runtime or ''}".strip()

    @property
    def waits_quietly(self) -> bool:
        # gVisor and its like do not change a container that runs.
        return self.engine.shares and self.runtime is None

    def reap_leftovers(self) -> int:
        """Remove what killed graders left behind, and count it; for once, before the first job."""
        return reap_leftovers(self.engine)

    def close(self) -> None:
        """Remove this run's own containers, at whatever they are; for once, after the last job.
        Those that were just getting ready for a job do not come after that."""
        self.gate.shut()
        with suppress(SandboxError):   # an engine that is gone: the next grader sees to it
            remove_run(self.engine, self.run)

    @contextmanager
    def start(self, job: Job, gpus: Iterable[str]) -> Iterator[Container]:
        """A worker in a container of its own, which is removed when the context is left."""
        with self.inputs.lent(job.data) as data:
            own = dataclasses.replace(job, data=data)
            with self._container(own, tuple(gpus)) as container:
                yield container

    @contextmanager
    def _container(self, job: Job, gpus: Sequence[str]) -> Iterator[Container]:
        # Named here, so that it can be removed even when its creation is interrupted.
        name = f"grader-{self.run}-{secrets.token_hex(4)}"
        container: Container | None = None
        try:
            with engine_errors(f"starting the container for {job.name}"):
                container = self._started(name, job, gpus)
            yield container
        finally:
            if container is not None:
                container.close()
            # An engine that is gone by now is no news to whoever asked `stop`; what stays is for
            # the next grader's `reap_leftovers`.
            with suppress(SandboxError), engine_errors(f"removing the container {name}"):
                self.engine.api.remove_container(name, force=True, v=True)

    def _started(self, name: str, job: Job, gpus: Sequence[str]) -> Container:
        api = self.engine.api
        with self.gate.passed():
            self._create(name, job, gpus)
        # Attached before it starts: nothing that it says is missed.
        streams = Streams(
            api.attach_socket(name, params={"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1})
        )
        try:
            api.start(name)
        except BaseException:
            streams.close()
            raise
        return Container(self.engine, name, streams, places(job), self.waits_quietly)

    def _create(self, name: str, job: Job, gpus: Sequence[str]) -> None:
        self.engine.api.create_container(
            self.image,
            name=name,
            hostname="worker",
            user=USER,
            entrypoint=list(self.command) if self.command else None,
            environment=environment(job.limits),
            labels=labels(self.run),
            stdin_open=True,          # and closed for good when this process lets go of it
            network_disabled=True,
            host_config=host_config(
                job, cpus=self.engine.cpus, devices=device_requests(gpus), runtime=self.runtime
            ),
            use_config_proxy=False,   # a proxy's password is nothing for a student's code to read
        )


class Container:
    """A started worker: `grader.sandbox.base.Worker`, in a container."""

    def __init__(
        self, engine: Engine, name: str, streams: Streams, places: Places, waits_quietly: bool
    ) -> None:
        self.name, self.places = name, places
        self._waits_quietly = waits_quietly
        self._engine, self._streams = engine, streams
        self._stopping = threading.Lock()
        self._exit: Exit | None = None

    def write(self, data: bytes) -> None:
        """See `grader.sandbox.base.Worker`, here and below."""
        self._streams.write(data)

    def full_speed(self) -> None:
        if self._waits_quietly:
            with engine_errors(f"giving {self.name} the processor"):
                self._engine.api.update_container(self.name, cpu_shares=FULL_SHARES)

    def read(self, size: int) -> bytes:
        return self._streams.read(size)

    @property
    def stderr(self) -> str:
        """The tail of the worker's own stderr, which explains a worker that broke."""
        return self._streams.stderr

    def stop(self) -> Exit:
        with self._stopping:
            if self._exit is None:
                try:
                    self._exit = self._end()
                except ContainerGoneError:
                    self._exit = Exit(None, lost=f"{self.name} was removed from outside, in use")
                except EngineMissing as error:
                    self._exit = Exit(None, lost=f"the Docker Engine went away: {error}")
                except SandboxError as error:
                    self._exit = Exit(None, lost=str(error))
                self._streams.hang_up()
            return self._exit

    def close(self) -> None:
        """Let go of the streams; whoever still reads or writes is told that it is over."""
        self._streams.close()

    def _end(self) -> Exit:
        ended = self._streams.ended
        self._streams.discard()   # or the engine hangs: see stream.py
        # After the end of stdout the process is on its way out, and a kill would blur how.
        state = self._state_when("stopped", _ENDING_SECONDS if ended else 0)
        if state["Running"] and self._kill():
            state = self._state_when("stopped", _KILL_SECONDS)
            if state["Running"]:
                return Exit(None, lost=f"{self.name} outlived its kill by {_KILL_SECONDS:.0f} s")
            return Exit(-_SIGKILL, bool(state["OOMKilled"]))
        if state["ExitCode"] == _SIGNALLED + _SIGKILL:
            state = self._state_when("out of memory", _MEMORY_NEWS)
            if not state["OOMKilled"]:
                # Nothing inside can kill process 1. The machine ran out of memory, the engine was
                # restarted, or a person did it.
                return Exit(None, lost=f"{self.name} was killed from outside")
        if state["Error"]:
            return Exit(None, lost=f"{self.name}: {state['Error']}")
        code = int(state["ExitCode"])
        return Exit(_SIGNALLED - code if code > _SIGNALLED else code, bool(state["OOMKilled"]))

    def _kill(self) -> bool:
        """Whether it was this that ended the container, and not the container itself."""
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
        """The container's state, as soon as it is so, or as it is after that time."""
        until = time.monotonic() + seconds
        while True:
            state = self._state()
            so = not state["Running"] if what == "stopped" else state["OOMKilled"]
            if so or time.monotonic() >= until:
                return state
            time.sleep(_POLL_SECONDS)

    def _state(self) -> dict[str, Any]:
        with engine_errors(f"asking how {self.name} ended"):
            state: dict[str, Any] = self._engine.api.inspect_container(self.name)["State"]
            return state
