"""What people say of answers, and what it comes to.

Marks are added, never changed: each names the last one that its author had seen of the answer. So
nobody overwrites what they did not know of: a mark takes the place of those that it has seen, and
stands beside the others.
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
STEP = 0.25   # of points that are typed in


@dataclass(frozen=True)
class Item:
    """An option of the rubric, or a comment that is used again, as it read when it was chosen."""

    points: float
    text: str


@dataclass(frozen=True)
class Mark:
    """What one person said of one answer.

    `answer` is a digest of what was looked at. `seen` is the number of the last mark that its
    author knew of, 0 for none, and `run` that of the last run. Of a `mark` the student reads
    `items` and `comment`; `note` stays among those who mark. A `dispute` has a note and no points,
    a `withdrawal` neither. `number` is given by the gradebook.
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

    @property
    def text(self) -> str:
        """What the student reads."""
        lines = [f"{one.text} ({one.points:+g})" for one in self.items]
        return "\n".join([*lines, *filter(None, [self.comment])])


_MARK = TypeAdapter(Mark)


@dataclass(frozen=True)
class Position:
    """Where an answer stands after all that was said of it: the marks that no later one has taken
    the place of, and the disputes that no later mark has settled."""

    standing: tuple[Mark, ...] = ()
    disputes: tuple[Mark, ...] = ()
    version: int = 0

    @property
    def mark(self) -> Mark | None:
        """The one that counts; None where there is none, and where they contradict each other."""
        if not self.standing or self.conflict or self.standing[-1].kind == "withdrawal":
            return None
        return self.standing[-1]

    @property
    def conflict(self) -> bool:
        """People who did not know of each other have said different things."""
        return len({(one.kind, one.points, one.text) for one in self.standing}) > 1


def position(marks: Iterable[Mark]) -> Position:
    """What is said of one answer, in the order in which it came."""
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
    """Among all marks of a student those of this very answer."""
    answer = answer_digest(submission, verdict)
    return position(
        one for one in marks if one.criterion == verdict.criterion and one.answer == answer
    )


def answer_digest(submission: Submission, verdict: Verdict) -> str:
    """Of what a person looks at: the text, the PDF, or, where a check was in doubt, the files."""
    seen: Any = verdict.seen
    what = [seen.get("answer"), seen.get("sha256")]
    if not any(what):
        what = [submission.digest]
    return hashlib.sha256(json.dumps(what).encode()).hexdigest()


def marks_in(rows: Iterable[tuple[int, str]]) -> list[Mark]:
    """As they lie in the gradebook: their numbers, and the rest as JSON."""
    return [replace(_MARK.validate_json(text), number=number) for number, text in rows]


def points_that_may_be(points: float, most: float) -> bool:
    """Whether a person may give so many: 0 to `most`, in quarters. NaN is no number of points."""
    return 0 <= points <= most and (points == most or points % STEP == 0)
