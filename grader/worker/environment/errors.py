"""Reads exceptions of the student's code: their text, and the lines of the student's files."""

from __future__ import annotations

import traceback
from pathlib import Path


def message_of(error: BaseException) -> str:
    """The text of an exception; "" where the student's own exception class fails at that."""
    try:
        return str(error)
    except Exception:
        return ""


def own_frames(error: BaseException, folder: Path) -> list[traceback.FrameSummary]:
    """The frames of the traceback that are in the submission's folder, the innermost last."""
    every = traceback.extract_tb(error.__traceback__)
    return [frame for frame in every if frame.filename.startswith(str(folder))]
