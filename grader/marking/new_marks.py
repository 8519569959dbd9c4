"""A mark as a marker enters it, and the rules that it must keep to."""

from __future__ import annotations

from dataclasses import dataclass

from grader.errors import UsageError
from grader.grading.marks import Item, points_that_may_be
from grader.marking.answers import StudentAnswer

LONGEST_COMMENT = 4000   # characters; pages show no more


@dataclass(frozen=True)
class NewLine:
    """A comment on a line of code: the file's place among the answer's files, and the line."""

    file: int
    line: int
    text: str


@dataclass(frozen=True)
class NewMark:
    """A mark as a marker enters it, not yet tied to an answer."""

    points: float
    items: tuple[Item, ...] = ()
    comment: str = ""
    note: str = ""
    lines: tuple[NewLine, ...] = ()


class NotAllowed(UsageError):
    """A request that cannot be carried out. The text tells the marker why."""


class Conflict(NotAllowed):
    """Somebody else has marked the same answer in the meantime."""


def check_mark(answer: StudentAnswer, new: NewMark) -> None:
    """Raises NotAllowed if the mark is not allowed for this answer as it is now."""
    most = answer.criterion.points
    if not points_that_may_be(new.points, most):
        raise NotAllowed(f"{new.points:g} points: give 0 to {most:g} in steps of 0.25")
    for text in (new.comment, new.note):
        check_length(text)
    if answer.state == "by the check" and not new.comment.strip():
        raise NotAllowed("a comment is missing: tell the student why the check's result changes")
    if answer.state == "disputed" and not new.note.strip():
        raise NotAllowed("a note is missing: say how the flag was resolved")


def check_length(text: str) -> None:
    """Raises NotAllowed for a text that pages would cut off."""
    if len(text) > LONGEST_COMMENT:
        raise NotAllowed(f"the text has {len(text):,} characters, more than {LONGEST_COMMENT:,}")
