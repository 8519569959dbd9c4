"""Finds the submissions in a class folder: whose they are, and when they were submitted.

Four layouts are known: the folders and `roster.csv` of `grader import`; a Gradescope export; file
names by Canvas's pattern or the course's, `PENNKEY_hw2_problem1.py`, where one student may have
several files; and files or folders named after the student. A student may have several attempts.
Every entry of the folder is part of somebody's submission, but for files of systems and editors.
"""

from __future__ import annotations

import dataclasses
import re
import unicodedata
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
from grader.submissions.roster import Entry, Person, Roster, read_roster
from grader.submissions.safe_writer import kind
from grader.submissions.stored_names import is_clutter
from grader.submissions.student_names import Owner, owner, student_key
from grader.submissions.suffixes import is_archive, is_code, stem
from grader.text import folded

ANSWERS = "answers.md"
_README = re.compile(r"readme(?![a-z])")   # but not a student called Readmehta
_OURS = (METADATA, ROSTER, "expected.yaml", "expected.yml")
_CANVAS, _ROSTER = "canvas ", "roster "   # what identities of students begin with


@dataclass(frozen=True)
class HandIn:
    """One attempt before it is opened.

    Attributes:
        student: the attempt's name, unique and safe as a file name; usually the student's key.
        members: keys of the students it belongs to; empty stands for `student` alone.
        attempt: counts from 1; higher attempts are later.
        marked_late: a system says that it was late, but not when it was submitted.
        people: what a download says of its students; empty for the students of a roster.
    """

    student: str
    sources: tuple[Path, ...]
    submitted_at: datetime | None = None
    members: tuple[str, ...] = ()
    attempt: int = 1
    marked_late: bool = False
    people: tuple[Person, ...] = ()

    @property
    def owners(self) -> tuple[str, ...]:
        """The keys of the students that it belongs to; at least one."""
        return self.members or (self.student,)


def discover(folder: Path) -> list[HandIn]:
    """Return every attempt in a class folder, sorted by the names on disk.

    Students' keys depend only on the folder's contents. A link, a pipe or a device counts as a
    submission, too, and so does a file that cannot be graded. A source that a roster or Gradescope
    names may be missing. Raises UsageError if the folder, its
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
    entries = [path for path in found if not is_no_submission(path.name)]
    roster = read_roster(folder)
    if roster is not None:
        taken = [one.student for one in roster.people]
        return _hand_ins(_by_roster(folder, entries, roster), taken)
    return _hand_ins(uploads_in(folder, entries))


def left_out(folder: Path) -> list[str]:
    """Return the names of entries that are no submissions, but for those that have a use."""
    used = (*_OURS, "readme.md", "readme.txt", "readme")
    names = (path.name for path in folder.iterdir() if is_no_submission(path.name))
    return sorted(name for name in names if name.lower() not in used)


def uploads_in(folder: Path, entries: Iterable[Path]) -> list[Upload]:
    """Return the attempts among `entries`, by Gradescope's metadata or by file names."""
    found = list(entries)
    if not (folder / METADATA).is_file():
        return list(_by_name(found))
    folders = [path for path in found if kind(path) != "file"]
    beside = [path for path in found if path not in folders]
    return [*gradescope_export.uploads(folders, folder / METADATA), *_by_name(beside)]


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


def is_no_submission(name: str) -> bool:
    """Return True for files of systems, editors and the grader in a class folder."""
    lower = name.lower()
    return (
        is_clutter(name)
        or lower.startswith((".", "~$"))
        or lower in (*_OURS, "thumbs.db", "desktop.ini")
        or _README.match(lower) is not None
    )


