"""Tells which student each row of Canvas's gradebook is about.

Numbers decide, then logins and addresses, then a name that only one student has on either side. A
row whose student cannot be told has none, so nobody gets another one's mark.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from grader.submissions.canvas import ID, LOGIN, SIS, STUDENT, given_name_first
from grader.submissions.roster import Person
from grader.text import folded

KEY = "student"   # a column of rows that come from our roster: the student's key
Row = Mapping[str, str]
Words = Sequence[set[str]]   # the words of each row, or of each student


@dataclass(frozen=True)
class Told:
    """The students' keys by the number of their row.

    `unclear_rows` and `unclear` are rows and students that have a name in common and cannot be
    told apart.
    """

    students: Mapping[int, str]
    unclear_rows: frozenset[int]
    unclear: frozenset[str]


def tell(rows: Sequence[Row], people: Sequence[Person]) -> Told:
    """Return the student of each row.

    Args:
        rows: the gradebook's rows.
        people: the students who have grades, with what the roster knows of them.
    """
    found: dict[int, int] = {}   # positions in `people` by positions in `rows`
    levels = list(_levels(rows, people))
    for of_rows, of_people in levels:
        taken = {*found.values()}
        for row, one in _pairs(of_rows, of_people):
            if row not in found and one not in taken and not _differ(rows[row], people[one]):
                found[row] = one
    unclear_rows: set[int] = set()
    unclear: set[str] = set()
    for some_rows, some_people in _shared(*levels[-1]):
        left, others = some_rows - found.keys(), some_people - {*found.values()}
        if left and others:
            unclear_rows |= left
            unclear |= {people[one].student for one in others}
    students = {row: people[one].student for row, one in found.items()}
    return Told(students, frozenset(unclear_rows), frozenset(unclear))


def _levels(rows: Sequence[Row], people: Sequence[Person]) -> Iterator[tuple[Words, Words]]:
    """Yield the words that may be compared, the surest first."""
    yield ([_words(row.get(KEY)) for row in rows], [_words(one.student) for one in people])
    yield ([_words(row[ID]) for row in rows], [_words(one.canvas_id) for one in people])
    yield ([_words(row.get(SIS)) for row in rows], [_words(one.sid) for one in people])
    yield ([_words(row.get(LOGIN)) for row in rows],
           [_words(one.login, one.email) for one in people])
    yield ([_names(row[STUDENT], given_name_first(row[STUDENT]), row[ID], row.get(SIS),
                   row.get(LOGIN), _account(row.get(LOGIN))) for row in rows],
           [_names(one.student, one.name, _account(one.email)) for one in people])


def _shared(rows: Words, people: Words) -> Iterator[tuple[set[int], set[int]]]:
    """Yield the rows and the students of each word that both sides have."""
    for word in set().union(*rows) & set().union(*people):
        yield ({number for number, words in enumerate(rows) if word in words},
               {number for number, words in enumerate(people) if word in words})


def _pairs(rows: Words, people: Words) -> list[tuple[int, int]]:
    """Return a row and a student where a word belongs to just these two, and no word to others."""
    pairs = {(*some_rows, *some_people) for some_rows, some_people in _shared(rows, people)
             if len(some_rows) == len(some_people) == 1}
    by_row, by_person = Counter(pair[0] for pair in pairs), Counter(pair[1] for pair in pairs)
    return [(row, one) for row, one in pairs if by_row[row] == by_person[one] == 1]


def _differ(row: Row, one: Person) -> bool:
    """Return True for two students: their numbers in Canvas are not the same."""
    return folded(one.canvas_id) not in ("", folded(row[ID]))


def _words(*texts: str | None) -> set[str]:
    return {word for text in texts if (word := folded(text or ""))}


def _names(*texts: str | None) -> set[str]:
    """Return names without spaces and signs, as in the names of Canvas's files (`lovelaceada`)."""
    return {name for word in _words(*texts) if (name := re.sub(r"[\W_]", "", word))}


def _account(address: str | None) -> str:
    return (address or "").partition("@")[0]
