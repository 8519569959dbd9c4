"""The gradebook read from its beginning: every run, every verdict that ever was, and its traces.

Only read, and without the lock that a grader holds: it may be looked at while a run is at work.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from grader.errors import UsageError
from grader.grading.gradebook_file import NAME, VERSION, graded_in, read_only
from grader.grading.marks import Mark, marks_in
from grader.records import Conditions, Submission, Trace, Verdict

_SUBMISSION, _VERDICT = TypeAdapter(Submission), TypeAdapter(Verdict)
_TRACE, _CONDITIONS = TypeAdapter(Trace), TypeAdapter(Conditions)


@dataclass(frozen=True)
class Run:
    """`conditions` is None for a run from before they were kept."""

    number: int
    began: str
    machine: str
    seed: int
    conditions: Conditions | None


@dataclass(frozen=True)
class Kept:
    """A verdict as it was added, in `run`, to the `grading` of these files, which took `seconds`;
    `number` tells the order in which verdicts came."""

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
    """An open gradebook that is only read. `folder` is the results folder that it lies in."""

    folder: Path
    _connection: sqlite3.Connection
    _version: int

    def runs(self) -> dict[int, Run]:
        """By number, in order."""
        query = "select id, began, machine, seed, null from runs order by id"
        if self._version > 1:
            query = (
                "select id, began, machine, seed, conditions from runs"
                " left join conditions on run = id order by id"
            )
        return {
            number: Run(number, began, machine, seed, _read(_CONDITIONS, text) if text else None)
            for number, began, machine, seed, text in self._rows(query)
        }

    def latest(self) -> dict[str, tuple[int, int]]:
        """Of everybody of whom something was ever concluded, the last grading and its run."""
        query = "select student, max(id), run from submissions group by student"
        return {student: (grading, run) for student, grading, run in self._rows(query)}

    def works(self, run: int) -> dict[str, Submission]:
        """All that was handed in, as it was known by this run, by what it is called."""
        rows = self._rows(
            "select student, submission from submissions where id in"
            " (select max(id) from submissions where run <= ? group by student) order by student",
            run,
        )
        read = {name: _read(_SUBMISSION, text) for name, text in rows}
        return {name: one for name, one in read.items() if one is not None}

    def verdicts(self, student: str) -> list[Kept]:
        """All of a student's, in the order in which they came; what cannot be read is left out."""
        rows = self._rows(
            "select v.id, s.id, s.run, s.at, s.submission, v.fingerprint, v.verdict, s.seconds"
            " from verdicts v join submissions s on s.id = v.submission"
            " where s.student = ? order by v.id",
            student,
        )
        found = []
        for number, grading, run, at, submission, fingerprint, verdict, seconds in rows:
            files, concluded = _read(_SUBMISSION, submission), _read(_VERDICT, verdict)
            if files is not None and concluded is not None:
                kept = Kept(number, grading, run, at, files, fingerprint, concluded, seconds)
                found.append(kept)
        return found

    def marks(self, student: str) -> list[Mark]:
        """All that people ever said of this student's answers, in order."""
        if self._version < 3:
            return []
        return marks_in(self._rows(
            "select id, mark from marks where student = ? order by id", student
        ))

    def traces(self, grading: int, criterion: str) -> list[Trace]:
        """Of the evidence that a verdict of this grading rests on."""
        if self._version < 2:
            return []
        rows = self._rows(
            "select t.trace, q.question, q.digest from traces t"
            " join questions q on q.digest = t.question where t.submission = ? order by t.id",
            grading,
        )
        found = [
            _read(_TRACE, json.dumps(
                {"reference": kept.get("gold", ""), **kept}   # "gold": before version 0.2
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
    """The gradebook of a results folder. Raises UsageError where there is none to read."""
    path = graded_in(folder)
    try:
        with read_only(path) as connection:
            (version,) = connection.execute("pragma user_version").fetchone()
            if version > VERSION:
                raise UsageError(
                    f"{path} is of version {version}, and this grader knows up to {VERSION}: look "
                    "at it with the later grader that wrote it"
                )
            yield History(folder, connection, version)
    except sqlite3.Error as error:
        raise UsageError(f"{path}: cannot be read: {error}") from None


def _read(kind: TypeAdapter[Any], text: str) -> Any:
    try:
        return kind.validate_python(json.loads(text))
    except (ValueError, ValidationError):
        return None
