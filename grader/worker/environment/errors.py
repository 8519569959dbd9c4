"""Reads exceptions of the student's code: their text, and the lines of the student's files."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from pathlib import Path


def message_of(error: BaseException) -> str:
    """The text of an exception; "" where the student's own exception class fails at that."""
    try:
        return str(error)
    except Exception:
        return ""


def chain(error: BaseException) -> Iterator[BaseException]:
    """The error and those that led to it, the first one last."""
    seen: list[BaseException] = []
    one: BaseException | None = error
    while one is not None and one not in seen:
        seen.append(one)
        yield one
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)


def own_frames(error: BaseException, folder: Path) -> list[traceback.FrameSummary]:
    """The frames of the traceback that are in the submission's folder, the innermost last."""
    every = traceback.extract_tb(error.__traceback__)
    return [frame for frame in every if frame.filename.startswith(str(folder))]
