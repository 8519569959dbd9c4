"""Imports a bulk download from Gradescope or Canvas into a class folder, with a roster.

    submissions/roster.csv
    submissions/lovelaceada_attempt1/hw2.py

A later download adds new attempts and students. It changes or removes nothing, and keeps what an
instructor wrote into the roster.
"""

from __future__ import annotations

import dataclasses
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from grader.errors import UsageError
from grader.text import write_text
from grader.submissions import gradescope as gradescope_export
from grader.submissions.canvas import (
    ID,
    LOGIN,
    SECTION,
    SIS,
    STUDENT,
    file_names,
    given_name_first,
    read_gradebook,
)
from grader.submissions.discover import is_no_submission, uploads_in
from grader.submissions.gradescope import METADATA
from grader.submissions.layout import Submitter, Upload
from grader.submissions.roster import NAME, Entry, Person, Roster, as_csv, read_roster, same
from grader.submissions.parse_child.start import BeyondLimits, Unpacked, unpack_in_child
from grader.submissions.safe_writer import MEGABYTE, Caps, kind
from grader.submissions.stored_names import is_clutter
from grader.submissions.student_names import is_typed, student_key
from grader.submissions.suffixes import is_archive
from grader.text import folded

# For a whole class; each student's submission has its own caps when it is graded.
_CAPS = Caps(20_000 * MEGABYTE, 2_000 * MEGABYTE, 500_000)
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Imported:
    """The result of an import.

    Attributes:
        roster: the roster as it was written.
        new: attempts that were added.
        known: attempts that were there already.
        left_out: names of links and devices, and of files that are not named by the system.
        unread: what a person has to look at: texts and links typed into Canvas, and students whose
            submission has no files.
        no_files: earlier attempts that the download lists without their files.
    """

    roster: Roster
    new: int
    known: int
    left_out: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    no_files: int = 0


def import_gradescope(source: Path, to: Path) -> Imported:
    """Import a Gradescope export; raises UsageError for anything else."""
    with _opened(source) as (folder, left_out):
        if not (folder / METADATA).is_file():
            raise UsageError(
                f"{source}: no {METADATA} in it; expected a download of Gradescope's 'Export "
                "Submissions'"
            )
        found = _bring(folder, to, (), left_out)
        return dataclasses.replace(found, no_files=gradescope_export.without_files(folder))


def import_canvas(source: Path, to: Path, gradebook: Path | None = None) -> Imported:
    """Import Canvas's submissions; raises UsageError for anything else.

    The `gradebook` that Canvas exports maps Canvas's numbers to students; None stands for no file.
    """
    people = () if gradebook is None else tuple(map(_of_gradebook, read_gradebook(gradebook)))
    with _opened(source) as (folder, left_out):
        return _bring(folder, to, people, left_out)


def _of_gradebook(row: dict[str, str]) -> Person:
    login = row.get(LOGIN, "")
    key = re.sub(r"[\W_]", "", row[STUDENT].casefold())   # as in Canvas's file names
    name, email = given_name_first(row[STUDENT]), login if "@" in login else ""
    return Person(key, name, email, row.get(SIS, ""), login, row[ID], row.get(SECTION, ""))


@contextmanager
def _opened(source: Path) -> Iterator[tuple[Path, list[str]]]:
    """Yield the folder with the submissions, and names that were left out of an archive."""
    if source.is_dir():
        yield _top(source), []
        return
    if not source.is_file() or not is_archive(source.name):
        raise UsageError(f"{source}: no folder and no archive; expected the download")
    with tempfile.TemporaryDirectory(prefix="grader-import-") as place:
        try:
            found = unpack_in_child(source, Path(place), _CAPS)
        except BeyondLimits as error:
            found = Unpacked(False, (f"{error}.",), ())
        if not found.is_read:
            raise UsageError(
                f"{source}: not unpacked: {' '.join(found.lines)} Download it again, or "
                "unpack it yourself and import the folder"
            )
        yield _top(Path(place) / "in"), list(found.names)


def _top(folder: Path) -> Path:
    inside = [path for path in folder.iterdir() if not is_clutter(path.name)]
    lone = len(inside) == 1 and kind(inside[0]) == "folder"
    return _top(inside[0]) if lone and not inside[0].name.startswith("submission_") else folder


def _bring(
    folder: Path, to: Path, people: Sequence[Person], left_out: Sequence[str]
) -> Imported:
    class_ = _Class(to, people)
    entries = sorted(
        (path for path in folder.iterdir() if not is_no_submission(path.name)),
        key=lambda one: one.name,
    )
    found = uploads_in(folder, entries)
    if not any(one.origin for one in found):
        raise UsageError(f"{folder.name}: no file in it is named as this system names submissions; "
                         "check that this is the right download and the right command")
    unnamed = [one.sources[0].name for one in found if not one.origin]
    for one in found:
        if one.origin:
            class_.add(one)
    done = class_.close()
    return dataclasses.replace(done, left_out=(*left_out, *unnamed, *done.left_out))


