"""Reads the CSV files that a rubric names: extensions, and groups of students.

    student,due,days,hours,reason           group,student
    lovelaceada,,2,,ill                     a,lovelaceada
    hoppergrace,2026-12-04 12:00,,,         a,hoppergrace

A student may be named as in the class's folder or roster. Every error has the line.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from grader.errors import RubricError, UsageError
from grader.rubric.csv_table import read_table
from grader.rubric.late_policy import Extension, Late
from grader.rubric.mistakes import in_words
from grader.rubric.model import did_you_mean
from grader.text import folded


def read_extensions(path: Path, late: Late) -> tuple[Extension, ...]:
    """The extensions in a CSV file. Raises RubricError for a missing or invalid file."""
    found: dict[str, Extension] = {}
    for line, row in _rows(path, ("student",), tuple(Extension.model_fields)):
        try:
            one = Extension.model_validate({key: value for key, value in row.items() if value})
        except ValidationError as error:
            raise RubricError(f"{path}:{line}: {_first(error)}") from None
        if late.is_shortened_by(one):
            raise RubricError(f"{path}:{line}: due: {row['due']} is before the deadline of the "
                              "class; is the date right?")
        if folded(one.student) in found:
            raise RubricError(f"{path}:{line}: '{one.student}' has an extension above; keep one")
        found[folded(one.student)] = one
    return tuple(found.values())


def read_groups(path: Path) -> dict[str, tuple[str, ...]]:
    """The students of each group in a CSV file. Raises RubricError for an invalid file."""
    groups: dict[str, tuple[str, ...]] = {}
    where: dict[str, str] = {}
    for line, row in _rows(path, ("group", "student"), ("group", "student")):
        group, student = row["group"], row["student"]
        if not group or not student:
            missing = "student" if group else "group"
            raise RubricError(f"{path}:{line}: no {missing}; expected a group and a student")
        if folded(student) in where:
            raise RubricError(f"{path}:{line}: '{student}' is in group "
                              f"'{where[folded(student)]}' already; keep one")
        where[folded(student)] = group
        groups[group] = (*groups.get(group, ()), student)
    return groups


def _rows(
    path: Path, needed: tuple[str, ...], known: tuple[str, ...]
) -> list[tuple[int, dict[str, str]]]:
    try:
        rows = read_table(path, needed, known)
    except UsageError as error:
        raise RubricError(f"{error}; the rubric names this file") from None
    for name in rows[0][1] if rows else ():
        if name not in known:
            raise RubricError(f"{path}:1: the column '{name}' is not known"
                              f"{did_you_mean(name, list(known))}")
    return rows


def _first(error: ValidationError) -> str:
    problem = error.errors()[0]
    place = ".".join(map(str, problem["loc"]))
    return f"{place}: {in_words(problem)}" if place else in_words(problem)
