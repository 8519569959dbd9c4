"""What workers have answered, kept by all that an answer depends on: asked once, judged often.

    results/cache.sqlite

A cache and no record: what counts is in the gradebook, and this file may be removed at any time.
An entry that is damaged was never there. Nothing here raises for a file that is damaged or a disk
that is full: what is not found is asked of a worker.
"""

from __future__ import annotations

import hashlib
import sqlite3
import threading
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from io import BytesIO
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from grader import wire
from grader.records import Evidence, Outcome, Question
from grader.testimony import checked

NAME = "cache.sqlite"
_VERSION = 1   # of the table below
_TABLE = """
create table evidence (
    key text primary key, run integer not null, student text not null, question text not null,
    digest text not null, body blob not null
);
"""
_OUTCOME = TypeAdapter(Outcome)
_MOST = 512 * 2**20   # bytes of one entry's header: it has passed the caps of the wire by now
_SPEED = 1            # of zlib: logits hardly shrink, pixels of a figure do at once


@dataclass(frozen=True)
class Summary:
    """What `grader cache show` tells."""

    answers: int
    students: int
    bytes: int


@dataclass
class EvidenceCache:
    """An open cache. Its methods may be called from several threads."""

    _connection: sqlite3.Connection | None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def find(self, key: str, question: Question, since: int) -> Evidence | None:
        """The answer under that key, of runs from `since` on, checked as when it came."""
        try:
            with self._lock:
                if self._connection is None:
                    return None
                row = self._connection.execute(
                    "select digest, body from evidence where key = ? and run >= ?", (key, since)
                ).fetchone()
            return None if row is None else _unpacked(question, *row)
        except (sqlite3.Error, ValueError, KeyError, TypeError, zlib.error, ValidationError):
            self._drop(key)
            return None

    def add(self, key: str, evidence: Evidence, student: str, run: int) -> None:
        """Keep an answer, or how it failed; what the harness is to blame for is asked again."""
        if evidence.outcome.owner == "harness":
            return
        try:
            digest, body = _packed(evidence)
            with self._lock:
                if self._connection is not None:
                    with self._connection as connection:
                        connection.execute(
                            "insert or replace into evidence values (?, ?, ?, ?, ?, ?)",
                            (key, run, student, evidence.question.id, digest, body),
                        )
        except (sqlite3.Error, ValueError, TypeError):
            return   # a full disk, or a name that no text encodes: it is asked again

    def _drop(self, key: str) -> None:
        try:
            with self._lock:
                if self._connection is not None:
                    with self._connection as connection:
                        connection.execute("delete from evidence where key = ?", (key,))
        except sqlite3.Error:
            return


@contextmanager
def open_cache(folder: Path) -> Iterator[EvidenceCache]:
    """The cache of a results folder, made when it is not there; a damaged one is made anew."""
    connection = _connect(folder / NAME)
    try:
        yield EvidenceCache(connection)
    finally:
        if connection is not None:
            connection.close()


def no_cache() -> EvidenceCache:
    """For a run that nothing will be asked of again."""
    return EvidenceCache(None)


def summary(folder: Path) -> Summary:
    """What the cache of a results folder holds."""
    path = folder / NAME
    if not path.is_file():
        return Summary(0, 0, 0)
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            query = "select count(*), count(distinct student) from evidence"
            answers, students = connection.execute(query).fetchone()
    except sqlite3.Error:
        answers, students = 0, 0
    return Summary(answers, students, path.stat().st_size)


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
                    connection.executescript(f"begin; {_TABLE} pragma user_version = {_VERSION};")
                elif version != _VERSION:
                    raise sqlite3.DatabaseError("of another version of the grader")
                connection.execute("select key, run, digest from evidence limit 1").fetchone()
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


def _packed(evidence: Evidence) -> tuple[str, bytes]:
    said = {"outcome": asdict(evidence.outcome), "value": evidence.value}
    body = zlib.compress(wire.encode(said, evidence.blobs), _SPEED)
    return hashlib.sha256(body).hexdigest(), body


def _unpacked(question: Question, digest: str, body: bytes) -> Evidence:
    """Raises ValueError, or one of the errors that `find` expects, for what is damaged."""
    if hashlib.sha256(body).hexdigest() != digest:
        raise ValueError("the entry is damaged")
    frame = wire.read_frame(BytesIO(zlib.decompress(body)).read, _MOST, wire.MAX_ANSWER_BLOBS)
    if frame is None:
        raise ValueError("the entry is empty")
    said, blobs = frame
    found = Evidence(question, _OUTCOME.validate_python(said["outcome"]), said["value"], blobs)
    again = checked(found)
    if again.outcome != found.outcome:
        raise ValueError("the entry is not what a worker may say")
    return again