class _Class:
    """A class folder that attempts are added to."""

    def __init__(self, to: Path, people: Iterable[Person]) -> None:
        roster = read_roster(to)
        if roster is None and to.is_dir() and any(to.iterdir()):
            raise UsageError(f"{to}: holds files but no {NAME}; name a new folder, or one that an "
                             "earlier import made")
        self._to = to
        self._people = {one.student: one for one in (roster.people if roster else ())}
        self._entries = list(roster.entries) if roster else []
        self._new = self._known = 0
        self._left_out: list[str] = []
        self._unread: list[str] = []
        for one in people:
            self._meet(one)

    def add(self, upload: Upload) -> None:
        """Add an attempt, unless the roster has one with the system's name for it.

        An attempt that came without files before gets those that it has now.
        """
        keys = [self._meet(_person(one)) for one in upload.people]
        self._unread += _for_a_person(upload)
        known = next((one.folder for one in self._entries
                      if one.origin == upload.origin and one.student in keys), None)
        if known is not None and (upload.is_empty or not _is_empty(self._to / known)):
            self._known += 1
            return
        group = "_".join(keys) if len(keys) > 1 else ""
        folder = known or self._free(student_key(group or keys[0]))
        self._lay_down(folder, upload.sources)
        if known is not None:
            self._new += 1
            return
        attempt = 1 + max((one.attempt for one in self._entries if one.student in keys), default=0)
        self._entries += [
            Entry(key, attempt, folder, upload.at, upload.late, group, upload.origin,
                  upload.sources[0].name)
            for key in keys
        ]
        self._new += 1

    def close(self) -> Imported:
        """Write the roster in one step, and return the result."""
        everyone = sorted({one.student for one in self._entries})
        entries = [
            dataclasses.replace(one, attempt=number)
            for student in everyone
            for number, one in enumerate(_in_order(self._entries, student), start=1)
        ]
        roster = Roster(tuple(self._people.values()), tuple(entries))
        write_text(self._to / NAME, [as_csv(roster)])
        left_out, unread = tuple(self._left_out), tuple(self._unread)
        return Imported(roster, self._new, self._known, left_out, unread)

    def _meet(self, person: Person) -> str:
        """Return a person's key, which is new if no number or address of theirs is known.

        Fields that the roster does not have yet are filled in.
        """
        known = next((one for one in self._people.values() if same(one, person)), None)
        if known is None:
            taken = {folded(key) for key in self._people}
            known = dataclasses.replace(person, student=student_key(person.student, taken))
        new = {key: value for key, value in dataclasses.asdict(person).items()
               if value and not getattr(known, key)}
        self._people[known.student] = dataclasses.replace(known, **new)
        return known.student

    def _free(self, key: str) -> str:
        taken = {one.folder for one in self._entries}
        number = 1
        while (name := f"{key}_attempt{number}") in taken:
            number += 1
        return name

    def _lay_down(self, name: str, sources: Sequence[Path]) -> None:
        """Copy regular files into a new folder of this name."""
        self._to.mkdir(parents=True, exist_ok=True)
        beside, place = self._to / f".{name}.tmp", self._to / name
        for left in (beside, place):   # from an interrupted import
            shutil.rmtree(left, ignore_errors=True)
        beside.mkdir()
        names = file_names(sources)
        for source in sources:
            what = kind(source)
            if what == "folder":
                shutil.copytree(source, beside, ignore=self._irregular, dirs_exist_ok=True)
            elif what == "file":
                shutil.copyfile(source, beside / names[source])
            elif what == "other":
                self._left_out.append(source.name)
        beside.rename(place)

    def _irregular(self, folder: str, names: list[str]) -> list[str]:
        """Return the links, pipes and devices among `names`, which are never opened."""
        odd = [name for name in names if kind(Path(folder) / name) == "other"]
        self._left_out += odd
        return odd


def _for_a_person(upload: Upload) -> list[str]:
    """Return names of what cannot be graded by a program."""
    if upload.is_empty:
        return [" ".join(filter(None, (one.name, one.email))) for one in upload.people]
    return [source.name for source in upload.sources if is_typed(source.name)]


def _is_empty(folder: Path) -> bool:
    return not folder.is_dir() or not any(folder.iterdir())


def _person(one: Submitter) -> Person:
    return Person(one.name, one.name, one.email, one.sid, "", one.canvas_id)


def _in_order(entries: Iterable[Entry], student: str) -> list[Entry]:
    """Sort a student's attempts by time or by Canvas's growing numbers, if all have one."""
    own = sorted((one for one in entries if one.student == student), key=lambda one: one.attempt)
    if all(one.submitted_at is not None for one in own):
        return sorted(own, key=lambda one: one.submitted_at or _NEVER)
    if all(one.origin.startswith("canvas ") for one in own):
        return sorted(own, key=lambda one: max(map(int, one.origin.split()[1:])))
    return own
