"""Writes files whose names and contents are hostile; all of a submission passes through it.

Archives and folders follow the same rules, so a submission is refused for the same reasons in any
form. Declared sizes and counts are never trusted: bytes are counted as they are written.
"""

from __future__ import annotations

import re
import stat
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from grader.errors import RefusedArchive

MEGABYTE = 1_000_000

# Files of editors, systems and tools, which are no part of a homework.
CLUTTER = frozenset(
    {
        "__MACOSX",
        ".DS_Store",
        "Icon\r",  # a folder's own picture, as in Google Drive
        "__pycache__",
        "site-packages",   # a virtual environment
        ".git",
        ".ipynb_checkpoints",
        ".mypy_cache",
        ".pytest_cache",
        ".venv",
        "venv",
    }
)
# Control, format (bidirectional overrides among them), surrogates, line and paragraph separators.
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_DRIVE = re.compile(r"[A-Za-z]:")


@dataclass(frozen=True)
class Caps:
    """The limits of one submission."""

    total_bytes: int = 300 * MEGABYTE
    file_bytes: int = 100 * MEGABYTE
    entries: int = 5_000  # files and folders
    path_length: int = 240  # bytes in UTF-8
    depth: int = 16


def kind(path: Path) -> Literal["file", "folder", "other", "missing"]:
    """Return the kind of `path` itself: links, pipes and devices are "other"."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return "missing"
    if stat.S_ISREG(mode):
        return "file"
    return "folder" if stat.S_ISDIR(mode) else "other"


def is_clutter(name: str) -> bool:
    """Return True for files and folders that are left out without a note."""
    return name in CLUTTER or name.startswith("._")  # "._x" is macOS's metadata of "x"


def shown(name: str) -> str:
    """Return `name` for a message: quoted, short, without invisible characters."""
    return repr(name if len(name) <= 80 else name[:77] + "...")


class SafeWriter:
    """Fills a folder with files, checking every name and counting every byte."""

    def __init__(self, target: Path, caps: Caps) -> None:
        target.mkdir(parents=True, exist_ok=True)
        self.target = target
        self._caps = caps
        self._written = 0
        self._claimed: dict[tuple[str, ...], tuple[tuple[str, ...], str]] = {}

    def folder(self, name: str) -> None:
        """Make the folder `name`; raises RefusedArchive."""
        parts = _parts(name, self._caps)
        if parts and not any(map(is_clutter, parts)):
            self._claim(parts, "folder")
            self.target.joinpath(*parts).mkdir(parents=True, exist_ok=True)

    def file(self, name: str, chunks: Iterable[bytes]) -> int | None:
        """Write `chunks` to the file `name`; returns the bytes written, None for clutter.

        Raises RefusedArchive for a name that is not safe or more bytes than the caps allow.
        """
        parts = _parts(name, self._caps)
        if any(map(is_clutter, parts)):
            return None
        if not parts:
            raise RefusedArchive(f"it holds a file without a name ({shown(name)})")
        self._claim(parts, "file")
        path = self.target.joinpath(*parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        written = 0
        with path.open("xb") as out:
            for chunk in chunks:
                written += len(chunk)
                self._written += len(chunk)
                if written > self._caps.file_bytes:
                    raise RefusedArchive(
                        f"the file {shown(name)} is larger than {_size(self._caps.file_bytes)}; "
                        "leave data sets and checkpoints out"
                    )
                if self._written > self._caps.total_bytes:
                    raise RefusedArchive(
                        f"its files add up to more than {_size(self._caps.total_bytes)}; "
                        "leave data sets and checkpoints out"
                    )
                out.write(chunk)
        return written

    def _claim(self, parts: tuple[str, ...], kind: Literal["file", "folder"]) -> None:
        """Claim a path; refuse names that are the same on some computers, and duplicates."""
        for depth in range(1, len(parts) + 1):
            path = parts[:depth]
            what = kind if depth == len(parts) else "folder"
            spelling, taken_as = self._claimed.get(_folded(path), (path, ""))
            if spelling != path:
                raise RefusedArchive(
                    f"{shown('/'.join(spelling))} and {shown('/'.join(path))} are the same name "
                    "on many computers; rename one of them"
                )
            if taken_as and taken_as != what:
                raise RefusedArchive(
                    f"{shown('/'.join(path))} is both a file and a folder in it; rename one of them"
                )
            if taken_as == "file":
                raise RefusedArchive(f"{shown('/'.join(path))} is in it twice; keep one")
            self._claimed[_folded(path)] = (path, what)
        if len(self._claimed) > self._caps.entries:
            raise RefusedArchive(
                f"it holds more than {self._caps.entries:,} files and folders; hand in only your "
                "code, your answers and your plots"
            )


def _parts(name: str, caps: Caps) -> tuple[str, ...]:
    """Return the components of a safe relative path; raises RefusedArchive for any other."""
    seen = "/".join(part for part in name.split("/") if not is_clutter(part))
    if any(unicodedata.category(character) in _INVISIBLE for character in seen):
        raise RefusedArchive(f"the name {shown(name)} has control or invisible characters in it")
    if "\\" in name:
        raise RefusedArchive(
            f"the name {shown(name)} has a backslash in it; folders are separated by '/'"
        )
    if name.startswith("/") or _DRIVE.match(name):
        raise RefusedArchive(
            f"the name {shown(name)} is absolute; names must be relative to the archive's top"
        )
    parts = tuple(part for part in name.split("/") if part not in ("", "."))
    if ".." in parts:
        raise RefusedArchive(f"the name {shown(name)} leads out of the archive by '..'")
    if len(name.encode()) > caps.path_length or len(parts) > caps.depth:
        raise RefusedArchive(
            f"the name {shown(name)} is too long or too deep: at most {caps.path_length} bytes "
            f"and {caps.depth} levels"
        )
    return parts


def _folded(parts: tuple[str, ...]) -> tuple[str, ...]:
    """Return the path as file systems compare it that ignore case and Unicode's spellings."""
    return tuple(
        unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", part).casefold())
        for part in parts
    )


def _size(count: int) -> str:
    return f"{count / MEGABYTE:g} MB" if count >= MEGABYTE else f"{count:,} bytes"
