"""Runs each worker as a process of its own unprivileged user; for a grader that runs as root.

Gradescope's container is such a place: everything runs as root and no Docker Engine answers. A
worker can read neither root's files nor other submissions nor the reference, and the processes that
it leaves running are found by their user. Network, processor, disk and kernel are shared.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from grader.errors import SandboxError
from grader.sandbox.base import Job, WorkerPaths
from grader.sandbox.process import ProcessSandbox

FIRST = 60_100   # the first user id; no distribution assigns ids from here on
# These users have no entry in /etc/passwd, and parts of torch ask for a user name.
_NAMES = {"USER": "student", "LOGNAME": "student"}


class UnprivilegedSandbox(ProcessSandbox):
    """A `ProcessSandbox` for root.

    Raises SandboxError if other users cannot run this interpreter and read the grader: students'
    code must never run as root.
    """

    version = f"{ProcessSandbox.version}, as users of their own"

    def __init__(self) -> None:
        super().__init__(_NAMES)
        self._users = itertools.count(FIRST)
        try:
            subprocess.run(
                [sys.executable, "-P", "-c", "import grader.worker"], user=FIRST, group=FIRST,
                extra_groups=[], check=True, capture_output=True, cwd="/",
            )  # fmt: skip
        except (OSError, subprocess.CalledProcessError) as error:
            raise SandboxError(
                f"users other than root cannot run the grader with {sys.executable} ({error}); "
                "make both readable for everybody (chmod -R a+rX)"
            ) from None

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
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.uids().real == user:
                process.kill()
