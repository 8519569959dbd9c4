"""Sections and graders of the roster, by which the marking page narrows the class.

A share is named as people read it, such as "Section A" or "Grader ada".
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from grader.marking.answers import StudentAnswer
from grader.submissions.roster import Roster, read_roster
from grader.text import plain_line

_KINDS = ("section", "grader")


class Shares:
    """The shares of a class; none of a kind of which the roster has fewer than two."""

    def __init__(self, out: Path) -> None:
        self._people = (read_roster(out) or Roster()).by_student
        named = {kind: {getattr(one, kind) for one in self._people.values()} - {""}
                 for kind in _KINDS}
        self._kinds = [kind for kind in _KINDS if len(named[kind]) > 1]
        self.names = [_name(kind, one) for kind in self._kinds for one in sorted(named[kind])]

    def of(self, answer: StudentAnswer) -> list[str]:
        """The shares that an answer is in; a group's is in those of all its students."""
        owners = [self._people[one] for one in answer.submission.owners if one in self._people]
        found = {_name(kind, name) for one in owners for kind in self._kinds
                 if (name := getattr(one, kind))}
        return [name for name in self.names if name in found]

    def split(self, answers: Iterable[StudentAnswer]) -> dict[str, list[StudentAnswer]]:
        """The answers of each share."""
        found: dict[str, list[StudentAnswer]] = {name: [] for name in self.names}
        for answer in answers:
            for name in self.of(answer):
                found[name].append(answer)
        return found


def _name(kind: str, name: str) -> str:
    return f"{kind.capitalize()} {plain_line(name, 40)}"
