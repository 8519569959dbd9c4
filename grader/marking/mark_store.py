"""Marks, and the comments that are used again, in the gradebook's file: added, never changed.

Several people may add to it at once, from processes of their own, and while a run is at work.
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
class Comment:
    """A comment that is used again, with its points. One that is changed takes the place of the one
    with the number `replaces`, and one without a text removes it; marks keep what they said."""

    criterion: str
    text: str
    points: float
    marker: str
    replaces: int = 0
    at: str = ""
    number: int = 0


_COMMENT = TypeAdapter(Comment)


@dataclass
class MarkBook:
    """An open gradebook, to mark in. Its methods may be called from several threads, and raise
    GraderError when the file cannot be read or written: what was to be kept is not, then."""

    _connection: sqlite3.Connection
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def marks(self) -> list[Mark]:
        """All that was ever said, in order."""
        return marks_in(self._rows("select id, mark from marks order by id"))

    def comments(self, criterion: str) -> list[Comment]:
        """Those that may be chosen now."""
        rows = self._rows(
            "select id, comment from comments where criterion = ? order by id", criterion
        )
        all_of_them = [replace(_COMMENT.validate_json(text), number=id) for id, text in rows]
        gone = {one.replaces for one in all_of_them}
        return [one for one in all_of_them if one.text and one.number not in gone]

    @contextmanager
    def adding(self) -> Iterator[Callable[[Mark], Mark]]:
        """What is added by the function that this gives is kept as a whole or not at all, and
        nobody else adds anything meanwhile. It returns the mark with its number."""
        try:
            with self._lock, self._connection as connection:
                connection.execute("begin immediate")
                yield partial(_add, connection)
        except sqlite3.Error as error:
            raise GraderError(_unkept(error)) from None

    def add_comment(self, comment: Comment) -> Comment:
        kept = replace(comment, at=_now(), number=0)
        try:
            with self._lock, self._connection as connection:
                cursor = connection.execute(
                    "insert into comments (criterion, comment) values (?, ?)",
                    (kept.criterion, json.dumps(asdict(kept))),
                )
        except sqlite3.Error as error:
            raise GraderError(_unkept(error)) from None
        return replace(kept, number=int(cursor.lastrowid or 0))

    def state(self) -> tuple[int, int]:
        """Another one once a run has added something."""
        rows = self._rows("select (select max(id) from runs), (select max(id) from submissions)")
        run, submission = rows[0]
        return run or 0, submission or 0

    def salt(self) -> str:
        """What this class's answers are put in order by: the same for as long as it is graded."""
        rows = self._rows("select began, machine, seed from runs order by id limit 1")
        return json.dumps(rows[:1])

    def _rows(self, query: str, *values: object) -> list[Any]:
        try:
            with self._lock:
                return self._connection.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise GraderError(f"the gradebook cannot be read: {error}") from None


@contextmanager
def open_marks(folder: Path) -> Iterator[MarkBook]:
    """The gradebook of a results folder, to mark in. Raises UsageError where there is none."""
    with beside_others(folder) as connection:
        yield MarkBook(connection)


def _add(connection: sqlite3.Connection, mark: Mark) -> Mark:
    (run,) = connection.execute("select max(id) from runs").fetchone()
    kept = replace(mark, at=_now(), run=run or 0, number=0)
    cursor = connection.execute(
        "insert into marks (student, mark) values (?, ?)", (kept.student, json.dumps(asdict(kept)))
    )
    return replace(kept, number=int(cursor.lastrowid or 0))


def _unkept(error: sqlite3.Error) -> str:
    return f"this was not kept: the gradebook cannot be written: {error}"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
