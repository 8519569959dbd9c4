"""Finds the submissions in a class folder: whose they are, and when they were submitted.

Four layouts are known: the folders and `roster.csv` of `grader import`; a Gradescope export; file
names by Canvas's pattern or the course's, `PENNKEY_hw2_problem1.py`, where one student may have
several files; and files or folders named after the student. A student may have several attempts.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from grader.errors import UsageError
from grader.submissions import canvas as canvas_export
from grader.submissions import gradescope as gradescope_export
from grader.submissions.gradescope import METADATA
from grader.submissions.layout import Submitter, Upload, oldest_first
from grader.submissions.roster import NAME as ROSTER
from grader.submissions.roster import Roster, read_roster
from grader.submissions.safe_writer import is_clutter, kind
from grader.submissions.student_names import Owner, owner, student_key
from grader.submissions.suffixes import is_archive, is_code, stem

ANSWERS = "answers.md"
_README = re.compile(r"readme(?![a-z])")   # but not a student called Readmehta
_COMPANIONS = (".md", ".tex", ".pdf")  # belong to the code of the same name


@dataclass(frozen=True)
class HandIn:
    """One attempt before it is opened.

    Attributes:
        student: the attempt's name, unique and safe as a file name; usually the student's key.
        members: keys of the students it belongs to; empty stands for `student` alone.
        attempt: counts from 1; higher attempts are later.
        marked_late: a system says that it was late, but not when it was submitted.
    """

    student: str
    sources: tuple[Path, ...]
    submitted_at: datetime | None = None
    members: tuple[str, ...] = ()
    attempt: int = 1
    marked_late: bool = False

    @property
    def owners(self) -> tuple[str, ...]:
        """The keys of the students that it belongs to; at least one."""
        return self.members or (self.student,)


def discover(folder: Path) -> list[HandIn]:
    """Return every attempt in a class folder, sorted by the names on disk.

    Students' keys depend only on the folder's contents. A link, a pipe or a device counts as a
    submission, too, which is refused when it is opened. Raises UsageError if the folder, its
    roster or Gradescope's metadata can't be read.
    """
    try:
        found = sorted(folder.iterdir(), key=lambda path: path.name)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UsageError(
            f"{folder}: no such folder; expected one with a submission per student"
        ) from error
    except OSError as error:
        raise UsageError(f"{folder}: {error.strerror}; check its permissions") from error
    entries = [path for path in found if not _is_ours(path)]
    roster = read_roster(folder)
    if roster is not None:
        return _hand_ins(_by_roster(entries, roster), [one.student for one in roster.people])
    return _hand_ins(uploads_in(folder, entries))


def uploads_in(folder: Path, entries: Iterable[Path]) -> list[Upload]:
    """Return the attempts among `entries`, by Gradescope's metadata or by file names."""
    if (folder / METADATA).is_file():
        return gradescope_export.uploads(entries, folder / METADATA)
    return list(_by_name(entries))


def hand_in(source: Path) -> HandIn:
    """Return one file, archive or folder as a submission; UsageError if it does not exist."""
    try:
        is_there = source.exists()
    except OSError:  # such as a name that is too long
        is_there = False
    if not is_there:
        raise UsageError(f"{source}: no such file; expected a .py, .ipynb, archive or folder")
    path = source.resolve()  # so that "." gets a name
    return HandIn(student_key(_label(path, owner(path.name))), (path,))


def own_work(path: Path) -> HandIn:
    """Return a student's own work as a submission, with an `answers.md` beside the file.

    Raises UsageError if the path does not exist.
    """
    item = hand_in(path)
    answers = path.resolve().parent / ANSWERS
    if path.is_file() and answers.is_file() and answers != path.resolve():
        return dataclasses.replace(item, sources=(*item.sources, answers))
    return item


def _is_ours(path: Path) -> bool:
    """Return True for files in a class folder that are no submissions."""
    name = path.name.lower()
    return (
        name.startswith(".")
        or _README.match(name) is not None
        or name in (METADATA, ROSTER, "expected.yaml", "expected.yml")
        or is_clutter(path.name)
    )


def _by_roster(entries: list[Path], roster: Roster) -> Iterator[Upload]:
    """Yield the roster's attempts, then files that it does not list, by their names."""
    rows = {entry.folder: [one for one in roster.entries if one.folder == entry.folder]
            for entry in roster.entries}
    for path in entries:
        if together := rows.get(path.name):
            people = (Submitter(f"roster {one.student}", one.student) for one in together)
            first = together[0]
            yield Upload(tuple(people), (path,), first.attempt, first.submitted_at, first.late)
    yield from _by_name([path for path in entries if path.name not in rows])


def _by_name(entries: Iterable[Path]) -> Iterator[Upload]:
    files: dict[tuple[str, int], list[Path]] = {}   # by owner and attempt
    labels: dict[str, str] = {}
    companions: list[Path] = []
    plain: dict[str, str] = {}   # the owner of each name without "_attempt"
    for path in sorted(entries, key=lambda path: owner(path.name).attempt):
        who, what, suffix = owner(path.name), kind(path), path.suffix.lower()
        is_a_submission = (
            what == "folder"
            or is_archive(path.name)
            or is_code(path.name)
            or (what, suffix) == ("other", "")  # a link in a folder's place
        )
        if who.group is None and suffix in _COMPANIONS and what != "folder":
            companions.append(path)
        elif who.group is not None or is_a_submission:
            label = _label(path, who)
            group = who.group or f"name {path.name}"
            if who.group is None and who.attempt == 1:
                plain.setdefault(label.casefold(), group)
            elif who.group is None:   # a later attempt of the same name
                group = plain.setdefault(label.casefold(), group)
            files.setdefault((group, who.attempt), []).append(path)
            labels.setdefault(group, label)
    for path in companions:
        for (group, _), paths in files.items():
            lone = group.startswith("name ") and kind(paths[0]) == "file"
            if lone and paths[0].stem == path.stem:
                paths.append(path)
                break
    in_order = sorted(files.items(), key=lambda item: item[1][0].name)
    for (group, attempt), paths in in_order:
        if group.startswith("canvas "):
            yield from canvas_export.uploads(paths)
        else:
            yield Upload((Submitter(group, labels[group]),), tuple(paths), attempt)


def _hand_ins(uploads: Iterable[Upload], taken: Iterable[str] = ()) -> list[HandIn]:
    """Give every student a key; `taken` are the roster's keys, which stay."""
    keys = {f"roster {student}": student for student in taken}
    used = {key.casefold() for key in keys.values()}

    def key_of(identity: str, name: str) -> str:
        if identity not in keys:
            keys[identity] = student_key(name, used)
            used.add(keys[identity].casefold())
        return keys[identity]

    by_people: dict[tuple[str, ...], list[Upload]] = {}
    for one in uploads:
        by_people.setdefault(tuple(person.identity for person in one.people), []).append(one)
    found = []
    for identities, attempts in by_people.items():
        people = attempts[0].people
        members = tuple(key_of(person.identity, person.name) for person in people)
        alone = len(people) == 1
        key = members[0] if alone else key_of(" ".join(identities), attempts[0].name)
        for number, one in enumerate(oldest_first(attempts), start=1):
            own = key if number == 1 else key_of(f"{key} {number}", f"{key}_attempt{number}")
            found.append(HandIn(
                own, one.sources, one.at, () if own == members[0] else members, number, one.late
            ))  # fmt: skip
    return found


def _label(path: Path, who: Owner) -> str:
    """Return the student's name; for a file without Canvas's or the course's pattern, its stem."""
    if who.group is not None or kind(path) == "folder":
        return who.student
    return stem(who.student)
