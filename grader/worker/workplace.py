"""Where the student's code runs: a writable copy of the submission, and the paths to import it."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path


def arrange(submission: Path, scratch: Path) -> Path:
    """Copy the submission into the scratch space, make it importable and the working directory.

    The folder keeps its name and its parent is on the path too, so that `from .resnet import ...`,
    `from resnet import ...` and `from reference.resnet import ...` all work. Returns the copy.
    """
    # A session never sees what an earlier one wrote: each has a folder of its own.
    parent = Path(tempfile.mkdtemp(prefix="session-", dir=scratch))
    folder = parent / submission.name
    shutil.copytree(submission, folder, symlinks=True)
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | 0o600 | (0o100 if path.is_dir() else 0))
    sys.path[:0] = [str(folder), str(parent)]
    os.environ.setdefault("MPLBACKEND", "Agg")
    os.environ["HOME"] = str(parent)
    os.chdir(folder)
    return folder
