"""Tells how far the marks of each section and of each grader are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from grader.reports.saved_grades import read_saved
from grader.submissions.roster import Person, Roster, read_roster
from grader.text import counted, folded, plain_line

_WORDS = {
    "graded": "graded", "needs_marking": "to mark by hand", "not_scored": "not scored yet",
    "": "without a mark",
}  # fmt: skip


def progress(out: Path) -> list[str]:
    """Return a line for each section and for each grader in the roster of a results folder.

    A class that is in one section, or that one person marks, has no lines for that. Raises
    UsageError if the folder has no marks.
    """
    roster = read_roster(out) or Roster()
    kinds = {kind: sorted({folded(getattr(one, kind)): getattr(one, kind)
                           for one in roster.people}.values())
             for kind in ("section", "grader")}
    if all(len(names) < 2 for names in kinds.values()):
        return []
    states = {one.student: one.state for one in read_saved(out).submissions}
    return [
        _line(f"{kind.capitalize()} {plain_line(name, 40)}" if name else f"No {kind}",
              [one for one in roster.people if folded(getattr(one, kind)) == folded(name)], states)
        for kind, names in kinds.items() if len(names) > 1 for name in names
    ]  # fmt: skip


def _line(who: str, people: list[Person], states: Mapping[str, str]) -> str:
    found = Counter(states.get(one.student, "") for one in people)
    told = [f"{found[state]} {words}" for state, words in _WORDS.items() if found[state]]
    return f"{who}: {counted(len(people), 'student')}, {', '.join(told)}."