def _by_roster(folder: Path, entries: list[Path], roster: Roster) -> Iterator[Upload]:
    """Yield the roster's attempts, then entries that it does not list, by their names."""
    there = {folded(path.name): path for path in entries} | {path.name: path for path in entries}
    rows: dict[Path, list[Entry]] = {}
    for entry in roster.entries:
        # Where a folder was lost, its student must not be lost with it.
        path = there.get(entry.folder) or there.get(folded(entry.folder)) or folder / entry.folder
        rows.setdefault(path, []).append(entry)
    for path, together in sorted(rows.items(), key=lambda item: item[0].name):
        people = tuple(Submitter(_ROSTER + one.student, one.student) for one in together)
        first = together[0]
        yield Upload(people, (path,), first.attempt, first.submitted_at, first.late)
    for upload in uploads_in(folder, [path for path in entries if path not in rows]):
        found = [(one, roster.find(one)) for one in upload.people]
        # What somebody put beside a student's folders of the roster came after them.
        before = [entry.attempt for entry in roster.entries for _, key in found
                  if key == entry.student]
        yield dataclasses.replace(
            upload, attempt=max(before, default=0) + upload.attempt,
            people=tuple(Submitter(_ROSTER + key, key) if key else one for one, key in found),
        )


def _by_name(entries: Iterable[Path]) -> Iterator[Upload]:
    """Yield attempts; entries of one student's name are one, and every entry is in one."""
    files: dict[tuple[str, int], list[Path]] = {}   # by owner and attempt
    labels: dict[str, str] = {}
    first: dict[str, str] = {}   # the owner of each name
    named: dict[tuple[str, int], str] = {}   # the owner of each name and attempt
    for path in sorted(entries, key=_in_turn):
        who = owner(path.name)
        label = _label(path, who)
        name = folded(label)
        group = who.group or f"name {unicodedata.normalize('NFC', path.name)}"
        if who.group is None and not _is_work(path):   # a report beside the code of its name
            group = named.get((name, who.attempt), group)
        if who.group is None and who.attempt > 1:
            group = first.get(name, group)
        if not group.startswith(_CANVAS):   # which has namesakes, told by their numbers
            first.setdefault(name, group)
            named.setdefault((name, who.attempt), group)
        files.setdefault((group, who.attempt), []).append(path)
        labels.setdefault(group, label)
    in_order = sorted(files.items(), key=lambda item: item[1][0].name)
    for (group, attempt), paths in in_order:
        if group.startswith(_CANVAS):
            yield from canvas_export.uploads(paths)
        else:
            yield Upload((Submitter(group, labels[group]),), tuple(paths), attempt)


def _in_turn(path: Path) -> tuple[int, bool, str]:
    """Sort by attempt; code comes before the reports of the same name."""
    who = owner(path.name)
    return who.attempt, who.group is None and not _is_work(path), path.name


def _is_work(path: Path) -> bool:
    """Return True for code, an archive or a folder, or for a link in a folder's place."""
    what = kind(path)
    if what == "other":
        return not path.suffix or is_code(path.name) or is_archive(path.name)
    return what == "folder" or is_code(path.name) or is_archive(path.name)


def _hand_ins(uploads: Iterable[Upload], taken: Iterable[str] = ()) -> list[HandIn]:
    """Give every student a key; `taken` are the roster's keys, which stay."""
    keys = {_ROSTER + student: student for student in taken}
    used = {folded(key) for key in keys.values()}

    def key_of(identity: str, name: str) -> str:
        if identity not in keys:
            keys[identity] = student_key(name, used)
            used.add(folded(keys[identity]))
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
        ordered = oldest_first(attempts)
        timed = all(one.at is not None for one in attempts)
        is_known = timed or len({one.attempt for one in attempts}) == len(attempts)
        known = tuple(
            Person(key, one.name, one.email, one.sid, canvas_id=one.canvas_id)
            for key, one in zip(members, people, strict=True) if not one.identity.startswith(_ROSTER)
        )
        for number, one in enumerate(ordered, start=1):
            own = key if number == 1 else key_of(f"{key} {number}", f"{key}_attempt{number}")
            attempt = number if is_known else one.attempt   # equal: either may be the last
            found.append(HandIn(
                own, one.sources, one.at, () if own == members[0] else members, attempt, one.late,
                known,
            ))  # fmt: skip
    return found


def _label(path: Path, who: Owner) -> str:
    """Return the student's name; for a file without Canvas's or the course's pattern, its stem."""
    if who.group is not None or kind(path) == "folder":
        return who.student
    return stem(who.student)
