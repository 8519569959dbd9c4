"""Where hostile files land: every name and every byte of an upload passes through `Landing`.

Archives and folders use the same rules, so that a submission is refused for the same reasons in
whatever form it came. Nothing that is declared (a size, a count) is believed: bytes are counted as
they are written.
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

# What editors, systems and tools leave behind; it is no part of anybody's homework.
CLUTTER = frozenset(
    {
        "__MACOSX",
        ".DS_Store",
        "Icon\r",  # of a folder with a picture of its own, as Google Drive's have
        "__pycache__",
        "site-packages",   # an environment that was zipped with the homework
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
    """How much one submission may bring."""

    total_bytes: int = 300 * MEGABYTE
    file_bytes: int = 100 * MEGABYTE
    entries: int = 5_000  # files and folders
    path_length: int = 240  # bytes in UTF-8
    depth: int = 16


def kind(path: Path) -> Literal["file", "folder", "other"]:
    """What lies at `path` itself: a link is "other" wherever it leads, as pipes and devices are."""
    mode = path.lstat().st_mode
    if stat.S_ISREG(mode):
        return "file"
    return "folder" if stat.S_ISDIR(mode) else "other"


def is_clutter(name: str) -> bool:
    return name in CLUTTER or name.startswith("._")  # "._x" holds what macOS knows of "x"


def shown(name: str) -> str:
    """`name` for a message: quoted, short, and with nothing invisible in it."""
    return repr(name if len(name) <= 80 else name[:77] + "...")


class SafeWriter:
    """A folder that is filled with files whose names and contents nobody has checked."""

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
        """Note that `parts` is taken; refuses names that some computers take for the same."""
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
    """The components of a relative path with forward slashes; raises RefusedArchive."""
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
    """What a file system that ignores case and Unicode's spellings of one letter would compare."""
    return tuple(
        unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", part).casefold())
        for part in parts
    )


def _size(count: int) -> str:
    return f"{count / MEGABYTE:g} MB" if count >= MEGABYTE else f"{count:,} bytes"
