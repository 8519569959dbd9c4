"""Notes which files an instructor's code reads: a mark depends on them as on the code itself.

Python tells of every file that it opens and of every folder that it lists (`sys.addaudithook`).
Files of Python, of installed packages and of the system are left out. A file that another program
or a C library opens by itself is not seen: the rubric's `data` names it.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import site
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import grader

Read = Mapping[str, str]   # path -> digest
MANY = 50   # more files of one folder than this count as all files of it
_ALL = os.sep + "*"
_MISSING = "missing"
_PACKAGES = re.compile(r"[\\/](site|dist)-packages[\\/]")
_IMPORT = importlib.util.cache_from_source.__code__.co_filename
_EVENTS = ("open", "os.listdir", "os.scandir")


class FilesRead:
    """The files that were read below `home`, or outside of it in no place of the system's."""

    def __init__(self, home: Path) -> None:
        self._homes = tuple(f"{one}{os.sep}" for one in (home.resolve(), _absolute(home)))
        self._paths: set[str] = set()
        self._written: set[str] = set()

    def note(self, name: str, *, written: bool) -> None:
        """Note a file that is opened, or a folder that is listed."""
        path = _absolute(name)
        if "__pycache__" in path:   # the compiled form of a module; pytest's have another name
            try:
                path = importlib.util.source_from_cache(path)
            except ValueError:
                return
        ours = f"{path}{os.sep}".startswith(self._homes)
        if ours or not (path.startswith(_system()) or _PACKAGES.search(path)):
            (self._written if written else self._paths).add(path)

    def digests(self, leave_out: str = "") -> dict[str, str]:
        """Returns a digest of each file as it is now, without what the code itself wrote."""
        paths = {Path(one) for one in self._paths - self._written - {leave_out}}
        folders = Counter(path.parent for path in paths)
        full = {folder for folder, number in folders.items() if number > MANY}
        found = {str(path): digest_of(path) for path in paths if path.parent not in full}
        return found | {f"{folder}{_ALL}": _of_all(folder) for folder in full}


_noted: ContextVar[FilesRead | None] = ContextVar("files read", default=None)
_of_process: list[FilesRead] = []


@contextmanager
def noting(read: FilesRead) -> Iterator[None]:
    """Note the files that this thread reads."""
    _install()
    token = _noted.set(read)
    try:
        yield
    finally:
        _noted.reset(token)


@contextmanager
def noting_all(read: FilesRead) -> Iterator[None]:
    """Note the files that any thread of this process reads."""
    _install()
    _of_process.append(read)
    try:
        yield
    finally:
        _of_process.clear()


def unchanged(read: Any) -> bool:
    """True if all files are as they were when these digests were taken."""
    return not isinstance(read, Mapping) or all(
        _of_name(str(name)) == digest for name, digest in read.items()
    )


def _of_name(name: str) -> str:
    if name.endswith(_ALL):
        return _of_all(Path(name.removesuffix(_ALL)))
    return digest_of(Path(name))


def digest_of(path: Path) -> str:
    """Returns a digest of a file's content, or of the names in a folder."""
    try:
        if path.is_dir():
            names = sorted(one.name for one in path.iterdir())
            return hashlib.sha256("\0".join(names).encode()).hexdigest()
        stat = path.stat()
        return _of_file(path, stat.st_size, stat.st_mtime_ns)
    except OSError:
        return _MISSING


def of_named(path: Path) -> str:
    """Returns a digest of a file that the rubric names, or of all files in a folder."""
    return _of_all(path) if path.is_dir() else digest_of(path)


def _of_all(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(f"{path.relative_to(folder)}\0{digest_of(path)}\0".encode())
    return digest.hexdigest()


@lru_cache(4096)
def _of_file(path: Path, size: int, time: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@cache
def _install() -> None:
    _system()   # first, since it opens files itself
    sys.addaudithook(_heard)


def _heard(event: str, args: tuple[Any, ...]) -> None:
    if event not in _EVENTS:
        return
    if event != "open" and sys._getframe(1).f_code.co_filename == _IMPORT:
        return   # an import looks for a module
    read = _noted.get() or (_of_process[0] if _of_process else None)
    if read is not None and args and isinstance(args[0], (str, bytes, os.PathLike)):
        read.note(os.fsdecode(args[0]), written=event == "open" and _writes(*args[1:3]))


def _writes(mode: object = None, flags: object = 0) -> bool:
    if isinstance(mode, str):
        return "r" not in mode
    return isinstance(flags, int) and flags & 3 == os.O_WRONLY


@cache
def _system() -> tuple[str, ...]:
    """The folders of Python, of installed packages, of the grader and of the system."""
    places: set[str | Path] = {
        sys.prefix, sys.base_prefix, sys.exec_prefix, *site.getsitepackages(),
        site.getusersitepackages(), Path(os.__file__).parent, Path(grader.__file__).parent,
        tempfile.gettempdir(), "/proc", "/sys", "/dev", "/etc", "/usr",
    }  # fmt: skip
    return tuple(f"{_absolute(place)}{os.sep}" for place in places)


def _absolute(path: str | Path) -> str:
    return os.path.normpath(Path(path).absolute())
