"""Prepares the folder in which the student's code runs: a writable copy of the submission."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from pathlib import Path


def arrange(submission: Path, scratch: Path, data: Path | None) -> Path:
    """Copy the submission, make the copy importable and the working directory, and return it.

    The copy keeps the folder's name, and its parent is on the import path as well. So
    `from .model import ...`, `from model import ...` and `from reference.model import ...` work.

    Args:
        submission: the student's folder, which may be read-only.
        scratch: a writable folder; the copy gets a new folder in it.
        data: the data's folder; its `handouts`, if any, are files of the course that the code may
            use. A student's file of the same name comes first.
    """
    # Each session has a folder of its own, so that it never sees what an earlier one wrote.
    parent = Path(tempfile.mkdtemp(prefix="session-", dir=scratch))
    folder = parent / submission.name
    shutil.copytree(submission, folder, symlinks=True)
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | 0o600 | (0o100 if path.is_dir() else 0))
    sys.path[:0] = [str(folder), str(parent)]
    if data is not None and (data / "handouts").is_dir():
        _hand_out(data / "handouts", folder)
    os.environ.setdefault("MPLBACKEND", "Agg")
    os.environ["HOME"] = str(parent)
    os.chdir(folder)
    return folder


def _hand_out(handouts: Path, folder: Path) -> None:
    """Make the course's Python files importable, after all others, and copy its other files.

    A file is copied to the working directory unless the student has a file of that name.
    """
    sys.path.append(str(handouts))
    for path in sorted(handouts.rglob("*")):
        copy = folder / path.relative_to(handouts)
        if path.is_file() and path.suffix != ".py" and not os.path.lexists(copy):
            with contextlib.suppress(FileExistsError, NotADirectoryError):   # the student's file
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, copy)
