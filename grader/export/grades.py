"""Grades -> `grades.json` and `grades.csv`, for the instructor: everything, hidden criteria too.

Both files are replaced in one step, so that who reads one never finds half of it.
"""

from __future__ import annotations

import csv
import io
import json
import math
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

from grader.plaintext import plain_line
from grader.records import CriterionGrade, Grade
from grader.rubric import Rubric

# Where a spreadsheet may take text for a formula (OWASP, "CSV injection"), the full-width forms of
# East Asian input included: at the start, and after what separates fields in other countries, where
# the quotes of a field do not hold it together.
_FORMULA = re.compile("(^|[;|])(?=[\\s\"'\u200c\u200d]*[=+\\-@\uff1d\uff0b\uff0d\uff20])")
_DEEPEST = 40
_LARGEST_INTEGER = 2**64


def write_json(grades: Iterable[Grade], rubric: Rubric, path: Path) -> None:
    """All grades with their evidence, by student; valid JSON in ASCII whatever a student wrote."""
    document = {
        "rubric": _rubric(rubric),
        "submissions": [_submission(grade) for grade in _by_student(grades)],
    }
    _replace(path, json.dumps(document, indent=2, allow_nan=False) + "\n")


def write_csv(grades: Iterable[Grade], rubric: Rubric, path: Path) -> None:
    """One line per student, one column of points per criterion; blank where none are known yet."""
    ids = [criterion.id for criterion in rubric.criteria]
    written = io.StringIO(newline="")
    writer = csv.writer(written)
    writer.writerow(["student", "score", "max", "state", *ids, "notes"])
    for grade in _by_student(grades):
        points = {one.verdict.criterion: one.points for one in grade.criteria}
        writer.writerow(
            [
                neutral(grade.student),
                _rounded(grade.score),
                _rounded(grade.max),
                grade.state,
                *(_rounded(points.get(id)) for id in ids),
                neutral("; ".join(grade.notes)),
            ]
        )
    _replace(path, written.getvalue())


def submission_json(grade: Grade) -> str:
    """One submission as it stands in `grades.json`."""
    return json.dumps(_submission(grade), indent=2, allow_nan=False)


def neutral(text: str) -> str:
    """A field on one line that no spreadsheet runs as a formula."""
    return _FORMULA.sub(r"\1'", plain_line(text, 4000))


def json_safe(value: Any, depth: int = 0) -> Any:
    """The value as JSON has it; what JSON can't say (NaN, bytes, an object) becomes a string."""
    if depth > _DEEPEST:
        return "…"
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    elif hasattr(value, "tolist"):  # numpy, which need not be imported to be written down
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
    """What a reader of the grades needs of the rubric: not its paths, nor what a check expects."""
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
        "reason": json_safe(verdict.reason),
        "hints": json_safe(verdict.hints),
        "evidence": json_safe({**verdict.seen, "tables": verdict.tables}),
    }


def _run(grade: Grade) -> dict[str, Any] | None:
    """What was seen of the training, without its rows and its pictures."""
    runs = [one.verdict.run for one in grade.criteria if one.verdict.run is not None]
    if not runs:
        return None
    last = runs[-1]
    facts = [{"name": name, "text": text} for name, text in last.facts]
    return {"facts": json_safe(facts), "cautions": json_safe(last.cautions)}


def _by_student(grades: Iterable[Grade]) -> list[Grade]:
    return sorted(grades, key=lambda grade: grade.student)


def _rounded(points: float | None) -> float | None:
    """Without the dust of binary fractions: 0.3, not 0.30000000000000004."""
    return None if points is None else round(points, 6)


def _replace(path: Path, text: str) -> None:
    """Write beside the file, then put it in its place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with beside.open("w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
