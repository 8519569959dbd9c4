"""A bulk download of another system -> a class's folder: attempts side by side, and a roster.

    submissions/roster.csv
    submissions/lovelaceada_attempt1/hw2.py

A later download adds what is new; nothing that is there is changed or removed, and what an
instructor wrote into the roster stays.
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

from grader.submissions import gradescope as gradescope_export
from grader.submissions.archives import is_archive, unpack
from grader.submissions.canvas import (
    ID,
    LOGIN,
    SECTION,
    SIS,
    STUDENT,
    file_names,
    read_gradebook,
    spoken,
)
from grader.submissions.discover import uploads_in
from grader.submissions.layout import Upload, Someone
from grader.errors import RefusedArchive, UsageError
from grader.submissions.gradescope import METADATA
from grader.submissions.safe_writer import MEGABYTE, Caps, is_clutter, kind
from grader.files import replace
from grader.submissions.roster import NAME, Entry, Person, Roster, as_csv, read_roster
from grader.submissions.student_names import student_key

# Of a whole class; what one student may bring is looked at when it is graded.
_CAPS = Caps(20_000 * MEGABYTE, 2_000 * MEGABYTE, 500_000)
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Imported:
    """`known` attempts were there already, `left_out` are links, devices and what has not a name of
    the system's, `no_files` counts attempts that the download names and does not hold."""

    roster: Roster
    new: int
    known: int
    left_out: tuple[str, ...] = ()
    no_files: int = 0


def import_gradescope(source: Path, to: Path) -> Imported:
    """Raises UsageError for what is no export of Gradescope's."""
    with _opened(source) as folder:
        if not (folder / METADATA).is_file():
            raise UsageError(
                f"{source}: no {METADATA} in it; expected what Gradescope's 'Export Submissions' "
                "downloads"
            )
        found = _bring(folder, to, ())
        return dataclasses.replace(found, no_files=gradescope_export.without_files(folder))


def import_canvas(source: Path, to: Path, gradebook: Path | None = None) -> Imported:
    """`gradebook` is what Canvas's gradebook exports: it maps Canvas's numbers to students. Raises
    UsageError for what is no download of Canvas's."""
    people = () if gradebook is None else tuple(map(_of_gradebook, read_gradebook(gradebook)))
    with _opened(source) as folder:
        return _bring(folder, to, people)


def _of_gradebook(row: dict[str, str]) -> Person:
    login = row.get(LOGIN, "")
    key = re.sub(r"[\W_]", "", row[STUDENT].casefold())   # as Canvas has it in names of files
    return Person(key, spoken(row[STUDENT]), login if "@" in login else "", row.get(SIS, ""),
                  login, row[ID], row.get(SECTION, ""))


@contextmanager
def _opened(source: Path) -> Iterator[Path]:
    """The folder with the submissions: an archive is unpacked, a lone folder in it is wrapping."""
    if source.is_dir():
        yield _top(source)
        return
    if not source.is_file() or not is_archive(source):
        raise UsageError(f"{source}: no folder and no archive; expected what was downloaded")
    with tempfile.TemporaryDirectory(prefix="grader-import-") as place:
        try:
            unpack(source, Path(place) / "in", _CAPS)
        except RefusedArchive as error:
            raise UsageError(
                f"{source}: not unpacked: {error}. Download it again; or unpack it yourself, look "
                "at what is named here, and import the folder"
            ) from None
        yield _top(Path(place) / "in")


def _top(folder: Path) -> Path:
    inside = [path for path in folder.iterdir() if not is_clutter(path.name)]
    lone = len(inside) == 1 and kind(inside[0]) == "folder"
    return _top(inside[0]) if lone and not inside[0].name.startswith("submission_") else folder


def _bring(folder: Path, to: Path, people: Sequence[Person]) -> Imported:
    class_ = _Class(to, people)
    entries = sorted(
        (path for path in folder.iterdir() if not is_clutter(path.name)), key=lambda one: one.name
    )
    found = uploads_in(folder, entries)
    if not any(one.origin for one in found):
        raise UsageError(f"{folder.name}: no submission in it by this system's names; is it the "
                         "right download, and the right command?")
    strange = [one.sources[0].name for one in found if not one.origin]
    for one in found:
        if one.origin:
            class_.add(one)
    done = class_.close()
    return dataclasses.replace(done, left_out=(*strange, *done.left_out))


