"""Paths that a script asks for and that are not there."""

from __future__ import annotations

import tempfile
from pathlib import Path, PurePath
from typing import Any


def as_text(asked: Any) -> str:
    """A path as text; "" for anything else, such as a descriptor or an open file."""
    if type(asked) is str:
        return asked
    return str(asked) if isinstance(asked, PurePath) else ""


def place_for(path: Path, folder: Path) -> Path:
    """Where to write what was looked for at `path`: there, if that is in the session's `folder` and
    can be written to, and under the same name in a temporary folder otherwise.

    A path elsewhere is somebody's own, where no stand-in must stay behind.
    """
    try:
        if path.resolve().is_relative_to(folder.resolve()):
            path.parent.mkdir(parents=True, exist_ok=True)
            return path
    except OSError:
        pass   # a file is in the way
    return Path(tempfile.mkdtemp()) / path.name
