"""A class's hand-ins, its roster and what the rubric says of students by name, brought together.

An instructor names students as the roster does, by key, name, address or number; from here on
everybody goes by their key. Whom nobody knows is told, with whose name is near.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from grader.submissions.discover import HandIn
from grader.rubric.late_policy import Extension
from grader.submissions.roster import Roster
from grader.rubric.model import Rubric
from grader.submissions.student_names import student_key


@dataclass(frozen=True)
class Enrolled:
    """`warnings` are lines for the instructor."""

    rubric: Rubric
    hand_ins: tuple[HandIn, ...]
    warnings: tuple[str, ...]


def enrol(rubric: Rubric, hand_ins: Sequence[HandIn], roster: Roster | None) -> Enrolled:
    """What a group's member hands in is the whole group's; extensions are of students' keys."""
    keys = _keys(hand_ins, roster or Roster())
    teams = {group: tuple(_key(keys, name) for name in names)
             for group, names in rubric.teams.items()}
    warnings = list(_strangers(rubric.teams, keys))
    together = _with_groups(hand_ins, teams)
    everybody = keys | {key.casefold(): key for members in teams.values() for key in members}
    granted = []
    for one in rubric.late.granted if rubric.late else ():
        if one.student.casefold() in everybody:
            granted.append(one.model_copy(
                update={"student": everybody[one.student.casefold()]}
            ))
        else:
            warnings.append(f"An extension is for '{one.student}', whom nobody knows here"
                            f"{_near(one.student, everybody)}. It counts for nobody.")
    warnings += _twice(granted)
    late = rubric.late and rubric.late.model_copy(update={"extensions": tuple(granted)})
    if late is not None:
        warnings += _untimed(together)
    known = rubric.model_copy(update={"late": late, "groups": teams})
    return Enrolled(known, tuple(together), tuple(warnings))


def _keys(hand_ins: Iterable[HandIn], roster: Roster) -> dict[str, str]:
    """Students by every word that names one."""
    owners = {key.casefold(): key for item in hand_ins for key in item.owners}
    return {**roster.keys, **owners}


def _key(keys: Mapping[str, str], name: str) -> str:
    return keys.get(name.casefold()) or student_key(name)


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
    """Who is in a group may have handed in nothing alone. Where a name is near that of somebody who
    is in no group, it may be theirs; and a group of which nobody is known is told in any case."""
    placed = {name.casefold() for names in groups.values() for name in names}
    alone = {word: key for word, key in keys.items()
             if word not in placed and key.casefold() not in placed}
    for group, names in groups.items():
        unknown = [name for name in names if name.casefold() not in keys]
        for name in unknown:
            if near := _near(name, alone):
                yield f"Group '{group}' has '{name}', whom nobody knows here{near}."
        if len(unknown) == len(list(names)):
            yield (f"Group '{group}' ({', '.join(names)}) has handed in nothing, or nobody of it "
                   "is known by these names.")


def _twice(granted: Iterable[Extension]) -> Iterable[str]:
    """By two names of one student; the first one counts."""
    seen: set[str] = set()
    for one in granted:
        if one.student in seen:
            yield f"'{one.student}' has two extensions, by two names; the first one counts."
        seen.add(one.student)


def _untimed(hand_ins: Iterable[HandIn]) -> Iterable[str]:
    late = sorted({key for item in hand_ins if item.marked_late and item.submitted_at is None
                   for key in item.owners})
    if late:
        shown = ", ".join(late[:10]) + (", ..." if len(late) > 10 else "")
        yield (f"{len(late)} handed in late, and nobody knows when, since Canvas does not tell: no "
               f"penalty is taken ({shown}). `grader import` leaves a roster whose column "
               "submitted_at is yours to fill in.")


def _near(name: str, words: Mapping[str, str]) -> str:
    close = difflib.get_close_matches(name.casefold(), words, n=3)
    keys = dict.fromkeys(words[word] for word in close)
    return f"; near it: {', '.join(keys)}" if keys else ""
