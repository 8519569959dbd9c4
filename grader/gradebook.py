"""What is known of every submission, in SQLite: verdicts are added, never changed, never removed.

A run may be killed at any moment. What it had concluded is here, all verdicts on a submission or
none of them, and the next run on the same folder goes on from there. The last verdict on a
criterion counts, by the order in which they came: clocks jump, row numbers do not.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import sqlite3
import threading
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from grader.errors import GraderError
from grader.records import Concluded, Submission, Verdict

VERSION = 1   # of the tables below
TABLES = """
create table runs (
    id integer primary key, began text not null, machine text not null, process integer not null,
    exam text not null, seed integer not null, finished text
);
create table submissions (
    id integer primary key, run integer not null references runs, student text not null,
    digest text not null, at text not null, seconds real not null, submission text not null
);
create table verdicts (
    id integer primary key, submission integer not null references submissions,
    criterion text not null, fingerprint text not null, verdict text not null
);
create index verdicts_by_submission on verdicts (submission);
create index submissions_by_student on submissions (student, digest);
"""
_SUBMISSION, _VERDICT = TypeAdapter(Submission), TypeAdapter(Verdict)

Record = TypeVar("Record", Submission, Verdict)
Fingerprints = Mapping[str, str]   # criterion -> digest of all that its verdict depends on


@dataclass
class Gradebook:
    """An open gradebook. Its methods may be called from several threads.

    Once a run has begun nothing here raises for a disk that is full or a file that is damaged: what
    could not be written waits, `unsaved` names whose it is and `problem` says why, and it is tried
    again with what comes next.
    """

    _connection: sqlite3.Connection
    problem: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _waiting: list[tuple[Submission, Concluded]] = field(default_factory=list)
    _wanted: Fingerprints = field(default_factory=dict)
    _run: int = 0
    _first: int = 0    # what earlier runs than this one concluded is not looked at

    def seed_to_go_on_with(self, wanted: Fingerprints) -> int | None:
        """The seed of a run for these criteria that was cut short, if that was the last one.

        With it all of a class sit the same exam, however often their grader is stopped.
        """
        last = self._rows("select exam, seed from runs where finished is null"
                          " and id = (select max(id) from runs)")
        return int(last[0][1]) if last and last[0][0] == _exam(wanted) else None

    def begin(self, wanted: Fingerprints, seed: int, *, fresh: bool = False) -> None:
        """A new run for these criteria; `fresh` takes no account of what is known from before.

        Raises GraderError when it cannot be written down.
        """
        try:
            with self._lock, self._connection as connection:
                cursor = connection.execute(
                    "insert into runs (began, machine, process, exam, seed) values (?, ?, ?, ?, ?)",
                    (_now(), platform.node(), os.getpid(), _exam(wanted), seed),
                )
        except sqlite3.Error as error:
            raise GraderError(
                f"the gradebook cannot be written: {error}. Make room, or name another folder with "
                "--out."
            ) from None
        self._run = int(cursor.lastrowid or 0)
        self._first = self._run if fresh else 0
        self._wanted = wanted

    def known(self, submission: Submission) -> Concluded:
        """The last verdict on each criterion of these very files that still holds.

        One that was reached under another fingerprint does not hold, nor does `not_scored`.
        """
        rows = self._rows(
            "select v.criterion, v.fingerprint, v.verdict, s.id, s.seconds from verdicts v"
            " join submissions s on s.id = v.submission"
            " where s.student = ? and s.digest = ? and s.run >= ? order by v.id",
            submission.student, submission.digest, self._first,
        )
        found: dict[str, Verdict] = {}
        seconds: dict[int, float] = {}
        for criterion, fingerprint, text, grading, took in rows:
            # One that cannot be read any more was never reached: it is asked for again.
            verdict = _read(_VERDICT, text) if self._wanted.get(criterion) == fingerprint else None
            if verdict is not None and verdict.status != "not_scored":
                found[criterion] = verdict
                seconds[grading] = took
        return Concluded(found, round(sum(seconds.values()), 1))

    def of(self, students: Collection[str]) -> list[tuple[Submission, Concluded]]:
        """What still holds for these students, by the files that each was graded by last."""
        rows = self._rows("select student, submission from submissions order by id")
        latest = {student: text for student, text in rows if student in students}
        found = [_read(_SUBMISSION, text) for text in latest.values()]
        both = [(one, self.known(one)) for one in found if one is not None]
        return [(submission, known) for submission, known in both if known.verdicts]

    def add(self, submission: Submission, found: Concluded) -> None:
        """Keep what a grading concluded: all of it or, should this be the end, nothing."""
        with self._lock:
            self._waiting.append((submission, found))
            self._write()

    def finish(self) -> None:
        """The run came to its end; another one draws an exam of its own."""
        with self._lock:
            self._write()
            if not self._waiting:
                try:
                    with self._connection as connection:
                        connection.execute(
                            "update runs set finished = ? where id = ?", (_now(), self._run)
                        )
                except sqlite3.Error as error:
                    self.problem = str(error)

    @property
    def unsaved(self) -> list[str]:
        """Students of whom something could not be written; `problem` says why."""
        with self._lock:
            return [submission.student for submission, _ in self._waiting]

    def _rows(self, query: str, *values: object) -> list[Any]:
        """None where the file cannot be read any more: what is not known is asked again."""
        try:
            with self._lock:
                return self._connection.execute(query, values).fetchall()
        except sqlite3.Error as error:
            self.problem = str(error)
            return []

    def _write(self) -> None:
        try:
            while self._waiting:
                with self._connection as connection:
                    self._insert(connection, *self._waiting[0])
                del self._waiting[0]
        except sqlite3.Error as error:
            self.problem = str(error)

    def _insert(
        self, connection: sqlite3.Connection, submission: Submission, found: Concluded
    ) -> None:
        student, digest = submission.student, submission.digest
        cursor = connection.execute(
            "insert into submissions (run, student, digest, at, seconds, submission)"
            " values (?, ?, ?, ?, ?, ?)",
            (self._run, student, digest, _now(), found.seconds, _json(submission)),
        )
        connection.executemany(
            "insert into verdicts (submission, criterion, fingerprint, verdict)"
            " values (?, ?, ?, ?)",
            [
                (cursor.lastrowid, name, self._wanted[name], _json(verdict))
                for name, verdict in found.verdicts.items()
            ],
        )


def _exam(wanted: Fingerprints) -> str:
    """One digest for all that an exam is drawn for."""
    return hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()


def _json(record: Submission | Verdict) -> str:
    """In ASCII, so that whatever stands in a file name can be written and read back."""
    return json.dumps(asdict(record), default=_plain)


def _plain(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else str(value)   # numpy; a path, a time


def _read(kind: TypeAdapter[Record], text: str) -> Record | None:
    try:
        return kind.validate_python(json.loads(text))
    except (ValueError, ValidationError):
        return None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
