"""Opens the gradebook's file: one grader at a time, checked, and moved away if it is damaged.

    results/gradebook.sqlite
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from grader.errors import UsageError
from grader.grading.gradebook import Gradebook

# The tables that each version of the file adds; existing tables are never changed.
TABLES = (
    """
create table runs (
    id integer primary key, began text not null, machine text not null, process integer not null,
    exam text not null, seed integer not null, first integer not null
);
create table submissions (
    id integer primary key, run integer not null references runs, student text not null,
    digest text not null, at text not null, seconds real not null, submission text not null
);
create table verdicts (
    id integer primary key, submission integer not null references submissions,
    criterion text not null, fingerprint text not null, verdict text not null
);
create index verdicts_by_submission on verdicts (submission);
create index submissions_by_student on submissions (student, digest);
""",
    """
create table conditions (run integer primary key references runs, conditions text not null);
create table questions (digest text primary key, question text not null);
create table traces (
    id integer primary key, submission integer not null references submissions,
    question text not null references questions, trace text not null
);
create index traces_by_submission on traces (submission);
""",
    """
create table marks (id integer primary key, student text not null, mark text not null);
create table comments (id integer primary key, criterion text not null, comment text not null);
create index marks_by_student on marks (student);
""",
)
VERSION = len(TABLES)
NAME = "gradebook.sqlite"
_PATIENCE = 30   # seconds to wait while another process writes
_LOCK = ".gradebook.lock"   # the system releases it when the process dies


@contextmanager
def open_gradebook(folder: Path, say: Callable[[str], None]) -> Iterator[Gradebook]:
    """Open the gradebook of a results folder for one grader at a time; create it if need be.

    A damaged file is renamed, and `say` is called with the news. Raises UsageError if another
    grader has it open, or if a later version of the grader wrote it.
    """
    with alone_in(folder), closing(_connect(folder / NAME, say)) as connection:
        yield Gradebook(connection)


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Lock a results folder; raises UsageError if another grader has it locked."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / _LOCK).acquire(timeout=0)
    except Timeout:
        raise UsageError(
            f"{folder}: another grader is using this folder{_who(folder / NAME)}. Wait until it "
            "ends, or name another folder with --out."
        ) from None
    except OSError as error:
        raise UsageError(f"{folder}: cannot be written: {error.strerror}") from None
    with lock:
        yield


def graded_in(folder: Path) -> Path:
    """Return the path of a results folder's gradebook. Raises UsageError if there is none."""
    path = folder / NAME
    if not path.is_file():
        raise UsageError(
            f"{folder}: no {NAME}, so nothing was graded into this folder; name the folder with "
            "the results of `grader run` with --out"
        )
    return path


def read_only(path: Path) -> closing[sqlite3.Connection]:
    """Open a gradebook for reading only, even while a grader uses it. Raises sqlite3.Error."""
    return closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True))


@contextmanager
def beside_others(folder: Path) -> Iterator[sqlite3.Connection]:
    """Open an existing gradebook for adding rows while others may use it.

    Raises UsageError if there is none or it is damaged; only `open_gradebook` renames a damaged
    file.
    """
    path = graded_in(folder)
    try:
        connection = sqlite3.connect(path, timeout=_PATIENCE, check_same_thread=False)
        opened = _prepared(connection)
    except sqlite3.Error as error:
        raise UsageError(
            f"{path}: cannot be opened: {error}. `grader run` starts a new one if it is damaged."
        ) from None
    with closing(opened):
        yield opened


@contextmanager
def in_memory() -> Iterator[Gradebook]:
    """Open an empty gradebook in memory, for a single run."""
    with closing(_prepared(sqlite3.connect(":memory:", check_same_thread=False))) as connection:
        yield Gradebook(connection)


@dataclass(frozen=True)
class Condition:
    """The state of a gradebook's file; `damage` is "" for a sound one."""

    damage: str = ""
    version: int = 0
    students: int = 0


def condition(folder: Path) -> Condition:
    """Check the gradebook of a results folder without changing it, even while it is in use."""
    try:
        with read_only(folder / NAME) as connection:
            (found,) = connection.execute("pragma quick_check").fetchone()
            (version,) = connection.execute("pragma user_version").fetchone()
            count = "select count(distinct student) from submissions"
            (students,) = connection.execute(count).fetchone()
    except sqlite3.Error as error:
        return Condition(str(error))
    return Condition("" if found == "ok" else str(found), version, students)


def students_of(folder: Path) -> list[str]:
    """Return the students in a results folder's gradebook; [] if it cannot be read."""
    try:
        with read_only(folder / NAME) as connection:
            query = "select distinct student from submissions order by student"
            return [str(name) for (name,) in connection.execute(query)]
    except sqlite3.Error:
        return []


def _connect(path: Path, say: Callable[[str], None]) -> sqlite3.Connection:
    try:
        return _prepared(sqlite3.connect(path, check_same_thread=False))
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            raise UsageError(
                f"{path}: cannot be opened: {error}; check that the folder is writable and the "
                "disk has space"
            ) from None
        aside = _aside(path)
        say(
            f"{path} is damaged ({error}). It was renamed to {aside.name}, and everything in it is "
            "graded again."
        )
    return _prepared(sqlite3.connect(path, check_same_thread=False))


def _prepared(connection: sqlite3.Connection) -> sqlite3.Connection:
    """Return the connection once its file is checked and has all tables. Raises UsageError."""
    try:
        (found,) = connection.execute("pragma quick_check").fetchone()
        if found != "ok":
            raise sqlite3.DatabaseError(found)
        (version,) = connection.execute("pragma user_version").fetchone()
        if version > VERSION:
            raise UsageError(
                f"the gradebook has version {version}, and this grader reads up to {VERSION}: use "
                "the later version of the grader that wrote it, or another folder (--out)."
            )
        if version < VERSION:
            _bring_up(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _bring_up(connection: sqlite3.Connection) -> None:
    """Add the tables that are missing; several graders may do so at the same time."""
    with connection:
        connection.execute("begin immediate")
        (version,) = connection.execute("pragma user_version").fetchone()
        for statement in "".join(TABLES[version:]).split(";"):
            connection.execute(statement)
        connection.execute(f"pragma user_version = {VERSION}")


def _aside(path: Path) -> Path:
    number = 1
    while (aside := path.with_name(f"{path.stem}.damaged-{number}{path.suffix}")).exists():
        number += 1
    path.rename(aside)
    journal = path.with_name(f"{path.name}-journal")
    journal.unlink(missing_ok=True)   # SQLite must not apply it to the new file
    return aside


def _who(path: Path) -> str:
    """Describe the grader that uses this gradebook; "" if it cannot be read."""
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            row = connection.execute(
                "select process, machine, began from runs order by id desc"
            ).fetchone()
    except sqlite3.Error:
        row = None
    return f" (process {row[0]} on {row[1]}, since {row[2]})" if row else ""
