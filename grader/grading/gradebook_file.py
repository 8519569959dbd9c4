"""The gradebook's file: opened by one grader at a time, checked, and put aside when damaged.

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

# What each version of the file has more than the one before; nothing of an old one is changed.
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
_PATIENCE = 30   # seconds to wait for what another process is writing
_LOCK = ".gradebook.lock"   # the system lets go of it when a process dies, however it dies


@contextmanager
def open_gradebook(folder: Path, say: Callable[[str], None]) -> Iterator[Gradebook]:
    """The gradebook of a results folder, made when it is not there, for one grader at a time.

    A damaged one is put aside under another name and `say` is told. Raises UsageError when another
    grader has it open, or when a later version of the grader has written it.
    """
    with alone_in(folder), closing(_connect(folder / NAME, say)) as connection:
        yield Gradebook(connection)


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Nobody else works in this results folder meanwhile; raises UsageError where somebody does."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / _LOCK).acquire(timeout=0)
    except Timeout:
        raise UsageError(
            f"{folder}: another grader is at work in this folder{_who(folder / NAME)}. Wait for it "
            "to end, or give this run a folder of its own with --out."
        ) from None
    except OSError as error:
        raise UsageError(f"{folder}: no results can be kept there: {error.strerror}") from None
    with lock:
        yield


def graded_in(folder: Path) -> Path:
    """The gradebook of a results folder. Raises UsageError where there is none."""
    path = folder / NAME
    if not path.is_file():
        raise UsageError(
            f"{folder}: there is no {NAME} in it, so nothing was graded there; name the folder "
            "that `grader run` left its results in with --out"
        )
    return path


def read_only(path: Path) -> closing[sqlite3.Connection]:
    """A gradebook to look at, whoever is at work in it. Raises sqlite3.Error."""
    return closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True))


@contextmanager
def beside_others(folder: Path) -> Iterator[sqlite3.Connection]:
    """The file of a gradebook that is there, for one who adds to it while others may be at work.

    Raises UsageError where there is none, and where it is damaged: only a grader that is alone puts
    a damaged one aside.
    """
    path = graded_in(folder)
    try:
        connection = sqlite3.connect(path, timeout=_PATIENCE, check_same_thread=False)
        opened = _prepared(connection)
    except sqlite3.Error as error:
        raise UsageError(
            f"{path}: cannot be opened: {error}. `grader run` puts a damaged one aside."
        ) from None
    with closing(opened):
        yield opened


@contextmanager
def in_memory() -> Iterator[Gradebook]:
    """A gradebook that nobody will ask again."""
    with closing(_prepared(sqlite3.connect(":memory:", check_same_thread=False))) as connection:
        yield Gradebook(connection)


@dataclass(frozen=True)
class Condition:
    """What can be told of a gradebook from outside; `damage` is "" where there is none."""

    damage: str = ""
    version: int = 0
    students: int = 0


def condition(folder: Path) -> Condition:
    """Of the gradebook of a results folder, which is left as it is, whoever is at work in it."""
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
    """Who is in the gradebook of a results folder, as far as it can be read."""
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
                f"{path}: cannot be opened: {error}; is the folder writable, and the disk not full?"
            ) from None
        aside = _aside(path)
        say(
            f"{path} is damaged ({error}). It was put aside as {aside.name}; what stood in it is "
            "graded again."
        )
    return _prepared(sqlite3.connect(path, check_same_thread=False))


def _prepared(connection: sqlite3.Connection) -> sqlite3.Connection:
    """Checked from end to end, and with its tables."""
    try:
        (found,) = connection.execute("pragma quick_check").fetchone()
        if found != "ok":
            raise sqlite3.DatabaseError(found)
        (version,) = connection.execute("pragma user_version").fetchone()
        if version > VERSION:
            raise UsageError(
                f"the gradebook is of version {version}, and this grader knows up to {VERSION}: "
                "grade with the later grader that wrote it, or into another folder (--out)."
            )
        if version < VERSION:
            _bring_up(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _bring_up(connection: sqlite3.Connection) -> None:
    """Add what this version has more; several graders may find an old file at the same moment."""
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
    journal.unlink(missing_ok=True)   # of the damaged file: it must not be applied to a new one
    return aside


def _who(path: Path) -> str:
    """Which grader it is, as far as its gradebook tells."""
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            row = connection.execute(
                "select process, machine, began from runs order by id desc"
            ).fetchone()
    except sqlite3.Error:
        row = None
    return f" (process {row[0]} on {row[1]}, since {row[2]})" if row else ""
