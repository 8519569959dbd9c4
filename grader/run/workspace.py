"""A private working folder for each run. Folders that killed runs left behind are removed."""

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
_LOCK = ".lock"   # held while the run lives; the system releases it when the process dies


@contextmanager
def workspace() -> Iterator[Path]:
    """Create a folder under the system's temporary folder, and remove it at the end.

    Only this user can read it. The Docker Engine can still mount folders inside it.

    Raises:
        GraderError: The folder cannot be created.
    """
    parent = Path(tempfile.gettempdir())
    for left in parent.glob(f"{_PREFIX}*"):
        if not left.is_symlink() and _is_mine(left):
            _remove_if_left(left)
    try:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
    except OSError as error:
        raise GraderError(
            f"{parent}: a working folder cannot be created: {error.strerror}. Free disk space "
            "there, or set TMPDIR to another folder."
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
        return   # another run is just creating it
    lock = FileLock(folder / _LOCK)
    try:
        lock.acquire(timeout=0)
    except (Timeout, OSError):
        return
    lock.release()
    shutil.rmtree(folder, ignore_errors=True)
