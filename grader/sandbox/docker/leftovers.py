"""Removes the containers of a run that is over, and those that a killed grader left behind.

A worker ends when its stdin closes, so nothing keeps running after its grader was killed; only the
stopped container can stay. Labels on each container name the process that created it.
"""

from __future__ import annotations

import platform
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from grader.errors import SandboxError
from grader.sandbox.docker.engine import Engine, engine_errors

RUN = "grader.run"
_WORLD = "grader.world"   # the boot and the process namespace that the pid belongs to
OWNER = "grader.owner"   # pid and start time, since pids are used again
_OTHER_WORLD_KEPT = 3600  # seconds
_SHUT_SECONDS = 5.0   # time for a container that is just being created


class Gate:
    """Guards the creation of containers: once it is shut, none is created."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_shut = False

    @contextmanager
    def passed(self) -> Iterator[None]:
        """Create a container within this context. Raises SandboxError when the run is over."""
        with self._lock:
            if self._is_shut:
                raise SandboxError("the run is over: no more containers are started")
            yield

    def shut(self) -> None:
        """Let no more containers through, and wait until one that is being created exists.

        The wait is bounded, in case the engine hangs.
        """
        self._is_shut = True
        if self._lock.acquire(timeout=_SHUT_SECONDS):
            self._lock.release()


def labels(run: str) -> dict[str, str]:
    """Return the labels of this process's containers."""
    me = psutil.Process()
    return {RUN: run, _WORLD: _world(), OWNER: _owner(me)}


def reap_leftovers(engine: Engine) -> int:
    """Remove the containers of graders that no longer run. Returns the number of containers."""
    with engine_errors("looking for containers that a killed grader left"):
        found = engine.api.containers(all=True, filters={"label": RUN})
    left = [one for one in found if _is_left(one["Labels"], one["State"], one["Created"])]
    return sum(_remove(engine, container["Id"]) for container in left)


def remove_run(engine: Engine, run: str) -> int:
    """Remove all containers of one run, running or not. Returns the number of containers."""
    with engine_errors("looking for the containers of this run"):
        found = engine.api.containers(all=True, filters={"label": f"{RUN}={run}"})
    return sum(_remove(engine, container["Id"]) for container in found)


def _remove(engine: Engine, container: str) -> bool:
    # Two graders that start together may both want to remove it.
    with suppress(SandboxError), engine_errors("removing a container that was left"):
        engine.api.remove_container(container, force=True, v=True)
        return True
    return False


def _is_left(labels: dict[str, str], state: str, created: float) -> bool:
    if labels.get(_WORLD) != _world():
        # Its owner cannot be looked up: it ran on another machine, or before the last boot.
        return state != "running" and time.time() - created > _OTHER_WORLD_KEPT
    pid = labels.get(OWNER, "").partition("@")[0]
    try:
        return _owner(psutil.Process(int(pid))) != labels[OWNER]
    except (ValueError, psutil.NoSuchProcess):
        return True


def _owner(process: psutil.Process) -> str:
    """Return a process's pid and start time; on Linux in ticks since boot, not by the clock."""
    began: object = round(process.create_time(), 2)
    if sys.platform == "linux":
        try:
            stat = Path(f"/proc/{process.pid}/stat").read_text()
        except OSError:
            raise psutil.NoSuchProcess(process.pid) from None
        began = stat.rpartition(")")[2].split()[19]   # field 22; the first two are cut off with ")"
    return f"{process.pid}@{began}"


def _world() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        namespace = Path("/proc/self/ns/pid").readlink().name
    except OSError:   # not Linux: the host's name and its boot time
        boot, namespace = platform.node(), str(int(psutil.boot_time()))
    return f"{boot}/{namespace}"
