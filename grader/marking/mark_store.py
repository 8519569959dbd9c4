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
from grader.grading.marks import Mark, marks_in


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


_COMMENT = TypeAdapter(SavedComment)


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
        rows = self._rows(
            "select id, comment from comments where criterion = ? order by id", criterion
        )
        every = [replace(_COMMENT.validate_json(text), number=id) for id, text in rows]
        gone = {one.replaces for one in every}
        return [one for one in every if one.text and one.number not in gone]

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
        try:
            with self._lock, self._connection as connection:
                cursor = connection.execute(
                    "insert into comments (criterion, comment) values (?, ?)",
                    (kept.criterion, json.dumps(asdict(kept))),
                )
        except sqlite3.Error as error:
            raise GraderError(_not_saved(error)) from None
        return replace(kept, number=int(cursor.lastrowid or 0))

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
