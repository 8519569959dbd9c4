"""The file of what need not be made twice: opened, made anew when damaged, shown and removed.

    results/cache.sqlite

A cache and no record: what counts is in the gradebook, and this file may be removed at any time.
What is damaged in it was never there. A file that cannot be opened is no reason to stop: then
everything is made.
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
"""


@dataclass
class CacheFile:
    """An open cache; None where it could not be opened. Its methods may be called from several
    threads, and raise nothing for a disk that is full or a file that is damaged meanwhile."""

    _connection: sqlite3.Connection | None
    _lock: Lock = field(default_factory=Lock)

    def row(self, query: str, *values: object) -> tuple[Any, ...] | None:
        """The first row, if there is one."""
        try:
            with self._lock:
                if self._connection is None:
                    return None
                found: tuple[Any, ...] | None = self._connection.execute(query, values).fetchone()
                return found
        except sqlite3.Error:
            return None

    def write(self, statement: str, *values: object) -> None:
        """Carry it out, or leave things as they were."""
        try:
            with self._lock:
                if self._connection is not None:
                    with self._connection as connection:
                        connection.execute(statement, values)
        except (sqlite3.Error, UnicodeEncodeError):   # a name that no text encodes
            return


@dataclass(frozen=True)
class Summary:
    """What `grader cache show` tells."""

    answers: int
    students: int
    bytes: int


@contextmanager
def open_cache(folder: Path) -> Iterator[CacheFile]:
    """The cache of a results folder, made when it is not there; a damaged one is made anew."""
    connection = _connect(folder / NAME)
    try:
        yield CacheFile(connection)
    finally:
        if connection is not None:
            connection.close()


def no_cache() -> CacheFile:
    """For a run that nothing will be asked of again."""
    return CacheFile(None)


def summary(folder: Path) -> Summary:
    """What the cache of a results folder holds."""
    path = folder / NAME
    rows = look(folder, "select count(*), count(distinct student) from evidence")
    answers, students = rows[0] if rows else (0, 0)
    return Summary(answers, students, path.stat().st_size if path.is_file() else 0)


def look(folder: Path, query: str, *values: object) -> list[tuple[Any, ...]]:
    """What the cache of a results folder holds, without writing to it; nothing where it is gone,
    or damaged."""
    path = folder / NAME
    if not path.is_file():
        return []
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            return connection.execute(query, values).fetchall()
    except sqlite3.Error:
        return []


def clear(folder: Path) -> None:
    """Remove the cache of a results folder; marks and feedback stay as they are."""
    for path in (folder / NAME, folder / f"{NAME}-journal"):
        path.unlink(missing_ok=True)


def _connect(path: Path) -> sqlite3.Connection | None:
    for _ in range(2):
        try:
            connection = sqlite3.connect(path, check_same_thread=False)
            try:
                # What a power cut leaves is found out by the digests, so nobody waits for the disk.
                connection.execute("pragma synchronous = off")
                (version,) = connection.execute("pragma user_version").fetchone()
                if version == 0:
                    connection.executescript(f"begin; {_TABLES} pragma user_version = {_VERSION};")
                elif version != _VERSION:
                    raise sqlite3.DatabaseError("of another version of the grader")
                for table in ("evidence", "pictures"):
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
