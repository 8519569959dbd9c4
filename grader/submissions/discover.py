"""The folder with everybody's submissions: whose is what, and when it was handed in.

Four layouts are known: what `grader import` leaves (`roster.csv` beside folders), a Gradescope
export (`gradescope_export.py`), names by Canvas's pattern (`canvas_export.py`) and by the course's
own, `PENNKEY_hw2_problem1.py`, several files of a student together, and plain files or folders
named after the student. Whoever hands in again has several attempts.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from grader.submissions import canvas as canvas_export, gradescope as gradescope_export
from grader.submissions.archives import is_archive
from grader.submissions.layout import Upload, Someone, in_time
from grader.errors import UsageError
from grader.submissions.gradescope import METADATA
from grader.submissions.safe_writer import is_clutter, kind
from grader.submissions.roster import NAME as ROSTER
from grader.submissions.roster import Roster, read_roster
from grader.submissions.student_names import Owner, owner, student_key

_CODE = (".py", ".ipynb")
ANSWERS = "answers.md"
_README = re.compile(r"readme(?![a-z])")   # and not a student called Readmehta
_COMPANIONS = (".md", ".tex", ".pdf")  # belong to the code of the same name


@dataclass(frozen=True)
class HandIn:
    """What was handed in together, not yet opened. `student` is unique and safe as a file name.

    `members` are the students whose work it is, where it is not the one student's. Of several
    attempts, the higher one is the later. `marked_late` is what a system says that tells no time.
    """

    student: str
    sources: tuple[Path, ...]
    submitted_at: datetime | None = None
    members: tuple[str, ...] = ()
    attempt: int = 1
    marked_late: bool = False

    @property
    def owners(self) -> tuple[str, ...]:
        return self.members or (self.student,)


def discover(folder: Path) -> list[HandIn]:
    """Every submission in a class folder, sorted by the names on disk.

    The students' keys depend on what is in the folder only. A link, a pipe or a device in it is
    somebody's submission, too: it is refused when it is opened. Raises UsageError if there is no
    such folder, or if it or Gradescope's metadata can't be read.
    """
    try:
        found = sorted(folder.iterdir(), key=lambda path: path.name)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UsageError(
            f"{folder}: no such folder; expected one with a submission per student"
        ) from error
    except OSError as error:
        raise UsageError(f"{folder}: {error.strerror}; its owner has to let you read it") from error
    entries = [path for path in found if not _is_ours(path)]
    roster = read_roster(folder)
    if roster is not None:
        return _hand_ins(_by_roster(entries, roster), [one.student for one in roster.people])
    return _hand_ins(uploads_in(folder, entries))


def uploads_in(folder: Path, entries: Iterable[Path]) -> list[Upload]:
    """What `entries` of the folder are, in a layout that some system or the course has."""
    if (folder / METADATA).is_file():
        return gradescope_export.uploads(entries, folder / METADATA)
    return list(_by_name(entries))


def hand_in(source: Path) -> HandIn:
    """One file, archive or folder as a submission of its own; raises UsageError."""
    try:
        is_there = source.exists()
    except OSError:  # a name that no file can have
        is_there = False
    if not is_there:
        raise UsageError(f"{source}: no such file; expected a .py, .ipynb, archive or folder")
    path = source.resolve()  # "." has a name, too
    return HandIn(student_key(_label(path, owner(path.name))), (path,))


def own_work(path: Path) -> HandIn:
    """The file, folder or archive as a submission; an `answers.md` beside a file belongs to it.

    Raises UsageError when there is nothing at that path.
    """
    item = hand_in(path)
    answers = path.resolve().parent / ANSWERS
    if path.is_file() and answers.is_file() and answers != path.resolve():
        return dataclasses.replace(item, sources=(*item.sources, answers))
    return item


def _is_ours(path: Path) -> bool:
    """What lies beside the submissions and is none."""
    name = path.name.lower()
    return (
        name.startswith(".")
        or _README.match(name) is not None
        or name in (METADATA, ROSTER, "expected.yaml", "expected.yml")
        or is_clutter(path.name)
    )


def _by_roster(entries: list[Path], roster: Roster) -> Iterator[Upload]:
    """What the roster names; and by their names those that somebody put beside it."""
    rows = {entry.folder: [one for one in roster.entries if one.folder == entry.folder]
            for entry in roster.entries}
    for path in entries:
        if together := rows.get(path.name):
            people = (Someone(f"roster {one.student}", one.student) for one in together)
            first = together[0]
            yield Upload(tuple(people), (path,), first.attempt, first.submitted_at, first.late)
    yield from _by_name([path for path in entries if path.name not in rows])


def _by_name(entries: Iterable[Path]) -> Iterator[Upload]:
    files: dict[tuple[str, int], list[Path]] = {}   # by whose they are, and the attempt
    labels: dict[str, str] = {}
    companions: list[Path] = []
    plain: dict[str, str] = {}   # whose an unmarked plain name is
    for path in sorted(entries, key=lambda path: owner(path.name).attempt):
        who, what, suffix = owner(path.name), kind(path), path.suffix.lower()
        is_a_submission = (
            what == "folder"
            or is_archive(path)
            or suffix in _CODE
            or (what, suffix) == ("other", "")  # a link in a folder's place
        )
        if who.group is None and suffix in _COMPANIONS and what != "folder":
            companions.append(path)
        elif who.group is not None or is_a_submission:
            label = _label(path, who)
            group = who.group or f"name {path.name}"
            if who.group is None and who.attempt == 1:
                plain.setdefault(label.casefold(), group)
            elif who.group is None:   # handed in again by whoever is called so
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
            yield Upload((Someone(group, labels[group]),), tuple(paths), attempt)


def _hand_ins(uploads: Iterable[Upload], taken: Iterable[str] = ()) -> list[HandIn]:
    """With keys for everybody: who are in the roster have theirs."""
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
        for number, one in enumerate(in_time(attempts), start=1):
            own = key if number == 1 else key_of(f"{key} {number}", f"{key}_attempt{number}")
            found.append(HandIn(
                own, one.sources, one.at, () if own == members[0] else members, number, one.late
            ))  # fmt: skip
    return found


def _label(path: Path, who: Owner) -> str:
    """What the student is called; where the file is, without its suffixes."""
    if who.group is not None or kind(path) == "folder":
        return who.student
    stem = Path(who.student).stem
    return stem.removesuffix(".tar") if is_archive(path) else stem
