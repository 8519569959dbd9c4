"""Resolves the students that a rubric names, in groups and extensions, to the class's keys.

An instructor may name a student by key, name, address or number. Names that match nobody become
warnings with similar names.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from grader.rubric.late_policy import Extension
from grader.rubric.model import Rubric
from grader.submissions.discover import HandIn
from grader.submissions.roster import Roster
from grader.submissions.student_names import student_key
from grader.text import counted, folded


@dataclass(frozen=True)
class Enrolled:
    """A rubric and attempts with resolved students; `warnings` are for the instructor."""

    rubric: Rubric
    hand_ins: tuple[HandIn, ...]
    warnings: tuple[str, ...]


def enrol(rubric: Rubric, hand_ins: Sequence[HandIn], roster: Roster | None) -> Enrolled:
    """Resolve all names in the rubric, and give each group's attempts to all of its members.

    Args:
        rubric: its groups and extensions may name students in any way.
        hand_ins: all attempts of the class.
        roster: the class's roster; None stands for an empty one.
    """
    keys = _keys(hand_ins, roster or Roster())
    teams = {group: tuple(_key(keys, name) for name in names)
             for group, names in rubric.teams.items()}
    warnings = list(_strangers(rubric.teams, keys))
    together = _with_groups(hand_ins, teams)
    by_name = keys | {folded(key): key for members in teams.values() for key in members}
    granted = []
    for one in rubric.late.granted if rubric.late else ():
        if key := by_name.get(folded(one.student)):
            granted.append(one.model_copy(update={"student": key}))
        else:
            warnings.append(f"Unknown student '{one.student}' has an extension, which is ignored"
                            f"{_near(one.student, by_name)}.")
    warnings += _twice(granted)
    late = rubric.late and rubric.late.model_copy(update={"extensions": tuple(granted)})
    if late is not None:
        warnings += _untimed(together)
    if roster is not None:
        warnings += _unlisted(together, roster)
    known = rubric.model_copy(update={"late": late, "groups": teams})
    return Enrolled(known, tuple(together), tuple(warnings))


def _keys(hand_ins: Iterable[HandIn], roster: Roster) -> dict[str, str]:
    """Return students' keys by every name that identifies one, folded."""
    owners = {folded(key): key for item in hand_ins for key in item.owners}
    return {**roster.keys, **owners}


def _key(keys: Mapping[str, str], name: str) -> str:
    return keys.get(folded(name)) or student_key(name)


def _with_groups(
    hand_ins: Iterable[HandIn], teams: Mapping[str, tuple[str, ...]]
) -> list[HandIn]:
    group_of = {student: members for members in teams.values() for student in members}
    found = []
    for item in hand_ins:
        everyone = [one for owner in item.owners for one in (owner, *group_of.get(owner, ()))]
        members = tuple(dict.fromkeys(everyone))
        found.append(item if members == item.owners else dataclasses.replace(item, members=members))
    return found


def _strangers(groups: Mapping[str, Iterable[str]], keys: Mapping[str, str]) -> Iterable[str]:
    """Warn of unknown members whose name is similar to a student without a group.

    Other unknown members may just have submitted nothing themselves. A group without any known
    member is always reported.
    """
    placed = {folded(name) for names in groups.values() for name in names}
    alone = {word: key for word, key in keys.items()
             if word not in placed and folded(key) not in placed}
    for group, names in groups.items():
        unknown = [name for name in names if folded(name) not in keys]
        for name in unknown:
            if near := _near(name, alone):
                yield f"Unknown student '{name}' in group '{group}'{near}."
        if len(unknown) == len(list(names)):
            yield (f"Group '{group}' has no submission by any of these names: "
                   f"{', '.join(names)}.")


def _twice(granted: Iterable[Extension]) -> Iterable[str]:
    """Warn of students with two extensions, under two names."""
    seen: set[str] = set()
    for one in granted:
        if one.student in seen:
            yield f"'{one.student}' has two extensions, under two names; the first one counts."
        seen.add(one.student)


def _untimed(hand_ins: Iterable[HandIn]) -> Iterable[str]:
    late = sorted({key for item in hand_ins if item.marked_late and item.submitted_at is None
                   for key in item.owners})
    if late:
        shown = ", ".join(late[:10]) + (", ..." if len(late) > 10 else "")
        yield (f"Canvas marks submissions of {counted(len(late), 'student')} as late but gives no "
               f"submission time, so there is no late penalty: {shown}. To apply it, fill in the "
               "column submitted_at of the roster that `grader import` writes.")


def _unlisted(hand_ins: Iterable[HandIn], roster: Roster) -> Iterable[str]:
    """Warn of submissions by nobody in the roster: a mistake in a name, or a namesake."""
    listed = {one.student for one in roster.people}
    names = dict.fromkeys(key for item in hand_ins for key in item.owners if key not in listed)
    if names:
        yield (f"{counted(len(names), 'student')} with submissions not in roster.csv: "
               f"{', '.join(names)}. Add a row for each, with this name in the column student.")


def _near(name: str, words: Mapping[str, str]) -> str:
    close = difflib.get_close_matches(folded(name), words, n=3)
    keys = dict.fromkeys(words[word] for word in close)
    return f"; similar: {', '.join(keys)}" if keys else ""
