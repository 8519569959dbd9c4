"""Gives each of the containers that run at the same time its own copy of the data set.

A container may set file locks even on what it can only read, and locks belong to the file. If two
containers mounted the same folder, they could pass messages through its locks.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from grader.errors import SandboxError


class Inputs:
    """Lends a folder to one container and a copy of it to each one beside it.

    Copies are mounted read-only and used again, so there are as many as containers run side by
    side, and none if they run one after the other. They lie beside the folder, within the run's
    workspace, and are removed with it.
    """

    def __init__(self) -> None:
        self._free: dict[Path, list[Path]] = {}
        self._lending = threading.Lock()

    @contextmanager
    def lent(self, folder: Path | None) -> Iterator[Path | None]:
        """Lend the folder or a copy to one user until the context is left; None gives None."""
        if folder is None:
            yield None
            return
        with self._lending:
            free = self._free.setdefault(folder, [folder])
            mine = free.pop() if free else None
        mine = mine or _copied(folder)
        try:
            yield mine
        finally:
            with self._lending:
                free.append(mine)


def _copied(folder: Path) -> Path:
    try:
        copy = Path(tempfile.mkdtemp(prefix=f"{folder.name}-", dir=folder.parent))
        try:
            shutil.copytree(folder, copy, dirs_exist_ok=True)   # the folder's mode with it
        except BaseException:
            shutil.rmtree(copy, ignore_errors=True)
            raise
    except OSError as error:   # copytree's lists every file that failed
        raise SandboxError(
            f"{folder} could not be copied for a second container beside the first: {error}."
            " Make room there, or run one at a time with `--jobs 1`."
        ) from error
    return copy
