"""Where the student's code runs: a writable copy of the submission, and the paths to import it."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from pathlib import Path


def arrange(submission: Path, scratch: Path, data: Path | None) -> Path:
    """Copy the submission into the scratch space, make it importable and the working directory.

    The folder keeps its name and its parent is on the path too, so that `from .model import ...`,
    `from model import ...` and `from reference.model import ...` all work. What the course handed
    out lies with the data: it is there as well, behind whatever the student has. Returns the copy.
    """
    # A session never sees what an earlier one wrote: each has a folder of its own.
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
    """Python files are importable after all others, and no files of the student's; the rest lies in
    the working directory, unless the student has a file of that name."""
    sys.path.append(str(handouts))
    for path in sorted(handouts.rglob("*")):
        copy = folder / path.relative_to(handouts)
        if path.is_file() and path.suffix != ".py" and not os.path.lexists(copy):
            with contextlib.suppress(FileExistsError, NotADirectoryError):   # the student's file
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, copy)