class _Class:
    """A class's folder that is added to."""

    def __init__(self, to: Path, people: Iterable[Person]) -> None:
        roster = read_roster(to)
        if roster is None and to.is_dir() and any(to.iterdir()):
            raise UsageError(f"{to}: holds files and no {NAME}; name a new folder, or one that was "
                             "imported into before")
        self._to = to
        self._people = {one.student: one for one in (roster.people if roster else ())}
        self._entries = list(roster.entries) if roster else []
        self._new = self._known = 0
        self._left_out: list[str] = []
        for one in people:
            self._meet(one)

    def add(self, upload: Upload) -> None:
        """Unless it is there already, by what the other system calls it."""
        keys = [self._meet(_person(one)) for one in upload.people]
        if any(one.origin == upload.origin and one.student in keys for one in self._entries):
            self._known += 1
            return
        group = "_".join(keys) if len(keys) > 1 else ""
        folder = self._lay_down(student_key(group or keys[0]), upload.sources)
        attempt = 1 + max((one.attempt for one in self._entries if one.student in keys), default=0)
        self._entries += [
            Entry(key, attempt, folder, upload.at, upload.late, group, upload.origin)
            for key in keys
        ]
        self._new += 1

    def close(self) -> Imported:
        """With the roster written, in one step."""
        everyone = sorted({one.student for one in self._entries})
        entries = [
            dataclasses.replace(one, attempt=number)
            for student in everyone
            for number, one in enumerate(_in_order(self._entries, student), start=1)
        ]
        roster = Roster(tuple(self._people.values()), tuple(entries))
        replace(self._to / NAME, [as_csv(roster)])
        return Imported(roster, self._new, self._known, tuple(self._left_out))

    def _meet(self, person: Person) -> str:
        """The key of someone: whom the roster knows by a number or an address keeps theirs, and
        what is not known of them yet is filled in."""
        known = next((one for one in self._people.values() if _same(one, person)), None)
        if known is None:
            taken = {key.casefold() for key in self._people}
            known = dataclasses.replace(person, student=student_key(person.student, taken))
        told = {key: value for key, value in dataclasses.asdict(person).items()
                if value and not getattr(known, key)}
        self._people[known.student] = dataclasses.replace(known, **told)
        return known.student

    def _lay_down(self, key: str, sources: Sequence[Path]) -> str:
        """Copy regular files into a new folder; its name."""
        taken = {one.folder for one in self._entries}
        number = 1
        while (name := f"{key}_attempt{number}") in taken:
            number += 1
        self._to.mkdir(parents=True, exist_ok=True)
        beside, place = self._to / f".{name}.tmp", self._to / name
        for left in (beside, place):   # of an import that was cut short
            shutil.rmtree(left, ignore_errors=True)
        beside.mkdir()
        names = file_names(sources)
        for source in sources:
            what = kind(source)
            if what == "folder":
                shutil.copytree(source, beside, ignore=self._irregular, dirs_exist_ok=True)
            elif what == "file":
                shutil.copyfile(source, beside / names[source])
            else:
                self._left_out.append(source.name)
        beside.rename(place)
        return name

    def _irregular(self, folder: str, names: list[str]) -> list[str]:
        """Links, pipes and devices: nothing is followed and nothing of them opened."""
        odd = [name for name in names if kind(Path(folder) / name) == "other"]
        self._left_out += odd
        return odd


def _person(one: Someone) -> Person:
    return Person(one.name, one.name, one.email, one.sid, "", one.canvas_id)


def _same(known: Person, other: Person) -> bool:
    """By the strongest that both have: two who share a name only are two."""
    for name in ("email", "canvas_id", "sid"):
        mine, theirs = getattr(known, name), getattr(other, name)
        if mine and theirs:
            return bool(mine.casefold() == theirs.casefold())
    return False


def _in_order(entries: Iterable[Entry], student: str) -> list[Entry]:
    """By time where all have one, by Canvas's numbers, which grow, where all have those."""
    own = sorted((one for one in entries if one.student == student), key=lambda one: one.attempt)
    if all(one.submitted_at is not None for one in own):
        return sorted(own, key=lambda one: one.submitted_at or _NEVER)
    if all(one.origin.startswith("canvas ") for one in own):
        return sorted(own, key=lambda one: max(map(int, one.origin.split()[1:])))
    return own
