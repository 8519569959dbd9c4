"""What a student hands to `grader check`: a file, and the answers that lie beside it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from grader.submissions.discover import HandIn, hand_in

ANSWERS = "answers.md"


def own_work(path: Path) -> HandIn:
    """The file, folder or archive as a submission; an `answers.md` beside a file belongs to it.

    Raises UsageError when there is nothing at that path.
    """
    item = hand_in(path)
    answers = path.resolve().parent / ANSWERS
    if path.is_file() and answers.is_file() and answers != path.resolve():
        return dataclasses.replace(item, sources=(*item.sources, answers))
    return item
