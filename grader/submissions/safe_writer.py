"""Writes files whose names and contents are hostile; all of a submission passes through it.

Archives and folders follow the same rules. A file that is too large, that is not a regular file or
whose name leads elsewhere is left out with a note; the other files are written. Declared sizes are
never trusted: bytes are counted as they are written.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path, PurePosixPath
from typing import Literal

from grader.errors import UnreadableArchive
from grader.submissions.left_out import LeftOut
from grader.submissions.stored_names import is_clutter, numbered, stored_name
from grader.submissions.suffixes import is_code, is_document

MEGABYTE = 1_000_000
_ENVIRONMENT = "pyvenv.cfg"  # lies at the top of a virtual environment of any name
_ADVICE = "leave data sets and checkpoints out"
_Parts = tuple[str, ...]


@dataclass(frozen=True)
class Caps:
    """The limits of one submission."""

    total_bytes: int = 300 * MEGABYTE
    file_bytes: int = 100 * MEGABYTE
    entries: int = 5_000  # files and folders
    path_length: int = 240  # bytes in UTF-8
    depth: int = 16


@dataclass(frozen=True, slots=True)
class Member:
    """A file or folder of an archive or a folder, before it is read.

    Attributes:
        name: its path, with forward slashes; it may be hostile.
        size: the size that it claims, in bytes.
        chunks: yields its bytes; None for a folder.
        problem: why it cannot be taken; "" if nothing is known against it.
    """

    name: str
    size: int = 0
    chunks: Callable[[], Iterator[bytes]] | None = None
    problem: str = ""


def kind(path: Path) -> Literal["file", "folder", "other", "missing"]:
    """Return the kind of `path` itself: links, pipes and devices are "other"."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return "missing"
    if stat.S_ISREG(mode):
        return "file"
    return "folder" if stat.S_ISDIR(mode) else "other"


def is_ours(error: Exception) -> bool:
    """Return True for errors that are not the archive's fault, or that refuse it whole.

    The standard library's parsers raise a dozen kinds of exceptions for garbage. Only an OSError
    with a number comes from the system.
    """
    from_system = isinstance(error, OSError) and error.errno is not None
    return from_system or isinstance(error, UnreadableArchive)


class SafeWriter:
    """Fills a folder with files, checking every name and counting every byte.

    Its limits hold for all calls of `write` together; `left_out` collects what was not taken.
    """

    def __init__(self, target: Path, caps: Caps, left_out: LeftOut | None = None) -> None:
        target.mkdir(parents=True, exist_ok=True)
        self.target = target
        self.caps = caps
        self.left_out = left_out if left_out is not None else LeftOut()
        self._written = 0
        self._made: set[Path] = set()

    def write(self, members: Iterable[Member], inside: Path | None = None) -> None:
        """Write `members` into the folder `inside`, by default the target itself.

        Code comes first, then documents, then other files from small to large, so that what
        exceeds the limits is what matters least. Raises OSError only if the disk fails.
        """
        top = inside or self.target
        placed = self._placed(members)
        for parts in sorted(placed, key=lambda parts: (_rank(parts, placed[parts]), parts)):
            self._take(parts, placed[parts], top)

    def _placed(self, members: Iterable[Member]) -> dict[_Parts, Member]:
        """Give each member the path that it is written to."""
        found: dict[_Parts, Member] = {}
        changed: list[tuple[_Parts, Member]] = []
        for member in members:
            parts = stored_name(member.name, self.caps.path_length, self.caps.depth)
            if parts is None:
                self.left_out.add(member.name, "its name leads out of the submission by '..'")
            elif not parts or any(map(is_clutter, (*parts, *member.name.split("/")))):
                continue
            elif "/".join(parts) != str(PurePosixPath(member.name)):
                changed.append((parts, member))
            else:
                if parts in found and member.chunks is not None:
                    self.left_out.copy(member.name)
                found[parts] = member
        for parts, member in changed:
            if member.chunks is not None:
                parts = numbered(parts, found.__contains__)
                self.left_out.renamed(member.name, "/".join(parts))
            found.setdefault(parts, member)
        tops = {parts[:-1] for parts in found if parts[-1] == _ENVIRONMENT}
        return {
            parts: member for parts, member in found.items()
            if not any(parts[:depth] in tops for depth in range(1, len(parts)))
        }  # fmt: skip

    def _take(self, parts: _Parts, member: Member, top: Path) -> None:
        path = top.joinpath(*parts)
        new = {path, *takewhile(lambda parent: parent != self.target, path.parents)} - self._made
        caps, problem, too_large = self.caps, member.problem, False
        if not problem and len(self._made) + len(new) > caps.entries:
            problem = f"there are more than {caps.entries:,} files and folders"
        elif not problem:
            problem = self._too_large(member.size, self._written + member.size)
            too_large = bool(problem)
        if not problem:
            self._made |= new
            problem = self._write(path, member)
        if problem:
            self.left_out.add(member.name, problem, too_large=too_large)

    def _too_large(self, size: int, total: int) -> str:
        """Return why so many bytes of one file, or of all files, are too many; else ""."""
        if size > self.caps.file_bytes:
            return f"larger than {_size(self.caps.file_bytes)}; {_ADVICE}"
        if total > self.caps.total_bytes:
            return f"all files add up to more than {_size(self.caps.total_bytes)}; {_ADVICE}"
        return ""

    def _write(self, path: Path, member: Member) -> str:
        """Write one file or make one folder; returns why it was not possible, else ""."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if member.chunks is None:
                path.mkdir(exist_ok=True)
                return ""
        except (FileExistsError, NotADirectoryError):
            return "a file and a folder have this name"
        if path.exists():  # where a file system ignores case or Unicode's spellings
            path = free(path)
            self.left_out.renamed(member.name, path.name)
        with path.open("xb") as out:
            problem = self._copied(member.chunks(), member.size, out.write)
        if problem:
            path.unlink()
        return problem

    def _copied(
        self, chunks: Iterator[bytes], size: int, write: Callable[[bytes], object]
    ) -> str:
        written = 0
        while True:
            try:
                chunk = next(chunks, b"")
            except Exception as error:
                if is_ours(error):
                    raise
                return f"damaged ({type(error).__name__}); pack it again"
            if not chunk:
                return "" if written == size else "it has another size than its header says"
            written += len(chunk)
            self._written += len(chunk)
            if problem := self._too_large(written, self._written):
                return problem
            write(chunk)


def free(path: Path) -> Path:
    """Return `path`, or a numbered path beside it that does not exist yet."""
    parts = numbered((path.name,), lambda parts: path.with_name(parts[0]).exists())
    return path.with_name(parts[0])


def _rank(parts: _Parts, member: Member) -> tuple[int, int]:
    if is_code(parts[-1]):
        return 0, 0
    return (1, 0) if is_document(parts[-1]) else (2, member.size)


def _size(count: int) -> str:
    return f"{count / MEGABYTE:g} MB" if count >= MEGABYTE else f"{count:,} bytes"
