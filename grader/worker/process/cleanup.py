"""What a session leaves behind, and the end of it: processes wherever they went, and files.

The supervisor lives as long as the submission is asked. A session that filled the disk or the
table of processes must not cost the next one its answer.
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

PATIENCE = 5.0   # seconds for the kernel to end what was killed
IN_CONTAINER = sys.platform == "linux" and os.getpid() == 1
_SHARED_MEMORY = "/dev/shm"


def adopt_orphans() -> None:
    """Let what a session detaches from itself become a child of this process (Linux).

    Process 1 of a container has them anyway.
    """
    if sys.platform == "linux":
        pr_set_child_subreaper = 36
        ctypes.CDLL(None).prctl(pr_set_child_subreaper, 1, 0, 0, 0)


def end_processes() -> None:
    """Kill and reap every process that descends from this one (Linux; elsewhere nothing).

    Waited for: until the last one is gone, the next session might find no room to start in.
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
    """Seconds to wait between looks at a process that was killed: it hardly ever takes long."""
    pause = 0.0005
    while True:
        yield pause
        pause = min(2 * pause, 0.01)


def _kill_all() -> None:
    if IN_CONTAINER:
        # At once, so that no fork gets between: one by one would lose the race with a fork bomb.
        with contextlib.suppress(ProcessLookupError):
            os.kill(-1, signal.SIGKILL)
        return
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):
            for child in (task / "children").read_text().split():
                os.kill(int(child), signal.SIGKILL)


def empty_folders(scratch: str) -> None:
    """Remove what sessions wrote. In a container there is one more place to write to."""
    for folder in (scratch, _SHARED_MEMORY) if IN_CONTAINER else (scratch,):
        with contextlib.suppress(OSError):
            _empty(Path(folder))


def _empty(folder: Path) -> None:
    """Level by level: the folders in a folder are brought up, and then it is removed.

    A stranger's folders may be nested deeper than recursion goes, and than a path can say.
    """
    names = (folder / f"{secrets.token_hex(8)}-{number}" for number in itertools.count())
    while entries := list(folder.iterdir()):
        gone = 0
        for entry in entries:
            with contextlib.suppress(OSError):
                if _is_folder(entry):
                    _bring_up(entry, names)
                    entry.rmdir()
                else:
                    entry.unlink()
                gone += 1
        if not gone:
            return


def _bring_up(folder: Path, names: Iterator[Path]) -> None:
    folder.chmod(0o700)
    for entry in folder.iterdir():
        if _is_folder(entry):
            entry.chmod(0o700)   # to be moved, it must be writable itself
            entry.rename(next(names))
        else:
            entry.unlink()


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()
