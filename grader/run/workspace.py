"""A folder of a run's own, out of others' sight; those that killed graders left are removed."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from grader.errors import GraderError

_PREFIX = "grader-run-"
_LOCK = ".lock"   # held as long as the run lives; the system lets go of it when a process dies


@contextmanager
def workspace() -> Iterator[Path]:
    """A new folder under the system's temporary one, gone when the context is left.

    Nobody but this user can look into it; what is mounted from there into a container is reached
    by the engine, which is not held up by that.
    """
    parent = Path(tempfile.gettempdir())
    for left in parent.glob(f"{_PREFIX}*"):
        if not left.is_symlink() and _is_mine(left):
            _remove_if_left(left)
    try:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
    except OSError as error:
        raise GraderError(
            f"no folder to work in can be made in {parent}: {error.strerror}. Make room there, or "
            "name another with TMPDIR."
        ) from None
    try:
        with FileLock(folder / _LOCK):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _is_mine(folder: Path) -> bool:
    try:
        return not hasattr(os, "getuid") or folder.stat().st_uid == os.getuid()
    except OSError:   # gone by now
        return False


def _remove_if_left(folder: Path) -> None:
    if not (folder / _LOCK).exists():
        return   # another grader is just making it
    lock = FileLock(folder / _LOCK)
    try:
        lock.acquire(timeout=0)
    except (Timeout, OSError):
        return
    lock.release()
    shutil.rmtree(folder, ignore_errors=True)
