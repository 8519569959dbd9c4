"""Files that limit how much the standard library's archive parsers can read.

A single read is limited, since a header may claim gigabytes that would be held in memory. All reads
together are limited, since a header may point back at itself and be read forever.
"""

from __future__ import annotations

import io
import struct
import tarfile
from pathlib import Path

from grader.errors import RefusedArchive, UnreadableArchive
from grader.submissions.safe_writer import MEGABYTE

_LARGEST_READ = 8 * MEGABYTE  # the table of contents of a zip with 100,000 files
TAR_OVERHEAD = 64 * MEGABYTE  # headers and padding, and clutter that is not kept
_LOCAL_HEADER, _CENTRAL_HEADER, _CENTRAL = 30, 46, b"PK\x01\x02"
_MEMBER_HEADERS = MEGABYTE // 4  # of one file in a tar: a long name, times, whose it is


class BoundedReader(io.BufferedReader):
    """A file that raises an error when one read, or all reads together, are too large."""

    def __init__(self, path: Path) -> None:
        super().__init__(io.FileIO(path))
        self._budget = 4 * path.stat().st_size + MEGABYTE

    def read(self, size: int | None = -1, /) -> bytes:
        wanted = _LARGEST_READ + 1 if size is None or size < 0 else size
        if size is not None and size > _LARGEST_READ:
            raise UnreadableArchive("its table of contents is too large, or has a wrong size")
        data = super().read(wanted)
        self._budget -= max(1, len(data))
        if len(data) > _LARGEST_READ:
            raise UnreadableArchive("its table of contents is too large")
        if self._budget < 0:
            raise RefusedArchive("its table of contents refers to itself")
        return data

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        try:
            return super().seek(offset, whence)
        except OSError as error:
            # Raised without the error's number, so that nobody takes it for a failing disk.
            raise OSError(f"no such place in the archive: {offset}") from error


class ZipHeaders(BoundedReader):
    """A zip whose names are all decoded as cp437, which no bytes contradict.

    The library would give up the whole archive for one name that is said to be UTF-8 and is not.
    """

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        if size == _LOCAL_HEADER and data.startswith(b"PK\x03\x04"):
            return _without_encoding(data, 6)
        if not data.startswith(_CENTRAL):
            return data
        patched, at = bytearray(data), 0
        while data[at : at + 4] == _CENTRAL and len(data) >= at + _CENTRAL_HEADER:
            patched[at : at + 10] = _without_encoding(data[at : at + 10], 8)
            lengths = struct.unpack_from("<HHH", data, at + 28)   # name, extra field, comment
            at += _CENTRAL_HEADER + sum(lengths)
        return bytes(patched)


def _without_encoding(header: bytes, flags: int) -> bytes:
    """Clear the flag that says that the name is in UTF-8."""
    at = flags + 1
    return header[:at] + bytes([header[at] & ~0x08]) + header[at + 1 :]


class BoundedHeaders(BoundedReader):
    """A tar for a parser that reads headers only.

    A file may have any number of headers, and the parser keeps every line of a sparse file's map.
    Before Python 3.11.10 a long header takes time by the square of its length.
    """

    _effort = 10_000_000_000  # five thousand headers of a kilobyte and more: seconds

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._budget = min(self._budget, TAR_OVERHEAD)
        self.begin_member()

    def begin_member(self) -> None:
        """Give the next member its own budget of header bytes."""
        self._of_member = _MEMBER_HEADERS

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > tarfile.BLOCKSIZE:
            self._effort -= size * size
        self._of_member -= max(size or 0, tarfile.BLOCKSIZE)
        if self._effort < 0 or self._of_member < 0:
            raise RefusedArchive("its headers are too long; pack it again, as .zip")
        return super().read(size)
