"""roster.csv: who is in a class, and what each of them handed in, and when.

`grader import` writes it into a class's folder, `grader run` reads it there and leaves a copy in
the results folder, where the exports find it. It has a row for each student and attempt; a student
who handed in nothing has one row, without an attempt. An instructor may edit it: what stands in it
is believed, and an import adds to it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from grader.errors import UsageError
from grader.rubric.csv_table import read_table
from grader.text import neutral

NAME = "roster.csv"


@dataclass(frozen=True)
class Person:
    """A student. `student` is the key that marks go by; `sid` is the number that a school gives,
    `canvas_id` the one that Canvas does."""

    student: str
    name: str = ""
    email: str = ""
    sid: str = ""
    login: str = ""
    canvas_id: str = ""
    section: str = ""


@dataclass(frozen=True)
class Entry:
    """What a student handed in: `folder` of the class's folder, shared by all of a `group`. `late`
    is what the other system says; `origin` is what it calls this, so that an import knows it."""

    student: str
    attempt: int
    folder: str
    submitted_at: datetime | None = None
    late: bool = False
    group: str = ""
    origin: str = ""


@dataclass(frozen=True)
class Roster:
    people: tuple[Person, ...] = ()
    entries: tuple[Entry, ...] = ()

    @cached_property
    def by_student(self) -> dict[str, Person]:
        return {person.student: person for person in self.people}

    @cached_property
    def keys(self) -> dict[str, str]:
        """Students by every word that names one of them and nobody else."""
        named: dict[str, set[str]] = {}
        for one in self.people:
            for word in (one.email, one.sid, one.login, one.canvas_id, one.name):
                named.setdefault(word.casefold(), set()).add(one.student)
        named |= {one.student.casefold(): {one.student} for one in self.people}
        return {word: next(iter(who)) for word, who in named.items() if word and len(who) == 1}


_OF_PERSON = tuple(field.name for field in fields(Person))
_OF_ENTRY = ("group", "attempt", "folder", "submitted_at", "late", "origin")
COLUMNS = (*_OF_PERSON, *_OF_ENTRY)


def read_roster(folder: Path) -> Roster | None:
    """The roster in a folder; None where there is none. Raises UsageError, with the line."""
    path = folder / NAME
    if not path.is_file():
        return None
    people: dict[str, Person] = {}
    entries: list[Entry] = []
    for line, row in read_table(path, ("student",)):
        student = row["student"]
        if not student:
            raise UsageError(f"{path}:{line}: no student; the first column has the key of one")
        told = Person(*(row.get(name, "") for name in _OF_PERSON))
        people.setdefault(student, told)
        if row.get("folder"):
            entries.append(_entry(path, line, row))
    return Roster(tuple(people.values()), tuple(entries))


def as_csv(roster: Roster) -> str:
    """As it is written: by student, then by attempt."""
    written = io.StringIO(newline="")
    writer = csv.writer(written)
    writer.writerow(COLUMNS)
    for person in sorted(roster.people, key=lambda one: one.student.casefold()):
        who = [neutral(getattr(person, name)) for name in _OF_PERSON]
        own = [one for one in roster.entries if one.student == person.student]
        writer.writerows([*who, *_fields(one)] for one in sorted(own, key=lambda one: one.attempt))
        if not own:
            writer.writerow([*who, *[""] * len(_OF_ENTRY)])
    return written.getvalue()


def newest(entries: Iterable[Entry]) -> Entry | None:
    return max(entries, key=lambda one: one.attempt, default=None)


def _entry(path: Path, line: int, row: dict[str, str]) -> Entry:
    at, number = row.get("submitted_at", ""), row.get("attempt", "") or "1"
    try:
        attempt = int(number)
    except ValueError:
        raise UsageError(f"{path}:{line}: attempt: found '{number}', expected a number") from None
    try:
        moment = datetime.fromisoformat(at) if at else None
    except ValueError:
        moment = None
    if at and (moment is None or moment.tzinfo is None):
        raise UsageError(
            f"{path}:{line}: submitted_at: found '{at}', expected a time with its offset, such as "
            "2026-11-30T23:59:00-05:00"
        )
    late = row.get("late", "").casefold() in ("late", "yes", "true", "1")
    return Entry(row["student"], attempt, row["folder"], moment, late, row.get("group", ""),
                 row.get("origin", ""))


def _fields(entry: Entry) -> list[str]:
    at = entry.submitted_at
    moment = "" if at is None else at.astimezone(UTC).isoformat(timespec="seconds")
    late = "late" if entry.late else ""
    return [neutral(entry.group), str(entry.attempt), neutral(entry.folder), moment, late,
            neutral(entry.origin)]
