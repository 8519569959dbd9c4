"""Kills the processes that a session leaves behind and empties its folders.

The supervisor runs all sessions of a submission. A session that filled the disk or started too many
processes must not cost the next one its answer.
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import os
import secrets
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

PATIENCE = 5.0   # seconds in which the kernel ends killed processes
IN_CONTAINER = sys.platform == "linux" and os.getpid() == 1
_SHARED_MEMORY = "/dev/shm"


def adopt_orphans() -> None:
    """Make processes that a session detaches children of this process (Linux).

    Process 1 of a container adopts them anyway.
    """
    if sys.platform == "linux":
        pr_set_child_subreaper = 36
        ctypes.CDLL(None).prctl(pr_set_child_subreaper, 1, 0, 0, 0)


def end_processes() -> None:
    """Kill every descendant of this process and wait for its end (Linux; elsewhere do nothing).

    The next session may need the room in the table of processes.
    """
    if sys.platform != "linux":
        return
    until = time.monotonic() + PATIENCE
    for pause in pauses():
        if time.monotonic() >= until:
            return
        _kill_all()
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(pause)


def pauses() -> Iterator[float]:
    """Seconds to wait between checks of a killed process: 0.5 ms, doubled up to 10 ms."""
    pause = 0.0005
    while True:
        yield pause
        pause = min(2 * pause, 0.01)


def _kill_all() -> None:
    if IN_CONTAINER:
        # All at once: killing one by one loses the race with a fork bomb.
        with contextlib.suppress(ProcessLookupError):
            os.kill(-1, signal.SIGKILL)
        return
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):
            for child in (task / "children").read_text().split():
                os.kill(int(child), signal.SIGKILL)


def empty_folders(scratch: str) -> None:
    """Empty the scratch folder, and in a container /dev/shm, the other writable folder."""
    for folder in (scratch, _SHARED_MEMORY) if IN_CONTAINER else (scratch,):
        with contextlib.suppress(OSError):
            _empty(Path(folder))


def _empty(folder: Path) -> None:
    """Empty a folder level by level: move inner folders up, then remove the folder that held them.

    Folders may be nested deeper than recursion goes and than a path may be long.
    """
    names = (folder / f"{secrets.token_hex(8)}-{number}" for number in itertools.count())
    while entries := list(folder.iterdir()):
        gone = 0
        for entry in entries:
            with contextlib.suppress(OSError):
                if _is_folder(entry):
                    _move_up(entry, names)
                    entry.rmdir()
                else:
                    entry.unlink()
                gone += 1
        if not gone:
            return


def _move_up(folder: Path, names: Iterator[Path]) -> None:
    folder.chmod(0o700)
    for entry in folder.iterdir():
        if _is_folder(entry):
            entry.chmod(0o700)   # a folder must be writable to be moved
            entry.rename(next(names))
        else:
            entry.unlink()


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()
