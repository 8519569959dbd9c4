"""What lies before a person who marks: the answers of a class by criterion, and what was said of
each. Whoever marks, on the page or in a CSV, does so here.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.errors import UsageError
from grader.grading.marks import Item, Mark, points_that_may_be, position
from grader.marking.answers import Answer, Answers
from grader.marking.mark_store import MarkBook
from grader.rubric.model import Criterion, Option, Rubric

LONGEST_COMMENT = 4000   # characters; a page shows no more


@dataclass(frozen=True)
class Given:
    """What a marker gives: as a `Mark`, before it is known of which answer."""

    points: float
    items: tuple[Item, ...] = ()
    comment: str = ""
    note: str = ""


class NotAllowed(UsageError):
    """What was asked for cannot be done; the text says why, to the person who asked."""


class Conflict(NotAllowed):
    """Somebody else has marked the same answer meanwhile."""


class Desk:
    """`options` of the criteria, by their ids, take the place of those of the last run's rubric:
    they may be written while the class is being marked."""

    def __init__(
        self, out: Path, book: MarkBook, options: Mapping[str, tuple[Option, ...]]
    ) -> None:
        self.out, self.book, self._options = out, book, options
        self._state: tuple[int, int] | None = None
        self._class = Answers()
        self._answers: dict[str, list[Answer]] = {}
        self._lock = threading.Lock()

    @property
    def title(self) -> str:
        return self._now().title

    @property
    def criteria(self) -> tuple[Criterion, ...]:
        return self._now().criteria

    def everything(self) -> list[tuple[Criterion, list[Answer]]]:
        """Everybody's answers by criterion and number, with what was said of each until now."""
        rubric, said = self._now(), self._said()
        return [
            (criterion, [_placed(one, said) for one in self._answers.get(criterion.id, ())])
            for criterion in rubric.criteria
        ]

    def answers(self, criterion: str) -> list[Answer]:
        """Those to one criterion."""
        return next(answers for one, answers in self.everything() if one.id == criterion)

    def answer(self, criterion: str, key: str) -> Answer:
        self._now()
        for one in self._answers.get(criterion, ()):
            if one.key == key:
                return _placed(one, self._said())
        raise NotAllowed("there is no such answer: was it handed in anew? Load the page again.")

    def history(self, answer: Answer) -> list[Mark]:
        """All that was said of this student's answers to the criterion, earlier ones too."""
        return [one for one in self.book.marks()
                if (one.student, one.criterion) == (answer.student, answer.criterion.id)]

    def mark(self, answer: Answer, marker: str, given: Given, seen: int) -> Answer:
        """Keep a mark; `seen` is the version of the answer that the marker looked at."""
        check(answer, given)
        return self._add(answer, _mark(answer, marker, given, seen))

    def mark_all(self, marks: Sequence[tuple[Answer, str, Given, int]]) -> None:
        """All of them or none. Raises Conflict where one of the answers was marked meanwhile."""
        with self.book.adding() as add:
            said = self._said()
            for answer, marker, given, seen in marks:
                now = _placed(answer, said)
                if now.place.version != seen:
                    raise Conflict(changed(now))
                add(_mark(answer, marker, given, seen))

    def dispute(self, answer: Answer, marker: str, note: str, seen: int) -> Answer:
        if not note.strip():
            raise NotAllowed("say in a note what is to be talked about")
        _check_length(note)
        return self._add(answer, dataclasses.replace(
            _said_of(answer, marker, seen), kind="dispute", note=note.strip()
        ))

    def undo(self, answer: Answer, marker: str) -> Answer:
        """What stood before the marker's last mark stands again, as a new mark."""
        with self.book.adding() as add:
            now = _placed(answer, self._said())
            last = now.place.standing[-1] if now.place.standing else None
            if last is None or last.marker != marker or last.number != now.place.version:
                raise NotAllowed("there is no mark of yours here that came last: nothing is undone")
            key = (answer.student, answer.criterion.id, answer.digest)
            before = position(
                one for one in self._said().get(key, ()) if one.number < last.number
            ).mark
            back = _said_of(answer, marker, now.place.version)
            if before is None:
                add(dataclasses.replace(back, kind="withdrawal", note="undone"))
            else:
                add(dataclasses.replace(
                    before, marker=marker, seen=now.place.version, note="undone"
                ))
        return self.answer(answer.criterion.id, answer.key)

    def _add(self, answer: Answer, mark: Mark) -> Answer:
        with self.book.adding() as add:
            add(mark)
        return self.answer(answer.criterion.id, answer.key)

    def _said(self) -> dict[tuple[str, str, str], list[Mark]]:
        found: dict[tuple[str, str, str], list[Mark]] = {}
        for one in self.book.marks():
            found.setdefault((one.student, one.criterion, one.answer), []).append(one)
        return found

    def _now(self) -> Rubric:
        """The rubric of the last run; what runs have added since is read first."""
        with self._lock:
            state = self.book.state()
            if state != self._state:
                self._class.read(self.out, self.book.salt(), self._options)
                self._answers, self._state = self._class.by_criterion(), state
            assert self._class.rubric is not None   # it has been read
            return self._class.rubric


def check(answer: Answer, given: Given) -> None:
    """Raises NotAllowed for what cannot be given for this answer as it stands."""
    most = answer.criterion.points
    if not points_that_may_be(given.points, most):
        raise NotAllowed(f"{given.points:g} points are not from 0 to {most:g} in quarters")
    for text in (given.comment, given.note):
        _check_length(text)
    if answer.state == "by the check" and not given.comment.strip():
        raise NotAllowed("a comment is missing: say to the student why the check was not right")
    if answer.state == "disputed" and not given.note.strip():
        raise NotAllowed("a note is missing: say how the dispute was settled")


def changed(answer: Answer) -> str:
    """Of an answer that another version was looked at of."""
    last = answer.place.standing[-1] if answer.place.standing else None
    who = f"by {last.marker}, {last.at}" if last else "meanwhile"
    return f"{answer.name} ({answer.criterion.id}) was marked {who}"


def _placed(answer: Answer, said: Mapping[tuple[str, str, str], list[Mark]]) -> Answer:
    marks = said.get((answer.student, answer.criterion.id, answer.digest), ())
    return dataclasses.replace(answer, place=position(marks))


def _said_of(answer: Answer, marker: str, seen: int) -> Mark:
    return Mark(answer.student, answer.criterion.id, answer.digest, marker, seen=seen)


def _mark(answer: Answer, marker: str, given: Given, seen: int) -> Mark:
    return dataclasses.replace(
        _said_of(answer, marker, seen), points=given.points, max=answer.criterion.points,
        items=given.items, comment=given.comment.strip(), note=given.note.strip(),
    )  # fmt: skip


def _check_length(text: str) -> None:
    if len(text) > LONGEST_COMMENT:
        raise NotAllowed(f"{len(text):,} characters are more than {LONGEST_COMMENT:,}")
