"""Paths that a script asks for and that are not there."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path, PurePath
from typing import Any


def as_text(asked: Any) -> str:
    """A path as text; "" for anything else, such as a descriptor or an open file."""
    if type(asked) is str:
        return asked
    return str(asked) if isinstance(asked, PurePath) else ""


def place_for(path: Path) -> Path:
    """The path itself, the folder above it made; where that cannot be, one in a temporary folder
    with the same name."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if os.access(path.parent, os.W_OK):
            return path
    except OSError:
        pass   # a file is in the way, or it is nobody's to write to
    return Path(tempfile.mkdtemp()) / path.name
