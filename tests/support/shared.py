"""Folders that the processes of one test run share, where pytest-xdist runs several."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock


def shared_folder(factory: pytest.TempPathFactory) -> Path:
    """The temporary folder of the whole test run; without pytest-xdist the session's own."""
    own = factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


def made_once(
    factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]
) -> Path:
    """A folder that `make` fills in the first process that asks; the others wait for it.

    Args:
        factory: pytest's fixture `tmp_path_factory`.
        name: The name of the folder within the shared one.
        make: Gets the empty folder. Where it raises, the next process tries again.
    """
    top = shared_folder(factory)
    folder, done = top / name, top / f"{name}.done"
    with FileLock(top / f"{name}.lock"):
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            done.touch()
    return folder
