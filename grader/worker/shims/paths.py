"""Paths of files that a script asks for and that do not exist."""

from __future__ import annotations

import tempfile
from pathlib import Path, PurePath
from typing import Any


def as_text(asked: Any) -> str:
    """A path as text; "" for anything else, such as a file descriptor or an open file."""
    if type(asked) is str:
        return asked
    return str(asked) if isinstance(asked, PurePath) else ""


def writable_path(path: Path, folder: Path) -> Path:
    """Choose where to write a file that a script looks for at `path`.

    The file goes to `path` itself if that lies in the session's `folder` and its parent can be
    made; otherwise it goes to a temporary folder, under the same name. Nothing is written outside
    of the session's folder, since a path elsewhere belongs to somebody.
    """
    try:
        if path.resolve().is_relative_to(folder.resolve()):
            path.parent.mkdir(parents=True, exist_ok=True)
            return path
    except OSError:
        pass   # a file is in the way
    return Path(tempfile.mkdtemp()) / path.name
