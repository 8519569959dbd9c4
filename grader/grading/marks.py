"""Marks that people give to answers, and the one mark that counts.

Marks are added, never changed. Each names the last mark that its author had seen of the answer, so
nobody overwrites a mark unknowingly: a mark replaces those that its author had seen. Any others
count as well, and contradictory ones are a conflict.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

from pydantic import TypeAdapter

from grader.records import Submission, Verdict

Kind = Literal["mark", "dispute", "withdrawal"]
STEP = 0.25   # points are given in multiples of this


@dataclass(frozen=True)
class Item:
    """An option of the rubric or a saved comment, with its text at the time it was chosen."""

    points: float
    text: str


@dataclass(frozen=True)
class LineComment:
    """A comment on one line of the student's code; `line` counts from 1 in the file as graded.

    `place` is the line as students know it, such as `hw2.py, line 12` or `hw2.py, cell 3, line 2`,
    and `code` is its text at that time.
    """

    file: str
    line: int
    place: str
    code: str
    text: str


@dataclass(frozen=True)
class Mark:
    """A mark that one person gave to one answer.

    Attributes:
        answer: the digest of the answer that was marked, see `answer_digest`.
        kind: a `dispute` has a note and no points; a `withdrawal` has neither.
        items: rubric options and saved comments; the student reads them, `comment` and `lines`.
        note: for other markers only.
        seen: the number of the last mark that the author knew of; 0 for none.
        run: the number of the last run at that time.
        number: the mark's own number, which the gradebook gives.
    """

    student: str
    criterion: str
    answer: str
    marker: str
    kind: Kind = "mark"
    points: float | None = None
    max: float = 0.0
    items: tuple[Item, ...] = ()
    comment: str = ""
    note: str = ""
    seen: int = 0
    run: int = 0
    at: str = ""
    number: int = 0
    lines: tuple[LineComment, ...] = ()

    @property
    def text(self) -> str:
        """The text that the student reads."""
        lines = [f"{one.text} ({one.points:+g})" for one in self.items]
        lines += [one for one in [self.comment] if one]
        return "\n".join([*lines, *map(_of_line, self.lines)])


def _of_line(one: LineComment) -> str:
    code = f" `{one.code}`" if one.code else ""
    return f"{one.place}:{code} {one.text}"


_MARK = TypeAdapter(Mark)


@dataclass(frozen=True)
class Position:
    """The state of one answer after all of its marks.

    Attributes:
        standing: the marks that no later mark has replaced.
        disputes: the disputes that no later mark has settled.
        version: the number of the last mark or dispute; 0 for none.
    """

    standing: tuple[Mark, ...] = ()
    disputes: tuple[Mark, ...] = ()
    version: int = 0

    @property
    def mark(self) -> Mark | None:
        """The mark that counts; None if there is none, it was withdrawn, or marks conflict."""
        if not self.standing or self.conflict or self.standing[-1].kind == "withdrawal":
            return None
        return self.standing[-1]

    @property
    def conflict(self) -> bool:
        """True if people who did not see each other's marks gave different ones."""
        return len({(one.kind, one.points, one.text) for one in self.standing}) > 1


def position(marks: Iterable[Mark]) -> Position:
    """Return the state of one answer from its marks, in the order in which they came."""
    standing: list[Mark] = []
    disputes: list[Mark] = []
    version = 0
    for one in marks:
        version = one.number
        if one.kind == "dispute":
            disputes.append(one)
            continue
        standing = [*(other for other in standing if other.number > one.seen), one]
        disputes = [other for other in disputes if other.number > one.seen]
    return Position(tuple(standing), tuple(disputes), version)


def position_of(marks: Iterable[Mark], submission: Submission, verdict: Verdict) -> Position:
    """Return the state of the answer that a verdict is about, from all marks of a student."""
    answer = answer_digest(submission, verdict)
    return position(
        one for one in marks if one.criterion == verdict.criterion and one.answer == answer
    )


def answer_digest(submission: Submission, verdict: Verdict) -> str:
    """Return the digest of what a person marks: the text, the PDF, or else all files."""
    seen: Any = verdict.seen
    what = [seen.get("answer"), seen.get("sha256")]
    if not any(what):
        what = [submission.digest]
    return hashlib.sha256(json.dumps(what).encode()).hexdigest()


def marks_in(rows: Iterable[tuple[int, str]]) -> list[Mark]:
    """Read marks from the gradebook's rows, which hold a number and the rest as JSON."""
    return [replace(_MARK.validate_json(text), number=number) for number, text in rows]


def points_that_may_be(points: float, most: float) -> bool:
    """Return True for 0 to `most` in multiples of `STEP`, or `most` itself; False for NaN."""
    return 0 <= points <= most and (points == most or points % STEP == 0)
