"""Runs the worker as a child process of the grader, for code that you trust.

It limits time and memory and protects against nothing else: the code can use this user's files and
network. A student checks their own work with it; a class is graded in containers.
"""

from __future__ import annotations

import contextlib
import os
import platform
import site
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

import psutil

import grader
from grader.errors import SandboxError
from grader.rubric.model import Limits
from grader.sandbox.base import Exit, Job, WorkerPaths
from grader.sandbox.gpu_models import models_of_this_machine
from grader.sandbox.read_end import ReadEnd

_POLL_SECONDS = 0.1


class ProcessWorker:
    """A worker started by `ProcessSandbox`; see `grader.sandbox.base.Worker`."""

    held_back = False

    def __init__(self, process: subprocess.Popen[bytes], paths: WorkerPaths, memory: int) -> None:
        self.paths = paths
        self._spent: dict[psutil.Process, float] = {}
        self._process = process
        assert process.stdout
        self._answers = ReadEnd(process.stdout)
        self._out_of_memory = threading.Event()
        threading.Thread(target=self._watch, args=(memory,), daemon=True).start()

    def write(self, data: bytes) -> None:
        assert self._process.stdin
        self._process.stdin.write(data)
        self._process.stdin.flush()

    def full_speed(self) -> None:
        """Do nothing: only root can raise a priority, so the worker always ran at full speed."""

    def processor_seconds(self) -> float:
        # Each process by itself: a system may forget the time of a process that has ended.
        for process in _family(self._process.pid):
            with contextlib.suppress(psutil.Error):
                times = process.cpu_times()
                self._spent[process] = times.user + times.system
        return sum(self._spent.values())

    def read(self, size: int) -> bytes:
        return self._answers.read(size)

    def stop(self) -> Exit:
        family = _family(self._process.pid)
        with contextlib.suppress(OSError):
            self.close_questions()
        for process in family:
            with contextlib.suppress(psutil.Error):
                process.kill()
        code = self._process.wait()
        return Exit(code, self._out_of_memory.is_set())

    def close_questions(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()

    def close(self) -> None:
        """End the worker and close its streams."""
        self.stop()
        self._answers.close()

    def _watch(self, limit: int) -> None:
        """Kill the worker's child processes once they and it together exceed the memory limit.

        The worker itself survives, as in a container: it reports the loss and takes the next
        question. `limit` is in bytes.
        """
        while self._process.poll() is None:
            family = _family(self._process.pid)
            # What processes share costs time to find out, so it is looked at near the limit only.
            if _total(_private, family) > limit and _total(_proportional, family) > limit:
                self._out_of_memory.set()
                for process in family:
                    if process.pid != self._process.pid:
                        with contextlib.suppress(psutil.Error):
                            process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_POLL_SECONDS)


def _version_of(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "missing"


class ProcessSandbox:
    """Starts `python -m grader.worker` with this interpreter; see `grader.sandbox.base.Sandbox`.

    Args:
        environment: Added to the worker's environment, which has only what Python needs to start.
        scratch: Folder for the workers' scratch folders; None: the system's temporary folder.
    """

    name = "process"
    waits_quietly = False
    version = f"python {platform.python_version()}, torch {_version_of('torch')}"

    def __init__(
        self, environment: Mapping[str, str] | None = None, scratch: Path | None = None
    ) -> None:
        self._environment = dict(environment or {})
        self._scratch = scratch
        self._workers: set[ProcessWorker] = set()

    def close(self) -> None:
        """End the workers that still run. Call it once, after the last job."""
        for worker in tuple(self._workers):
            worker.stop()

    def gpu_models(self, gpus: Collection[str]) -> tuple[str, ...]:
        return models_of_this_machine(gpus)

    @contextmanager
    def start(self, job: Job, gpus: Iterable[str] = ()) -> Iterator[ProcessWorker]:
        with self._prepared(job) as (paths, user):
            try:
                process = subprocess.Popen(
                    [*self._confinement(job.limits), sys.executable, "-P", "-m", "grader.worker"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    env=_environment(paths.scratch, gpus) | self._environment,
                    cwd=paths.scratch,
                    user=user,
                    group=user,
                    extra_groups=None if user is None else [],
                )
            except OSError as error:
                raise SandboxError(
                    f"{sys.executable} could not be started for the worker: {error}"
                ) from None
            worker = ProcessWorker(process, paths, job.limits.memory_mib * 2**20)
            self._workers.add(worker)
            try:
                yield worker
            finally:
                self._workers.discard(worker)
                worker.close()

    def _confinement(self, limits: Limits) -> list[str]:
        """Return the program that starts the worker with fewer rights, and its options."""
        return []

    @contextmanager
    def _prepared(self, job: Job) -> Iterator[tuple[WorkerPaths, int | None]]:
        """Make a job's folders. Yields them, and the worker's user id; None: this user's."""
        with tempfile.TemporaryDirectory(
            prefix="grader-", dir=self._scratch, ignore_cleanup_errors=True
        ) as scratch:
            data = str(job.data.resolve()) if job.data else None
            yield WorkerPaths(str(job.submission.resolve()), data, scratch), None


def _environment(scratch: str, gpus: Iterable[str]) -> dict[str, str]:
    kept = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT", "LD_LIBRARY_PATH", "VIRTUAL_ENV")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    return environment | {
        "PYTHONPATH": str(Path(grader.__file__).resolve().parent.parent),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONIOENCODING": "utf-8",
        "TMPDIR": scratch,
        "TEMP": scratch,
        "HOME": scratch,
        # torch may have been installed with `pip install --user`, which Python looks up in HOME.
        **({"PYTHONUSERBASE": site.getuserbase()} if site.ENABLE_USER_SITE else {}),
        "MPLBACKEND": "Agg",
        **_visible(",".join(gpus)),
    }


def _visible(gpus: str) -> dict[str, str]:
    """Return what shows these GPUs to CUDA, by the numbers that `nvidia-smi` gives them.

    "all" leaves the choice to CUDA and to this user; an empty text hides every GPU.
    """
    if gpus != "all":
        return {"CUDA_VISIBLE_DEVICES": gpus, "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
    name = "CUDA_VISIBLE_DEVICES"
    return {name: os.environ[name]} if name in os.environ else {}


def _family(pid: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.Error:
        return []


def _total(measure: Callable[[psutil.Process], int], family: Iterable[psutil.Process]) -> int:
    total = 0
    for process in family:
        with contextlib.suppress(psutil.Error):
            total += measure(process)
    return total


def _private(process: psutil.Process) -> int:
    """Return the process's bytes of memory, without files and memory that it shares by name."""
    info = process.memory_info()
    return int(info.rss - getattr(info, "shared", 0))


def _proportional(process: psutil.Process) -> int:
    """Return `_private`, with each page that forked processes share divided among them."""
    private = _private(process)
    return min(private, int(getattr(process.memory_full_info(), "pss", private)))
