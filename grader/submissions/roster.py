"""Reads and writes roster.csv: the students of a class, their attempts, and submission times.

`grader import` writes it into a class folder. `grader run` reads it and copies it into the results
folder, where the exports find it. It has a row for each student and attempt; a student without a
submission has one row without an attempt. Instructors may edit it, and imports only add to it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Protocol

from grader.errors import UsageError
from grader.rubric.csv_table import read_table
from grader.text import folded, neutral, plain_line

NAME = "roster.csv"


# What tells students of one name apart, the strongest first.
IDENTITIES = ("canvas_id", "email", "sid")


class Identified(Protocol):
    """A student as this or another system knows them; fields may be empty."""

    @property
    def name(self) -> str: ...
    @property
    def email(self) -> str: ...
    @property
    def sid(self) -> str: ...
    @property
    def canvas_id(self) -> str: ...


@dataclass(frozen=True)
class Person:
    """A student: `student` is their key, `sid` the school's number, `canvas_id` Canvas's.

    `section` is their part of the class and `grader` who marks their work, "" if nobody said so.
    """

    student: str
    name: str = ""
    email: str = ""
    sid: str = ""
    login: str = ""
    canvas_id: str = ""
    section: str = ""
    grader: str = ""


@dataclass(frozen=True)
class Entry:
    """A student's attempt; all members of a `group` have one with the same `folder`.

    Attributes:
        folder: the name of its folder in the class folder.
        late: the other system marks it as late.
        origin: the other system's name for it, by which a later import recognises it.
        download: the name of its first file or its folder in the other system's download.
    """

    student: str
    attempt: int
    folder: str
    submitted_at: datetime | None = None
    late: bool = False
    group: str = ""
    origin: str = ""
    download: str = ""


@dataclass(frozen=True)
class Roster:
    """A class: its students and their attempts."""

    people: tuple[Person, ...] = ()
    entries: tuple[Entry, ...] = ()

    @cached_property
    def by_student(self) -> dict[str, Person]:
        """The students by key."""
        return {person.student: person for person in self.people}

    @cached_property
    def keys(self) -> dict[str, str]:
        """Keys by every folded name, address and number that only one student has."""
        named: dict[str, set[str]] = {}
        for one in self.people:
            for word in (one.email, one.sid, one.login, one.canvas_id, one.name):
                named.setdefault(folded(word), set()).add(one.student)
        named |= {folded(one.student): {one.student} for one in self.people}
        return {word: next(iter(who)) for word, who in named.items() if word and len(who) == 1}

    def share(self, section: str | None, grader: str | None) -> Roster:
        """Return the part of the class that is in a section, or that a grader marks, or both.

        Args:
            section: the section's name; its case does not matter. None stands for all.
            grader: the grader's name, likewise.

        Raises UsageError for a name that nobody in the roster has.
        """
        people = self.people
        for column, name in (("section", section), ("grader", grader)):
            if name is not None:
                known = sorted({getattr(one, column) for one in self.people} - {""})
                if folded(name) not in map(folded, known):
                    found = ", ".join(map(plain_line, known)) or "none"
                    raise UsageError(
                        f"no {column} '{name}' in {NAME}; found {found}. Fill "
                        f"in the column {column} of the class's {NAME} and run `grader run` again"
                    )
                people = tuple(one for one in people
                               if folded(getattr(one, column)) == folded(name))
        keys = {one.student for one in people}
        return Roster(people, tuple(one for one in self.entries if one.student in keys))

    def find(self, other: Identified) -> str | None:
        """Return the key of the student whom another system or a file name means; None if unknown.

        A number or an address decides. A name or a key counts if it belongs to only one student, who
        has no other number or address.
        """
        for field in IDENTITIES:
            given = folded(getattr(other, field))
            same = [one for one in self.people if given and folded(getattr(one, field)) == given]
            if len(same) == 1:
                return same[0].student
        key = self.keys.get(folded(other.name))
        return None if key is None or differ(self.by_student[key], other) else key


_OF_PERSON = tuple(field.name for field in fields(Person))
_OF_ENTRY = ("group", "attempt", "folder", "submitted_at", "late", "origin", "download")
COLUMNS = (*_OF_PERSON, *_OF_ENTRY)


def read_roster(folder: Path) -> Roster | None:
    """Return the folder's roster; None if it has none. Raises UsageError, with the line."""
    path = folder / NAME
    if not path.is_file():
        return None
    people: dict[str, Person] = {}
    entries: list[Entry] = []
    for line, row in read_table(path, ("student",), COLUMNS):
        student = row["student"]
        if not student:
            raise UsageError(f"{path}:{line}: no student; fill in the student's key")
        before = people.get(student, Person(student))   # from the row of another attempt
        people[student] = Person(*(getattr(before, name) or row.get(name, "")
                                   for name in _OF_PERSON))
        if row.get("folder"):
            entries.append(_entry(path, line, row))
    return Roster(tuple(people.values()), tuple(entries))


def same(one: Identified, other: Identified) -> bool:
    """Compare the strongest identity that both have; a shared name alone is not enough."""
    return next(_compared(one, other), False)


def differ(one: Identified, other: Identified) -> bool:
    """Return True if the strongest identity that both have is not the same."""
    return not next(_compared(one, other), True)


def _compared(one: Identified, other: Identified) -> Iterator[bool]:
    for field in IDENTITIES:
        mine, theirs = folded(getattr(one, field)), folded(getattr(other, field))
        if mine and theirs:
            yield mine == theirs


def as_csv(roster: Roster) -> str:
    """Return the roster as CSV, sorted by student and attempt."""
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
    """Return the entry with the highest attempt; None if there are no entries."""
    return max(entries, key=lambda one: one.attempt, default=None)


def _entry(path: Path, line: int, row: dict[str, str]) -> Entry:
    at, number = row.get("submitted_at", ""), row.get("attempt", "") or "1"
    try:
        attempt = int(number)
    except ValueError:
        raise UsageError(f"{path}:{line}: attempt: found '{number}', expected a number") from None
    try:
        time = datetime.fromisoformat(at) if at else None
    except ValueError:
        time = None
    if at and (time is None or time.tzinfo is None):
        raise UsageError(
            f"{path}:{line}: submitted_at: found '{at}', expected a time with its offset, such as "
            "2026-11-30T23:59:00-05:00"
        )
    late = row.get("late", "").casefold() in ("late", "yes", "true", "1")
    return Entry(row["student"], attempt, row["folder"], time, late, row.get("group", ""),
                 row.get("origin", ""), row.get("download", ""))


def _fields(entry: Entry) -> list[str]:
    at = entry.submitted_at
    time = "" if at is None else at.astimezone(UTC).isoformat(timespec="seconds")
    late = "late" if entry.late else ""
    return [neutral(entry.group), str(entry.attempt), neutral(entry.folder), time, late,
            neutral(entry.origin), neutral(entry.download)]
