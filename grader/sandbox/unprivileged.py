"""Runs each worker as a process of its own unprivileged user; for a grader that runs as root.

Gradescope's container is such a place: everything runs as root and no Docker Engine answers. A
worker can read neither root's files nor other submissions nor the reference. It gains no rights by
a setuid program, the number of its processes is limited, and all of them are killed at its end.
Network, processor, disk and kernel are shared.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from grader.errors import SandboxError
from grader.rubric.model import Limits
from grader.sandbox.base import Job, WorkerPaths
from grader.sandbox.process import ProcessSandbox

FIRST = 60_100   # the first user id; no distribution assigns ids from here on
# The kernel counts a user's processes over all containers of a machine: other graders have others.
_STARTS = 4_000
PATIENCE = 10.0   # seconds in which the kernel ends killed processes
# These users have no entry in /etc/passwd, and parts of torch ask for a user name.
_NAMES = {"USER": "student", "LOGNAME": "student"}


class UnprivilegedSandbox(ProcessSandbox):
    """A `ProcessSandbox` for root.

    Raises SandboxError if other users cannot run this interpreter and read the grader, or without
    util-linux: students' code must never run as root, nor become root.
    """

    version = f"{ProcessSandbox.version}, as users of their own"

    def __init__(self) -> None:
        super().__init__(_NAMES)
        self._users = itertools.count(FIRST + secrets.randbelow(_STARTS))
        command = [*self._confinement(Limits()), sys.executable, "-P", "-c", "import grader.worker"]
        try:
            subprocess.run(
                command, user=FIRST, group=FIRST, extra_groups=[], check=True,
                capture_output=True, cwd="/",
            )  # fmt: skip
        except (OSError, subprocess.CalledProcessError) as error:
            raise SandboxError(
                f"users other than root cannot run the grader with {sys.executable} ({error}); "
                "make both readable for everybody (chmod -R a+rX), and install util-linux, which "
                "has setpriv and prlimit"
            ) from None

    def _confinement(self, limits: Limits) -> list[str]:
        return ["prlimit", f"--nproc={limits.pids}", "setpriv", "--no-new-privs"]

    @contextmanager
    def _prepared(self, job: Job) -> Iterator[tuple[WorkerPaths, int | None]]:
        """Make a folder that only this worker can open, with copies of what it may read."""
        user = next(self._users)
        with tempfile.TemporaryDirectory(prefix="grader-", ignore_cleanup_errors=True) as place:
            folder = Path(place)
            submission = folder / "code" / job.submission.name
            shutil.copytree(job.submission, submission, symlinks=True)
            data = folder / "data" if job.data else None
            if job.data and data:
                shutil.copytree(job.data, data, copy_function=_linked)
            scratch = folder / "scratch"
            scratch.mkdir()
            for path in (folder, scratch):
                os.chown(path, user, user)
            try:
                yield WorkerPaths(str(submission), str(data) if data else None, str(scratch)), user
            finally:
                _end_all_of(user)


def _linked(source: str, target: str) -> None:
    """Link a file of the data set, which may be large; copy it if it lies on another disk."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _end_all_of(user: int) -> None:
    """Kill all processes of a user. Raises SandboxError if some stay.

    The kernel kills them in one step, at a request of the same user. A process that forks faster
    than processes can be listed does not escape: a fork fails in whoever is being killed.
    """
    ends = time.monotonic() + PATIENCE
    while True:
        try:
            subprocess.run(
                ["/bin/sh", "-c", "kill -s KILL -- -1"], user=user, group=user, extra_groups=[],
                cwd="/", capture_output=True, timeout=PATIENCE, check=False,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired):   # no process can be started
            for process in _processes_of(user):
                with contextlib.suppress(psutil.Error):
                    process.kill()
        left = _processes_of(user)
        if not left:
            return
        if time.monotonic() > ends:
            raise SandboxError(f"{len(left)} processes of a worker (user {user}) cannot be ended")
        time.sleep(0.05)


def _processes_of(user: int) -> list[psutil.Process]:
    """Return a user's processes, without those that have ended and that nobody waited for."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if user in process.uids() and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found
