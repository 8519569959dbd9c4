"""Writes `grades.json` and `grades.csv` for instructors. They include hidden criteria.

Both files are replaced in one step, so no reader ever finds half a file.
"""

from __future__ import annotations

import csv
import io
import json
import math
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, is_dataclass
from datetime import datetime
from itertools import chain
from pathlib import Path
from textwrap import indent
from typing import Any

from grader.records import CriterionGrade, Grade, Status
from grader.rubric.model import Rubric
from grader.text import neutral, write_text

_DEEPEST = 40
_LARGEST_INTEGER = 2**64
_WAITING: Mapping[str, str] = {
    "needs_marking": "needs manual grading", "not_scored": "not scored yet; run again",
}  # fmt: skip


class GradesWriter:
    """Collects grades and writes both files.

    It keeps only the compressed text of each grade, so a class may be of any size.
    """

    def __init__(self, rubric: Rubric) -> None:
        self._rubric = rubric
        self._ids = [criterion.id for criterion in rubric.criteria]
        self._rows: list[tuple[str, bytes, bytes]] = []

    def add(self, grade: Grade) -> None:
        """Add one student's grade. The order does not matter; the files are sorted."""
        packed = zlib.compress(submission_json(grade).encode())
        self._rows.append((grade.student, packed, self._line(grade).encode()))

    def write(self, folder: Path) -> None:
        """Replace `grades.json` and `grades.csv` in the folder."""
        rows = sorted(self._rows)
        write_text(folder / "grades.json", self._document(packed for _, packed, _ in rows))
        head = _csv_line(["student", "score", "max", "state", *self._ids, "notes", "missing"])
        write_text(folder / "grades.csv", chain([head], (line.decode() for _, _, line in rows)))

    def _document(self, packed: Iterable[bytes]) -> Iterator[str]:
        """The text of `grades.json`, piece by piece: always valid JSON in ASCII."""
        late = self._rubric.late
        due = None if late is None else _time(late.moment(late.due))
        document: dict[str, Any] = {"rubric": _rubric(self._rubric), "due": due, "submissions": []}
        begin, _, end = json.dumps(document, indent=2, allow_nan=False).rpartition("[]")
        yield begin + "["
        separator = "\n"
        for text in packed:
            yield separator + indent(zlib.decompress(text).decode(), " " * 4)
            separator = ",\n"
        yield ("]" if separator == "\n" else "\n  ]") + end + "\n"

    def _line(self, grade: Grade) -> str:
        """A row of `grades.csv`: points per criterion, blank while they are not known.

        The score is blank while any of its parts is, and `missing` says which part and why.
        """
        points = {one.verdict.criterion: one.points for one in grade.criteria}
        return _csv_line(
            [
                neutral(grade.student),
                _rounded(grade.final),
                _rounded(grade.max),
                grade.state,
                *(_rounded(points.get(id)) for id in self._ids),
                neutral("; ".join(grade.notes)),
                missing((one.part, one.verdict.status) for one in grade.criteria),
            ]
        )


def _csv_line(fields: list[Any]) -> str:
    written = io.StringIO(newline="")
    csv.writer(written).writerow(fields)
    return written.getvalue()


def missing(results: Iterable[tuple[str, Status]]) -> str:
    """Return why a score is not complete, from the parts of the homework and their status."""
    return neutral("; ".join(dict.fromkeys(
        f"{part}: {_WAITING[status]}" for part, status in results if status in _WAITING
    )))


def submission_json(grade: Grade) -> str:
    """The JSON of one submission, as in `grades.json`."""
    return json.dumps(_submission(grade), indent=2, allow_nan=False)


def json_safe(value: Any, depth: int = 0) -> Any:
    """Convert any value to plain JSON data. NaN, bytes and unknown objects become strings."""
    if depth > _DEEPEST:
        return "…"
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    elif hasattr(value, "tolist"):  # a numpy array, without an import of numpy
        value = value.tolist()
    match value:
        case None | bool():
            return value
        case str():
            return value.encode("utf-8", "replace").decode("utf-8")
        case int():
            small = abs(value) <= _LARGEST_INTEGER
            return int(value) if small else f"an integer of {value.bit_length()} bits"
        case float():
            return float(value) if math.isfinite(value) else repr(float(value))
        case Mapping():
            return {json_safe(str(key)): json_safe(one, depth + 1) for key, one in value.items()}
        case list() | tuple():
            return [json_safe(one, depth + 1) for one in value]
        case set() | frozenset():
            return sorted((json_safe(one, depth + 1) for one in value), key=repr)
        case bytes() | bytearray():
            return f"{len(value)} bytes"
        case _:
            return json_safe(str(value), depth + 1)


def _rubric(rubric: Rubric) -> dict[str, Any]:
    """The rubric's title, totals and criteria, without paths and without the checks' parameters."""
    names = ("id", "title", "part", "points", "check", "visibility")
    return {
        "title": rubric.title,
        "total": rubric.total,
        "cap": rubric.cap,
        "profile": rubric.profile,
        "criteria": [
            {name: getattr(criterion, name) for name in names} for criterion in rubric.criteria
        ],
    }


def _submission(grade: Grade) -> dict[str, Any]:
    return {
        "student": json_safe(grade.student),
        "score": json_safe(_rounded(grade.score)),
        "max": json_safe(_rounded(grade.max)),
        "state": grade.state,
        "late_penalty": json_safe(_rounded(grade.late_penalty)),
        "submitted_at": _time(grade.submission.submitted_at),
        "attempt": grade.attempt,
        "attempts": grade.attempts,
        "group": json_safe(grade.group),
        "seconds": json_safe(round(grade.seconds, 3)),
        "notes": json_safe(grade.notes),
        "remarks": json_safe(grade.submission.remarks),
        "criteria": [_criterion(criterion) for criterion in grade.criteria],
        "run": _run(grade),
    }


def _criterion(criterion: CriterionGrade) -> dict[str, Any]:
    verdict = criterion.verdict
    return {
        "id": verdict.criterion,
        "points": json_safe(_rounded(criterion.points)),
        "max": criterion.max,
        "status": verdict.status,
        "attempted": verdict.attempted,
        "reason": json_safe(verdict.reason),
        "hints": json_safe(verdict.hints),
        "evidence": json_safe({**verdict.seen, "tables": verdict.tables}),
    }


def _run(grade: Grade) -> dict[str, Any] | None:
    """Facts and cautions of the last training, without its tables and plots."""
    runs = [one.verdict.run for one in grade.criteria if one.verdict.run is not None]
    if not runs:
        return None
    last = runs[-1]
    facts = [{"name": name, "text": text} for name, text in last.facts]
    return {"facts": json_safe(facts), "cautions": json_safe(last.cautions)}


def _time(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat()


def _rounded(points: float | None) -> float | None:
    """Points rounded to six places: 0.3 instead of 0.30000000000000004."""
    return None if points is None else round(points, 6)
