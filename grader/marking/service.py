"""Manual grading of a class: its answers by criterion, with their marks, and how marks are added.

The page and the CSV file both use this.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.errors import UsageError
from grader.grading.marks import Item, Mark, points_that_may_be, position
from grader.marking.answers import ClassAnswers, StudentAnswer
from grader.marking.mark_store import MarkStore
from grader.rubric.model import Criterion, Option, Rubric

LONGEST_COMMENT = 4000   # characters; pages show no more


@dataclass(frozen=True)
class NewMark:
    """A mark as a marker enters it, not yet tied to an answer."""

    points: float
    items: tuple[Item, ...] = ()
    comment: str = ""
    note: str = ""


class NotAllowed(UsageError):
    """A request that cannot be carried out. The text tells the marker why."""


class Conflict(NotAllowed):
    """Somebody else has marked the same answer in the meantime."""


class MarkingService:
    """Everything that marking needs of one results folder.

    Args:
        out: the results folder.
        store: its marks and saved comments.
        options: options by criterion, in place of those of the last run's rubric, so they may
            change while a class is being marked.
    """

    def __init__(
        self, out: Path, store: MarkStore, options: Mapping[str, tuple[Option, ...]]
    ) -> None:
        self.out, self.store, self._options = out, store, options
        self._state: tuple[int, int] | None = None
        self._class = ClassAnswers()
        self._answers: dict[str, list[StudentAnswer]] = {}
        self._lock = threading.Lock()

    @property
    def title(self) -> str:
        return self._now().title

    @property
    def criteria(self) -> tuple[Criterion, ...]:
        return self._now().criteria

    def everything(self) -> list[tuple[Criterion, list[StudentAnswer]]]:
        """All answers by criterion and number, with their present marks."""
        rubric, marks = self._now(), self._marks()
        return [
            (criterion, [_placed(one, marks) for one in self._answers.get(criterion.id, ())])
            for criterion in rubric.criteria
        ]

    def answers(self, criterion: str) -> list[StudentAnswer]:
        """The answers to one criterion, with their present marks."""
        return next(answers for one, answers in self.everything() if one.id == criterion)

    def answer(self, criterion: str, key: str) -> StudentAnswer:
        """One answer. Raises NotAllowed if it does not exist (any more)."""
        self._now()
        for one in self._answers.get(criterion, ()):
            if one.key == key:
                return _placed(one, self._marks())
        raise NotAllowed("there is no such answer; it may have changed: reload the page")

    def history(self, answer: StudentAnswer) -> list[Mark]:
        """All marks of this student's answers to the criterion, also of earlier answers."""
        return [one for one in self.store.marks()
                if (one.student, one.criterion) == (answer.student, answer.criterion.id)]

    def mark(self, answer: StudentAnswer, marker: str, new: NewMark, seen: int) -> StudentAnswer:
        """Add a mark; `seen` is the version of the answer that the marker saw."""
        check_mark(answer, new)
        return self._add(answer, _mark(answer, marker, new, seen))

    def mark_all(self, marks: Sequence[tuple[StudentAnswer, str, NewMark, int]]) -> None:
        """Add all marks or none. Raises Conflict if one of the answers was marked meanwhile."""
        with self.store.adding() as add:
            known = self._marks()
            for answer, marker, new, seen in marks:
                now = _placed(answer, known)
                if now.place.version != seen:
                    raise Conflict(conflict_message(now))
                add(_mark(answer, marker, new, seen))

    def dispute(self, answer: StudentAnswer, marker: str, note: str, seen: int) -> StudentAnswer:
        """Flag an answer. The note is required."""
        if not note.strip():
            raise NotAllowed("a flag needs a note with the reason")
        _check_length(note)
        return self._add(answer, dataclasses.replace(
            _entry(answer, marker, seen), kind="dispute", note=note.strip()
        ))

    def undo(self, answer: StudentAnswer, marker: str) -> StudentAnswer:
        """Restore the state before the marker's last mark, as a new mark."""
        with self.store.adding() as add:
            now = _placed(answer, self._marks())
            last = now.place.standing[-1] if now.place.standing else None
            if last is None or last.marker != marker or last.number != now.place.version:
                raise NotAllowed("nothing to undo: the last mark of this answer is not yours")
            key = (answer.student, answer.criterion.id, answer.digest)
            before = position(
                one for one in self._marks().get(key, ()) if one.number < last.number
            ).mark
            back = _entry(answer, marker, now.place.version)
            if before is None:
                add(dataclasses.replace(back, kind="withdrawal", note="undone"))
            else:
                add(dataclasses.replace(
                    before, marker=marker, seen=now.place.version, note="undone"
                ))
        return self.answer(answer.criterion.id, answer.key)

    def _add(self, answer: StudentAnswer, mark: Mark) -> StudentAnswer:
        with self.store.adding() as add:
            add(mark)
        return self.answer(answer.criterion.id, answer.key)

    def _marks(self) -> dict[tuple[str, str, str], list[Mark]]:
        found: dict[tuple[str, str, str], list[Mark]] = {}
        for one in self.store.marks():
            found.setdefault((one.student, one.criterion, one.answer), []).append(one)
        return found

    def _now(self) -> Rubric:
        """The rubric of the last run, after reading what runs have added since."""
        with self._lock:
            state = self.store.state()
            if state != self._state:
                self._class.read(self.out, self.store.salt(), self._options)
                self._answers, self._state = self._class.by_criterion(), state
            assert self._class.rubric is not None   # `read` sets it
            return self._class.rubric


def check_mark(answer: StudentAnswer, new: NewMark) -> None:
    """Raises NotAllowed if the mark is not allowed for this answer as it is now."""
    most = answer.criterion.points
    if not points_that_may_be(new.points, most):
        raise NotAllowed(f"{new.points:g} points: give 0 to {most:g} in steps of 0.25")
    for text in (new.comment, new.note):
        _check_length(text)
    if answer.state == "by the check" and not new.comment.strip():
        raise NotAllowed("a comment is missing: tell the student why the check's result changes")
    if answer.state == "disputed" and not new.note.strip():
        raise NotAllowed("a note is missing: say how the flag was resolved")


def conflict_message(answer: StudentAnswer) -> str:
    """A message that names who marked this answer since it was loaded."""
    last = answer.place.standing[-1] if answer.place.standing else None
    by_whom = f"by {last.marker}, {last.at}" if last else "meanwhile"
    return f"{answer.name} ({answer.criterion.id}) was marked {by_whom}"


def _placed(
    answer: StudentAnswer, marks: Mapping[tuple[str, str, str], list[Mark]]
) -> StudentAnswer:
    """The answer with its present marks."""
    own = marks.get((answer.student, answer.criterion.id, answer.digest), ())
    return dataclasses.replace(answer, place=position(own))


def _entry(answer: StudentAnswer, marker: str, seen: int) -> Mark:
    return Mark(answer.student, answer.criterion.id, answer.digest, marker, seen=seen)


def _mark(answer: StudentAnswer, marker: str, new: NewMark, seen: int) -> Mark:
    return dataclasses.replace(
        _entry(answer, marker, seen), points=new.points, max=answer.criterion.points,
        items=new.items, comment=new.comment.strip(), note=new.note.strip(),
    )  # fmt: skip


def _check_length(text: str) -> None:
    if len(text) > LONGEST_COMMENT:
        raise NotAllowed(f"the text has {len(text):,} characters, more than {LONGEST_COMMENT:,}")
