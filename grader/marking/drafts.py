"""Keeps unsaved drafts of marks, one per marker and answer, in `results/drafts.sqlite`.

Every draft replaces the one before. The file may be removed at any time.
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
    """An open file of drafts."""

    _connection: sqlite3.Connection
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, marker: str, key: str) -> str:
        """The draft; "" if there is none."""
        query = "select draft from drafts where marker = ? and key = ?"
        try:
            with self._lock:
                row = self._connection.execute(query, (marker, key)).fetchone()
        except sqlite3.Error:
            return ""   # a damaged file holds no drafts
        return str(row[0]) if row else ""

    def put(self, marker: str, key: str, draft: str) -> None:
        """Keep a draft; "" removes it. Raises GraderError if it cannot be written."""
        statement = "insert or replace into drafts values (?, ?, ?)"
        values: tuple[str, ...] = (marker, key, draft)
        if not draft:
            statement, values = "delete from drafts where marker = ? and key = ?", (marker, key)
        try:
            with self._lock, self._connection as connection:
                connection.execute(statement, values)
        except sqlite3.Error as error:
            raise GraderError(f"the draft was not saved: {error}") from None


@contextmanager
def open_drafts(folder: Path) -> Iterator[Drafts]:
    """Open the drafts of a results folder; a damaged file is replaced.

    Raises GraderError if no file can be made.
    """
    path = folder / NAME
    for last in (False, True):
        try:
            connection = sqlite3.connect(path, timeout=30, check_same_thread=False)
            with connection:
                connection.execute(_TABLE)
            break
        except sqlite3.DatabaseError as error:
            if last or isinstance(error, sqlite3.OperationalError):
                raise GraderError(f"{path}: drafts cannot be saved there: {error}") from None
            path.unlink(missing_ok=True)
    with closing(connection):
        yield Drafts(connection)
