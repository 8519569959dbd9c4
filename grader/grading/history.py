"""Reads the whole history in a gradebook: every run, every verdict, and the traces behind it.

It only reads and takes no lock, so it works while a run goes on.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from grader.errors import UsageError
from grader.grading.gradebook import CONDITIONS, SUBMISSION, VERDICT, read_record
from grader.grading.gradebook_file import NAME, VERSION, graded_in, read_only
from grader.grading.marks import Mark, marks_in
from grader.records import Conditions, Submission, Trace, Verdict

_TRACE = TypeAdapter(Trace)


@dataclass(frozen=True)
class RunRecord:
    """A run of the gradebook; `conditions` is None if the run's version did not store them."""

    number: int
    began: str
    machine: str
    seed: int
    conditions: Conditions | None


@dataclass(frozen=True)
class StoredVerdict:
    """A verdict with the run and the grading that added it.

    `number` gives the order of verdicts; `seconds` is the time that the grading took.
    """

    number: int
    grading: int
    run: int
    at: str
    submission: Submission
    fingerprint: str
    verdict: Verdict
    seconds: float


@dataclass(frozen=True)
class History:
    """A gradebook that is open for reading, in the results folder `folder`.

    Methods raise UsageError if the file cannot be read.
    """

    folder: Path
    _connection: sqlite3.Connection
    _version: int

    def runs(self) -> dict[int, RunRecord]:
        """Return all runs by number, in order."""
        query = "select id, began, machine, seed, null from runs order by id"
        if self._version > 1:
            query = (
                "select id, began, machine, seed, conditions from runs"
                " left join conditions on run = id order by id"
            )
        found = {}
        for number, began, machine, seed, text in self._rows(query):
            conditions = read_record(CONDITIONS, text) if text else None
            found[number] = RunRecord(number, began, machine, seed, conditions)
        return found

    def latest(self) -> dict[str, tuple[int, int]]:
        """Return the numbers of the last grading and of its run, by submission."""
        query = "select student, max(id), run from submissions group by student"
        return {student: (grading, run) for student, grading, run in self._rows(query)}

    def submissions(self, run: int) -> dict[str, Submission]:
        """Return the submissions that this run and earlier ones knew, by name.

        Of several records of one, the last counts; unreadable ones are left out.
        """
        rows = self._rows(
            "select student, submission from submissions where id in"
            " (select max(id) from submissions where run <= ? group by student) order by student",
            run,
        )
        read = {name: read_record(SUBMISSION, text) for name, text in rows}
        return {name: one for name, one in read.items() if one is not None}

    def verdicts(self, student: str) -> list[StoredVerdict]:
        """Return all verdicts on a submission, in order; unreadable ones are left out."""
        rows = self._rows(
            "select v.id, s.id, s.run, s.at, s.submission, v.fingerprint, v.verdict, s.seconds"
            " from verdicts v join submissions s on s.id = v.submission"
            " where s.student = ? order by v.id",
            student,
        )
        found = []
        for number, grading, run, at, submission, fingerprint, verdict, seconds in rows:
            files, concluded = read_record(SUBMISSION, submission), read_record(VERDICT, verdict)
            if files is not None and concluded is not None:
                found.append(StoredVerdict(
                    number, grading, run, at, files, fingerprint, concluded, seconds
                ))  # fmt: skip
        return found

    def marks(self, student: str) -> list[Mark]:
        """Return all marks that people gave to this submission's answers, in order."""
        if self._version < 3:
            return []
        return marks_in(self._rows(
            "select id, mark from marks where student = ? order by id", student
        ))

    def traces(self, grading: int, criterion: str) -> list[Trace]:
        """Return the traces of the evidence behind a criterion's verdict in this grading."""
        if self._version < 2:
            return []
        rows = self._rows(
            "select t.trace, q.question, q.digest from traces t"
            " join questions q on q.digest = t.question where t.submission = ? order by t.id",
            grading,
        )
        found = [
            read_record(_TRACE, json.dumps(
                {"reference": kept.get("gold", ""), **kept}   # "gold": its earlier name
                | {"question": json.loads(question), "digest": digest}
            ))
            for kept, question, digest in ((json.loads(row[0]), *row[1:]) for row in rows)
        ]
        return [one for one in found if one is not None and criterion in one.criteria]

    def _rows(self, query: str, *values: object) -> list[Any]:
        try:
            return self._connection.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise UsageError(f"{self.folder / NAME}: cannot be read: {error}") from None


@contextmanager
def open_history(folder: Path) -> Iterator[History]:
    """Open the gradebook of a results folder. Raises UsageError if it cannot be read."""
    path = graded_in(folder)
    try:
        with read_only(path) as connection:
            (version,) = connection.execute("pragma user_version").fetchone()
            if version > VERSION:
                raise UsageError(
                    f"{path} has version {version}, and this grader reads up to {VERSION}: use the "
                    "later version of the grader that wrote it"
                )
            yield History(folder, connection, version)
    except sqlite3.Error as error:
        raise UsageError(f"{path}: cannot be read: {error}") from None
