"""Manual grading of a class: its answers by criterion, with their marks, and how marks are added.

The page and the CSV file both use this.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from grader.grading.marks import LineComment, Mark, position
from grader.marking.answers import ClassAnswers, StudentAnswer
from grader.marking.code import SourceFile, code_of
from grader.marking.mark_store import MarkStore, OptionEdit
from grader.marking.model_answers import ModelAnswers
from grader.marking.new_marks import (
    Conflict,
    NewLine,
    NewMark,
    NotAllowed,
    check_length,
    check_mark,
)
from grader.rubric.model import Criterion, Rubric
from grader.text import plain_line


class MarkingService:
    """Everything that marking needs of one results folder.

    Args:
        out: the results folder.
        store: its marks and saved comments.
        rubric: its options, questions and model answers replace those of the last run's rubric, so
            they may change while a class is being marked; None for the last run's.
    """

    def __init__(self, out: Path, store: MarkStore, rubric: Rubric | None = None) -> None:
        self.out, self.store, self._rubric = out, store, rubric
        self.model_answers = ModelAnswers(rubric)
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

    def identical(self, answer: StudentAnswer) -> list[StudentAnswer]:
        """Other answers with the same content and the same mark: one mark is for all of them.

        An answer that is flagged or in conflict is marked alone.
        """
        if not answer.content or answer.state in ("conflict", "disputed"):
            return []
        self._now()
        same = [one for one in self._answers.get(answer.criterion.id, ())
                if one.content == answer.content and one.key != answer.key]
        marks = self._marks() if same else {}
        placed = [_placed(one, marks) for one in same]
        return [one for one in placed if _standing(one) == _standing(answer)]

    def code(self, answer: StudentAnswer) -> tuple[SourceFile, ...]:
        """The code that the answer's check looked at; empty if the results have no copy of it."""
        return code_of(self.out, answer.submission.digest)

    def change_option(self, criterion: Criterion, edit: OptionEdit) -> None:
        """Change an option. Raises NotAllowed if somebody else changed it meanwhile."""
        if edit.now is not None:
            check_length(edit.now.text)
        if not self.store.edit_option(criterion, edit):
            raise NotAllowed("somebody else has changed this option: reload the page")

    def history(self, answer: StudentAnswer) -> list[Mark]:
        """All marks of this student's answers to the criterion, also of earlier answers."""
        return [one for one in self.store.marks()
                if (one.student, one.criterion) == (answer.student, answer.criterion.id)]

    def mark(
        self, answer: StudentAnswer, marker: str, new: NewMark, seen: int,
        also: Sequence[tuple[StudentAnswer, int]] = (),
    ) -> StudentAnswer:
        """Add a mark; either all of its answers get it or none.

        Args:
            answer: the answer that the marker saw.
            marker: the marker's name.
            new: the mark.
            seen: the version of the answer that the marker saw.
            also: identical answers that get the same mark, with the versions that the marker saw.
        """
        everyone = [(answer, seen), *also]
        if any(not one.content or one.content != answer.content for one, _ in also):
            raise NotAllowed("the answers are no longer identical: reload the page")
        for one, _ in everyone:
            check_mark(one, new)
        marks = [self._mark(one, marker, new, version) for one, version in everyone]
        with self.store.adding() as add:
            for mark in marks:
                add(mark)
        return self.answer(answer.criterion.id, answer.key)

    def mark_all(self, marks: Sequence[tuple[StudentAnswer, str, NewMark, int]]) -> None:
        """Add all marks or none. Raises Conflict if one of the answers was marked meanwhile."""
        with self.store.adding() as add:
            known = self._marks()
            for answer, marker, new, seen in marks:
                now = _placed(answer, known)
                if now.place.version != seen:
                    raise Conflict(conflict_message(now))
                add(self._mark(answer, marker, new, seen))

    def dispute(self, answer: StudentAnswer, marker: str, note: str, seen: int) -> StudentAnswer:
        """Flag an answer. The note is required."""
        if not note.strip():
            raise NotAllowed("a flag needs a note with the reason")
        check_length(note)
        return self._add(answer, dataclasses.replace(
            _entry(answer, marker, seen), kind="dispute", note=note.strip()
        ))

    def undo(self, answer: StudentAnswer, marker: str) -> StudentAnswer:
        """Restore the state before the marker's last mark, also of identical answers.

        Raises NotAllowed if the answer's last mark is somebody else's.
        """
        with self.store.adding() as add:
            back = self._undone(answer, marker)
            if back is None:
                raise NotAllowed("nothing to undo: the last mark of this answer is not yours")
            others = [self._undone(one, marker) for one in self.identical(answer)]
            for one in [back, *filter(None, others)]:
                add(one)
        return self.answer(answer.criterion.id, answer.key)

    def _undone(self, answer: StudentAnswer, marker: str) -> Mark | None:
        """The mark that undoes the marker's own last mark; None if the last one is not theirs."""
        marks = self._marks()
        now = _placed(answer, marks)
        last = now.place.standing[-1] if now.place.standing else None
        if last is None or last.marker != marker or last.number != now.place.version:
            return None
        key = (answer.student, answer.criterion.id, answer.digest)
        before = position(one for one in marks.get(key, ()) if one.number < last.number).mark
        back = _entry(answer, marker, now.place.version)
        if before is None:
            return dataclasses.replace(back, kind="withdrawal", note="undone")
        return dataclasses.replace(before, marker=marker, seen=now.place.version, note="undone")

    def _mark(self, answer: StudentAnswer, marker: str, new: NewMark, seen: int) -> Mark:
        """The mark of one answer, with the names of its own files."""
        mark = dataclasses.replace(
            _entry(answer, marker, seen), points=new.points, max=answer.criterion.points,
            items=new.items, comment=new.comment.strip(), note=new.note.strip(),
            lines=tuple(self._lines(answer, new.lines)),
        )  # fmt: skip
        check_length(mark.text)
        return mark

    def _lines(self, answer: StudentAnswer, lines: Sequence[NewLine]) -> Iterator[LineComment]:
        files = self.code(answer) if lines else ()
        for one in sorted(lines, key=lambda one: (one.file, one.line)):
            if not 0 <= one.file < len(files) or not 1 <= one.line <= len(files[one.file].lines):
                raise NotAllowed("a line with a comment no longer exists: reload the page")
            file = files[one.file]
            if one.text.strip():
                yield LineComment(file.name, one.line, plain_line(file.place(one.line)),
                                  file.quoted(one.line), one.text.strip())

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
                self._class.read(self.out, self.store.salt(), self._rubric)
                self._answers, self._state = self._class.by_criterion(), state
            assert self._class.rubric is not None   # `read` sets it
            return self._class.rubric


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


def _standing(answer: StudentAnswer) -> tuple[object, ...]:
    """The state of an answer and its mark, as far as students read it."""
    mark = answer.place.mark
    if mark is None:
        return (answer.state,)
    lines = [(one.line, one.text) for one in mark.lines]
    return answer.state, mark.points, mark.items, mark.comment, lines
