"""Worker processes that root starts as other users, each as one that nobody else is.

For a container of somebody else's, where no engine answers and all runs as root. Files that are
root's alone, other submissions and the reference are out of a worker's reach, and what it leaves
running is found by its user. Network, processor and disk are shared, and so is the kernel.
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
from grader.sandbox.base import Job, Places
from grader.sandbox.process import ProcessSandbox

FIRST = 60_100   # of the users; nobody's by any distribution's custom
# They have no entry among the system's users, and parts of torch ask for a name.
_NAMES = {"USER": "student", "LOGNAME": "student"}


class UnprivilegedSandbox(ProcessSandbox):
    """Like `ProcessSandbox`, for root. Raises SandboxError where this interpreter or the grader
    cannot be reached by other users: to run as root after all is nobody's wish."""

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
                f"{sys.executable} cannot run the grader as another user than root ({error}): let "
                "everybody read both (chmod -R a+rX)"
            ) from None

    @contextmanager
    def _laid_out(self, job: Job) -> Iterator[tuple[Places, int | None]]:
        """A folder that is this worker's alone, with copies of what it may read."""
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
                yield Places(str(submission), str(data) if data else None, str(scratch)), user
            finally:
                _end_all_of(user)


def _linked(source: str, target: str) -> None:
    """Data may be large, and are the same for all."""
    try:
        os.link(source, target)
    except OSError:   # on another disk
        shutil.copyfile(source, target)


def _end_all_of(user: int) -> None:
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.uids().real == user:
                process.kill()
