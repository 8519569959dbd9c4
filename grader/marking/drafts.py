"""What is typed and not saved yet: one draft per marker and answer.

    results/drafts.sqlite

No record: a draft is written over by the next, and the file may be removed at any time.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from grader.errors import GraderError

NAME = "drafts.sqlite"
_TABLE = """
create table if not exists drafts (
    marker text not null, key text not null, draft text not null, primary key (marker, key)
)
"""


@dataclass
class Drafts:
    """An open file of drafts. Raises GraderError where one cannot be kept."""

    _connection: sqlite3.Connection
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, marker: str, key: str) -> str:
        """"" where there is none."""
        query = "select draft from drafts where marker = ? and key = ?"
        try:
            with self._lock:
                row = self._connection.execute(query, (marker, key)).fetchone()
        except sqlite3.Error:
            return ""   # a damaged one was never there
        return str(row[0]) if row else ""

    def put(self, marker: str, key: str, draft: str) -> None:
        """"" removes it."""
        statement = "insert or replace into drafts values (?, ?, ?)"
        values: tuple[str, ...] = (marker, key, draft)
        if not draft:
            statement, values = "delete from drafts where marker = ? and key = ?", (marker, key)
        try:
            with self._lock, self._connection as connection:
                connection.execute(statement, values)
        except sqlite3.Error as error:
            raise GraderError(f"the draft was not kept: {error}") from None


@contextmanager
def open_drafts(folder: Path) -> Iterator[Drafts]:
    """The drafts of a results folder; a damaged file is made anew. Raises GraderError."""
    path = folder / NAME
    for last in (False, True):
        try:
            connection = sqlite3.connect(path, timeout=30, check_same_thread=False)
            with connection:
                connection.execute(_TABLE)
            break
        except sqlite3.DatabaseError as error:
            if last or isinstance(error, sqlite3.OperationalError):
                raise GraderError(f"{path}: no drafts can be kept there: {error}") from None
            path.unlink(missing_ok=True)
    with closing(connection):
        yield Drafts(connection)
