"""Stores all verdicts of a results folder in SQLite; rows are added, never changed or removed.

A run may be killed at any time. All verdicts on a submission are stored in one transaction, and the
next run on the same folder continues from them. The last verdict on a criterion counts, by row
number and not by time, since clocks jump.
"""

from __future__ import annotations

import dataclasses
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

from grader.checks.files_read import unchanged
from grader.errors import GraderError
from grader.grading.marks import Mark, marks_in
from grader.records import Concluded, Conditions, Submission, Trace, Verdict

SUBMISSION, VERDICT = TypeAdapter(Submission), TypeAdapter(Verdict)
CONDITIONS = TypeAdapter(Conditions)

Record = TypeVar("Record")
Fingerprints = Mapping[str, str]   # criterion -> digest of everything that its verdict depends on


@dataclass
class Gradebook:
    """An open gradebook. Its methods may be called from several threads.

    Once a run has begun, no method raises for a full disk or a damaged file. What could not be
    written is kept in memory and tried again with the next write; `unsaved` names its students and
    `problem` has the reason.
    """

    _connection: sqlite3.Connection
    problem: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _waiting: list[tuple[Submission, Concluded]] = field(default_factory=list)
    _wanted: Fingerprints = field(default_factory=dict)
    _run: int = 0
    _first: int = 0        # verdicts of earlier runs than this one do not count
    _finished: bool = False

    def begin(
        self, wanted: Fingerprints, *, seed: int | None, drawn: int, fresh: bool = False
    ) -> int:
        """Start a run and return its seed.

        A class keeps its seed when the grader is stopped or the rubric changes, so that all
        students get the same questions.

        Args:
            wanted: the fingerprints of the rubric's criteria.
            seed: the seed to use; None stands for the last run's.
            drawn: the seed to use if there was no run before.
            fresh: use `drawn` and ignore the verdicts of all earlier runs, in later runs, too.

        Raises GraderError if the run cannot be written to the file.
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
                f"the gradebook cannot be written: {error}. Free some disk space, or name another "
                "folder with --out."
            ) from None
        self._first = self._run if fresh else int(before[1])
        self._wanted = wanted
        return seed

    def keep_conditions(self, conditions: Conditions) -> None:
        """Store the conditions of this run, so that its verdicts can be explained later."""
        try:
            with self._lock, self._connection as connection:
                connection.execute(
                    "insert into conditions values (?, ?)",
                    (self._run, json.dumps(asdict(conditions), default=plain_value)),
                )
        except (sqlite3.Error, TypeError, ValueError) as error:
            self.problem = str(error)

    def conditions_before(self) -> Conditions | None:
        """Return the conditions of the run before this one; None if none are stored or readable."""
        rows = self._rows(
            "select conditions from conditions where run < ? order by run desc limit 1", self._run
        )
        return read_record(CONDITIONS, rows[0][0]) if rows else None

    @property
    def run(self) -> int:
        """The number of this run; later runs have higher numbers. 0 before `begin`."""
        return self._run

    @property
    def first(self) -> int:
        """The number of the first run whose verdicts still count; 0 stands for all runs."""
        return self._first

    def seconds_of(self, student: str) -> float | None:
        """Return the seconds that the last grading took; None if there was none."""
        rows = self._rows(
            "select seconds from submissions where student = ? order by id desc limit 1", student
        )
        return float(rows[0][0]) if rows else None

    def known(self, submission: Submission, afresh: Collection[str] = ()) -> Concluded:
        """Return the last verdict on each criterion that still holds for exactly these files.

        Verdicts with another fingerprint do not hold, nor does `not_scored`. For the criteria in
        `afresh` only verdicts of this run hold.
        """
        found = self._last(submission, self._first, afresh)
        scored = {name: one for name, one in found.verdicts.items() if one.status != "not_scored"}
        return dataclasses.replace(found, verdicts=scored)

    def last(self, student: str) -> Submission | None:
        """Return the last submission that was recorded; None if there is none."""
        rows = self._rows(
            "select submission from submissions where student = ? order by id desc limit 1", student
        )
        return read_record(SUBMISSION, rows[0][0]) if rows else None

    def of(self, submission: Submission) -> Concluded:
        """Return the last verdicts on these files, of any run; `not_scored` if there is no other.
        """
        return self._last(submission, 0, ())

    def marks(self, student: str) -> list[Mark]:
        """Return all marks that people gave to a student's answers, in order; [] if none."""
        return marks_in(self._rows(
            "select id, mark from marks where student = ? order by id", student
        ))

    def add(self, submission: Submission, found: Concluded) -> None:
        """Store all results of a grading in one transaction.

        Without verdicts, the submission is stored only if it is not the one that was stored last,
        or if its time, owners or attempt changed.
        """
        if not found.verdicts and self._stands(submission):
            return
        with self._lock:
            if not self._finished and submission.digest:
                self._waiting.append((submission, found))
                self._write()

    def note(self, submission: Submission) -> None:
        """Record what lies in the class folder now, of a student whom this run does not grade.

        Earlier verdicts on exactly these files count from now on, and no others.
        """
        if self._run and submission.digest and not self._stands(submission):
            with self._lock:
                self._waiting.append((submission, Concluded()))
                self._write()

    def finish(self) -> None:
        """Ignore later results: gradings that still run are about to lose their sandbox."""
        with self._lock:
            self._finished = True
            self._write()

    @property
    def unsaved(self) -> list[str]:
        """Students whose results could not be written; `problem` has the reason."""
        with self._lock:
            return [submission.student for submission, _ in self._waiting]

    def _rows(self, query: str, *values: object) -> list[Any]:
        """Return the query's rows; [] if the file cannot be read, so that grading starts again."""
        try:
            with self._lock:
                return self._connection.execute(query, values).fetchall()
        except sqlite3.Error as error:
            self.problem = str(error)
            return []

    def _last(self, submission: Submission, first: int, afresh: Collection[str]) -> Concluded:
        """Return the last verdicts that hold, from run `first` on; `not_scored` if no other.

        For the criteria in `afresh` only verdicts of this run hold.
        """
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
            # A verdict that cannot be read is graded again.
            holds = self._wanted.get(criterion) == fingerprint
            verdict = read_record(VERDICT, text) if holds else None
            if verdict is None or (verdict.status == "not_scored" and criterion in found):
                continue
            if not unchanged(verdict.seen.get("read")):   # files of the instructor's
                found.pop(criterion, None)
                continue
            found[criterion] = verdict
            seconds[grading] = took
        return Concluded(found, round(sum(seconds.values()), 1))

    def _stands(self, submission: Submission) -> bool:
        """True if the submission that was stored last is this one, or if there is none."""
        before = self.last(submission.student)
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
    return (
        submission.digest, submission.stamp, submission.submitted_at, submission.owners,
        submission.attempt, submission.marked_late,
    )  # fmt: skip


def _trace_json(trace: Trace) -> str:
    """Return a trace as JSON, without its question, which has a table of its own."""
    kept = asdict(trace)
    del kept["question"], kept["digest"]
    return json.dumps(kept, default=plain_value)


def _json(record: Submission | Verdict) -> str:
    """Return a record as JSON in ASCII, since a file name may hold any character."""
    return json.dumps(asdict(record), default=plain_value)


def plain_value(value: Any) -> Any:
    """Return what JSON can hold: a list for an array, text for a path or a time."""
    return value.tolist() if hasattr(value, "tolist") else str(value)


def read_record(kind: TypeAdapter[Record], text: str) -> Record | None:
    """Read a record from its JSON; None if it is damaged or from another version."""
    try:
        return kind.validate_python(json.loads(text))
    except (ValueError, ValidationError):
        return None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
