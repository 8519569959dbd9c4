"""The cache file of a results folder, `results/cache.sqlite`: opened, rebuilt if damaged, removed.

The gradebook is the record; this file may be deleted at any time. A damaged entry counts as
missing, and a file that cannot be opened counts as empty.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

NAME = "cache.sqlite"
_VERSION = 1   # of the tables below
_TABLES = """
create table evidence (
    key text primary key, run integer not null, student text not null, question text not null,
    digest text not null, body blob not null
);
create table pictures (key text primary key, digest text not null, body blob not null);
create table pages (student text primary key, stamp text not null);
"""


@dataclass
class CacheFile:
    """An open cache file, or an empty one if the connection is None.

    Its methods may be called from threads, and ignore a full disk and a damaged file.
    """

    _connection: sqlite3.Connection | None
    _lock: Lock = field(default_factory=Lock)

    def row(self, query: str, *values: object) -> tuple[Any, ...] | None:
        """Return the query's first row; None if there is none."""
        try:
            with self._lock:
                if self._connection is None:
                    return None
                found: tuple[Any, ...] | None = self._connection.execute(query, values).fetchone()
                return found
        except sqlite3.Error:
            return None

    def write(self, statement: str, *values: object) -> None:
        """Execute the statement, or change nothing."""
        try:
            with self._lock:
                if self._connection is not None:
                    with self._connection as connection:
                        connection.execute(statement, values)
        except (sqlite3.Error, UnicodeEncodeError):   # a name with half a surrogate pair
            return


@dataclass(frozen=True)
class Summary:
    """The contents of a cache in numbers."""

    answers: int
    students: int
    bytes: int


@contextmanager
def open_cache(folder: Path) -> Iterator[CacheFile]:
    """Open the cache of a results folder; create it if it is missing or damaged."""
    connection = _connect(folder / NAME)
    try:
        yield CacheFile(connection)
    finally:
        if connection is not None:
            connection.close()


def no_cache() -> CacheFile:
    """Return a cache that stores nothing."""
    return CacheFile(None)


def summary(folder: Path) -> Summary:
    """Count what the cache of a results folder holds."""
    path = folder / NAME
    rows = look(folder, "select count(*), count(distinct student) from evidence")
    answers, students = rows[0] if rows else (0, 0)
    return Summary(answers, students, path.stat().st_size if path.is_file() else 0)


def look(folder: Path, query: str, *values: object) -> list[tuple[Any, ...]]:
    """Query the cache of a results folder read-only; [] if it is missing or damaged."""
    path = folder / NAME
    if not path.is_file():
        return []
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            return connection.execute(query, values).fetchall()
    except sqlite3.Error:
        return []


def clear(folder: Path) -> None:
    """Delete the cache of a results folder; marks and feedback stay."""
    for path in (folder / NAME, folder / f"{NAME}-journal"):
        path.unlink(missing_ok=True)


def _connect(path: Path) -> sqlite3.Connection | None:
    for _ in range(2):
        try:
            connection = sqlite3.connect(path, check_same_thread=False)
            try:
                # Digests reveal what a power cut damages, so writes need not wait for the disk.
                connection.execute("pragma synchronous = off")
                (version,) = connection.execute("pragma user_version").fetchone()
                if version == 0:
                    connection.executescript(f"begin; {_TABLES} pragma user_version = {_VERSION};")
                elif version != _VERSION:
                    raise sqlite3.DatabaseError("from another version of the grader")
                for table in ("evidence", "pictures", "pages"):
                    connection.execute(f"select * from {table} limit 1").fetchone()
                return connection
            except BaseException:
                connection.close()
                raise
        except sqlite3.DatabaseError:
            try:
                clear(path.parent)
            except OSError:
                return None
    return None
