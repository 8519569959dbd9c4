"""What is known of every submission, in SQLite: verdicts are added, never changed, never removed.

A run may be killed at any moment. What it had concluded is here, all verdicts on a submission or
none of them, and the next run on the same folder goes on from there. The last verdict on a
criterion counts, by the order in which they came: clocks jump, row numbers do not.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import platform
import sqlite3
import threading
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from grader.errors import GraderError
from grader.grading.marks import Mark, marks_in
from grader.records import Concluded, Conditions, Submission, Trace, Verdict

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
    _first: int = 0        # what earlier runs than this one concluded is asked again
    _sealed: bool = False

    def begin(
        self, wanted: Fingerprints, *, seed: int | None, drawn: int, fresh: bool = False
    ) -> int:
        """A new run by a rubric with these fingerprints, and the seed to draw its exam from.

        All of a class sit the same exam, however often their grader is stopped or the rubric
        changed: the seed is that of the last run, else `drawn`. `seed` is taken instead where one
        is asked for. `fresh` draws another, and asks again what earlier runs have concluded; so
        does every later run until it is done. Raises GraderError when that cannot be written down.
        """
        digest = hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()
        query = "select seed, first from runs order by id desc limit 1"
        last = self._rows(query) if not fresh else []
        before = last[0] if last else (drawn, 0)
        seed = int(before[0]) if seed is None else seed
        try:
            with self._lock, self._connection as connection:
                cursor = connection.execute(
                    "insert into runs (began, machine, process, exam, seed, first)"
                    " values (?, ?, ?, ?, ?, ?)",
                    (_now(), platform.node(), os.getpid(), digest, seed, int(before[1])),
                )
                self._run = int(cursor.lastrowid or 0)
                if fresh:
                    connection.execute("update runs set first = id where id = ?", (self._run,))
        except sqlite3.Error as error:
            raise GraderError(
                f"the gradebook cannot be written: {error}. Make room, or name another folder with "
                "--out."
            ) from None
        self._first = self._run if fresh else int(before[1])
        self._wanted = wanted
        return seed

    def keep_conditions(self, conditions: Conditions) -> None:
        """What this run grades by, so that its verdicts can be explained."""
        try:
            with self._lock, self._connection as connection:
                connection.execute(
                    "insert into conditions values (?, ?)",
                    (self._run, json.dumps(asdict(conditions), default=plain_value)),
                )
        except (sqlite3.Error, TypeError, ValueError) as error:
            self.problem = str(error)

    @property
    def run(self) -> int:
        """The number of this run; later ones have higher numbers."""
        return self._run

    @property
    def first(self) -> int:
        """The first run whose conclusions still hold."""
        return self._first

    def seconds_of(self, student: str) -> float | None:
        """What the last grading of a student's files took; None when there was none."""
        rows = self._rows(
            "select seconds from submissions where student = ? order by id desc limit 1", student
        )
        return float(rows[0][0]) if rows else None

    def known(self, submission: Submission, afresh: Collection[str] = ()) -> Concluded:
        """What need not be asked: the last verdict on each criterion of these very files that still
        holds. One that was reached under another fingerprint does not, nor does `not_scored`; for
        the criteria in `afresh` only what this run itself has concluded does.
        """
        found = self._last(submission, self._first, afresh)
        scored = {name: one for name, one in found.verdicts.items() if one.status != "not_scored"}
        return dataclasses.replace(found, verdicts=scored)

    def of(self, students: Collection[str]) -> Iterator[tuple[Submission, Concluded]]:
        """What their marks are made of now, by the files that each was graded by last."""
        for student in students:
            rows = self._rows(
                "select submission from submissions where student = ? order by id desc limit 1",
                student,
            )
            submission = _read(_SUBMISSION, rows[0][0]) if rows else None
            known = self._last(submission, 0, ()) if submission is not None else Concluded()
            if submission is not None and known.verdicts:
                yield submission, known

    def marks(self, student: str) -> list[Mark]:
        """What people have said of a student's answers until now, in order."""
        return marks_in(self._rows(
            "select id, mark from marks where student = ? order by id", student
        ))

    def add(self, submission: Submission, found: Concluded) -> None:
        """Keep what a grading concluded: all of it or, should this be the end, nothing. Where it
        concluded nothing new, a submission is kept whose time or owners are others than before."""
        if not found.verdicts and self._stands(submission):
            return
        with self._lock:
            if not self._sealed and submission.digest:   # without one nobody knows of what it is
                self._waiting.append((submission, found))
                self._write()

    def seal(self) -> None:
        """Take nothing more: what still runs is about to lose its folder and its sandbox."""
        with self._lock:
            self._sealed = True
            self._write()

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

    def _last(self, submission: Submission, first: int, afresh: Collection[str]) -> Concluded:
        """The last verdicts that hold, of runs from `first` on, and of this one only for those in
        `afresh`; `not_scored` where there is no other."""
        rows = self._rows(
            "select v.criterion, v.fingerprint, v.verdict, s.id, s.seconds, s.run from verdicts v"
            " join submissions s on s.id = v.submission"
            " where s.student = ? and s.digest = ? and s.run >= ? order by v.id",
            submission.student, submission.digest, first,
        )
        found: dict[str, Verdict] = {}
        seconds: dict[int, float] = {}
        for criterion, fingerprint, text, grading, took, run in rows:
            if criterion in afresh and run < self._run:
                continue
            # One that cannot be read any more was never reached: it is asked for again.
            verdict = _read(_VERDICT, text) if self._wanted.get(criterion) == fingerprint else None
            if verdict is None or (verdict.status == "not_scored" and criterion in found):
                continue
            found[criterion] = verdict
            seconds[grading] = took
        return Concluded(found, round(sum(seconds.values()), 1))

    def _stands(self, submission: Submission) -> bool:
        rows = self._rows(
            "select submission from submissions where student = ? order by id desc limit 1",
            submission.student,
        )
        before = _read(_SUBMISSION, rows[0][0]) if rows else None
        return before is None or _of_whom(before) == _of_whom(submission)

    def _write(self) -> None:
        waiting, self._waiting = self._waiting, []
        for submission, found in waiting:
            try:
                with self._connection as connection:
                    self._insert(connection, submission, found)
            except (sqlite3.Error, TypeError, ValueError, OverflowError) as error:
                self.problem = str(error)
                self._waiting.append((submission, found))

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
        connection.executemany(
            "insert or ignore into questions values (?, ?)",
            [(one.digest, json.dumps(one.question)) for one in found.traces],
        )
        connection.executemany(
            "insert into traces (submission, question, trace) values (?, ?, ?)",
            [(cursor.lastrowid, one.digest, _trace_json(one)) for one in found.traces],
        )


def _of_whom(submission: Submission) -> tuple[object, ...]:
    return (submission.submitted_at, submission.owners, submission.attempt, submission.marked_late)


def _trace_json(trace: Trace) -> str:
    """Without its question, which is kept once for all."""
    kept = asdict(trace)
    del kept["question"], kept["digest"]
    return json.dumps(kept, default=plain_value)


def _json(record: Submission | Verdict) -> str:
    """In ASCII, so that whatever stands in a file name can be written and read back."""
    return json.dumps(asdict(record), default=plain_value)


def plain_value(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else str(value)   # numpy; a path, a time


def _read(kind: TypeAdapter[Record], text: str) -> Record | None:
    try:
        return kind.validate_python(json.loads(text))
    except (ValueError, ValidationError):
        return None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
