"""Keeps what a machine of a pool was sent, while workers use it. Not for Windows."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from grader.errors import SandboxError
from grader.sandbox.pools.shipping import unpacked

_KEPT_SECONDS = 7 * 24 * 3600   # how long data that no run has used stay on a machine
_LOCK = ".lock"
_DATA, _SUBMISSION = "data-", "submission-"


class Depot:
    """Folders on one machine of a pool, each locked by the process that uses it.

    The kernel drops the lock of a process that was killed, so `sweep` knows what is left over.

    Args:
        root: The folder that holds them; None: one in /var/tmp for this user, which is on a disk of
            this machine. GRADER_DEPOT names another one.
    """

    def __init__(self, root: Path | None = None) -> None:
        named = os.environ.get("GRADER_DEPOT", f"/var/tmp/grader-{os.getuid()}")
        self._root = root or Path(named)
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._root.stat().st_uid != os.getuid() or self._root.is_symlink():
            raise SandboxError(
                f"{self._root} belongs to another user; GRADER_DEPOT names another folder for the"
                " files that the grader keeps on this machine"
            )

    @contextmanager
    def submission(self, archive: bytes) -> Iterator[Path]:
        """Unpack a submission; it is removed when the context ends."""
        name = secrets.token_hex(8)
        new = self._root / f"new-{name}"   # `sweep` looks at it once it is locked and renamed
        new.mkdir()
        lock = _try_lock(new)
        place = new.rename(self._root / f"{_SUBMISSION}{name}")
        try:
            yield unpacked(archive, place / "submission")
        finally:
            shutil.rmtree(place, ignore_errors=True)
            if lock is not None:
                os.close(lock)

    @contextmanager
    def data(self, digest: str, fetch: Callable[[], bytes]) -> Iterator[Path]:
        """Lend a data set that no other container of this machine reads at the same time.

        Containers could pass messages through the file locks of one that they share.

        Args:
            digest: The digest of its archive.
            fetch: Returns the archive; called only if this machine has no free copy.
        """
        for number in range(10_000):
            place = self._root / f"{_DATA}{digest}-{number}"
            place.mkdir(exist_ok=True)
            lock = _try_lock(place)
            if lock is None:
                continue
            try:
                if not (place / "data").is_dir():
                    for left in place.glob("half-*"):   # by an actor that was killed
                        shutil.rmtree(left)
                    half = place / f"half-{secrets.token_hex(4)}"
                    unpacked(fetch(), half).rename(place / "data")
                os.utime(place / _LOCK)   # when it was last used
                yield place / "data"
            finally:
                os.close(lock)
            return
        raise SandboxError(f"{self._root} holds too many copies of a data set")

    def sweep(self) -> int:
        """Remove what killed runs left, and data not used for a week. Returns how many folders."""
        removed = 0
        for place in self._root.iterdir():
            with suppress(OSError):
                old = time.time() - (place / _LOCK).stat().st_mtime > _KEPT_SECONDS
                if not (place.name.startswith(_SUBMISSION) or old):
                    continue
                lock = _try_lock(place)
                if lock is not None:
                    shutil.rmtree(place, ignore_errors=True)
                    os.close(lock)
                    removed += 1
        return removed


def _try_lock(place: Path) -> int | None:
    """Lock a folder, until the descriptor is closed; None if another process holds it."""
    lock = os.open(place / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        return None
    return lock
