"""Stores marks and saved comments in the gradebook's file. Entries are added and never changed.

Several people may add marks at once, from several processes, also while a run goes on.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from grader.errors import GraderError
from grader.grading.gradebook_file import beside_others
from grader.grading.marks import Item, Mark, marks_in
from grader.rubric.model import Criterion


@dataclass(frozen=True)
class SavedComment:
    """A comment that markers reuse, with its points.

    A changed comment replaces the one with the number `replaces`; one without text removes it.
    Marks keep the text that they were given with.
    """

    criterion: str
    text: str
    points: float
    marker: str
    replaces: int = 0
    at: str = ""
    number: int = 0


@dataclass(frozen=True)
class OptionEdit:
    """A change of a criterion's options: `now` replaces `was`.

    Without `was` it is a new option; without `now` an option is removed.
    """

    criterion: str
    marker: str
    was: Item | None = None
    now: Item | None = None
    at: str = ""


_COMMENT, _EDIT = TypeAdapter(SavedComment), TypeAdapter(OptionEdit)


@dataclass
class MarkStore:
    """The marks in an open gradebook.

    Its methods may be called from several threads. They raise GraderError if the file cannot be
    read or written; then nothing of the call is stored.
    """

    _connection: sqlite3.Connection
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def marks(self) -> list[Mark]:
        """All marks, flags and withdrawals ever given, in order."""
        return marks_in(self._rows("select id, mark from marks order by id"))

    def comments(self, criterion: str) -> list[SavedComment]:
        """The saved comments that may be chosen now."""
        every = [replace(_COMMENT.validate_json(text), number=number)
                 for number, text in self._comment_rows(criterion) if "was" not in json.loads(text)]
        gone = {one.replaces for one in every}
        return [one for one in every if one.text and one.number not in gone]

    def options(self, criterion: Criterion) -> list[Item]:
        """The criterion's options with the changes that markers made."""
        found = [Item(one.points, one.text) for one in criterion.options]
        for _, text in self._comment_rows(criterion.id):
            if "was" in json.loads(text):
                edit = _EDIT.validate_json(text)
                new = [edit.now] if edit.now and edit.now not in found else []
                if edit.was is None:
                    found += new
                elif edit.was in found:
                    place = found.index(edit.was)
                    found[place : place + 1] = new
        return found

    @contextmanager
    def adding(self) -> Iterator[Callable[[Mark], Mark]]:
        """A transaction. It yields a function that adds a mark and returns it with its number.

        All marks of the transaction are stored or none, and nobody else adds any meanwhile.
        """
        try:
            with self._lock, self._connection as connection:
                connection.execute("begin immediate")
                yield partial(_add, connection)
        except sqlite3.Error as error:
            raise GraderError(_not_saved(error)) from None

    def add_comment(self, comment: SavedComment) -> SavedComment:
        """Store a comment; returns it with its number."""
        kept = replace(comment, at=_now(), number=0)
        return replace(kept, number=self._insert(kept))

    def edit_option(self, criterion: Criterion, edit: OptionEdit) -> bool:
        """Store a change of an option; False if the option is no longer as the edit has it."""
        try:
            with self._lock, self._connection as connection:
                connection.execute("begin immediate")
                if edit.was is not None and edit.was not in self.options(criterion):
                    return False
                self._insert(replace(edit, at=_now()))
        except sqlite3.Error as error:
            raise GraderError(_not_saved(error)) from None
        return True

    def _insert(self, row: SavedComment | OptionEdit) -> int:
        try:
            with self._lock, self._connection as connection:
                cursor = connection.execute(
                    "insert into comments (criterion, comment) values (?, ?)",
                    (row.criterion, json.dumps(asdict(row))),
                )
        except sqlite3.Error as error:
            raise GraderError(_not_saved(error)) from None
        return int(cursor.lastrowid or 0)

    def _comment_rows(self, criterion: str) -> list[Any]:
        return self._rows(
            "select id, comment from comments where criterion = ? order by id", criterion
        )

    def state(self) -> tuple[int, int]:
        """The last run and the last grading: another pair once a run has added something."""
        rows = self._rows("select (select max(id) from runs), (select max(id) from submissions)")
        run, submission = rows[0]
        return run or 0, submission or 0

    def salt(self) -> str:
        """The salt of the answers' keys. It never changes for a results folder."""
        rows = self._rows("select began, machine, seed from runs order by id limit 1")
        return json.dumps(rows[:1])

    def _rows(self, query: str, *values: object) -> list[Any]:
        try:
            with self._lock:
                return self._connection.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise GraderError(f"the gradebook cannot be read: {error}") from None


@contextmanager
def open_marks(folder: Path) -> Iterator[MarkStore]:
    """Open the marks in the gradebook of a results folder. Raises UsageError if it has none."""
    with beside_others(folder) as connection:
        yield MarkStore(connection)


def _add(connection: sqlite3.Connection, mark: Mark) -> Mark:
    (run,) = connection.execute("select max(id) from runs").fetchone()
    kept = replace(mark, at=_now(), run=run or 0, number=0)
    cursor = connection.execute(
        "insert into marks (student, mark) values (?, ?)", (kept.student, json.dumps(asdict(kept)))
    )
    return replace(kept, number=int(cursor.lastrowid or 0))


def _not_saved(error: sqlite3.Error) -> str:
    return f"not saved: the gradebook cannot be written: {error}"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
