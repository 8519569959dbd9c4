"""Containers that run at the same time read the data from folders of their own.

The kernel keeps locks by file, and a container may lock what it may only read: through one folder
that two of them mount, one could leave marks for the other to find.
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
    """Lends a folder itself to the first, and to each one beside it a copy, which is kept.

    Mounted read-only, a copy stays what it is: as many are made as containers run side by side, and
    none where they run one after the other. They lie next to the folder and go with the run's.
    """

    def __init__(self) -> None:
        self._free: dict[Path, list[Path]] = {}
        self._lending = threading.Lock()

    @contextmanager
    def lent(self, folder: Path | None) -> Iterator[Path | None]:
        """The folder, or a copy, for nobody else until the context is left; None for None."""
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
    except OSError as error:   # of copytree, a list of what failed
        raise SandboxError(
            f"{folder} could not be copied for a second container beside the first: {error}."
            " Make room there, or run one at a time with `--jobs 1`."
        ) from error
    return copy
