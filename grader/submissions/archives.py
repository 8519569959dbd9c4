"""Reads a student's zip or tar safely: lists its members, and yields their bytes.

The standard library's readers parse hostile headers here, so they read the archive through
`bounded_reader`. A member that is no regular file is listed with its problem.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import stat
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO

from grader.errors import RefusedArchive, UnreadableArchive
from grader.submissions.bounded_reader import (
    TAR_OVERHEAD,
    BoundedHeaders,
    BoundedReader,
    ZipHeaders,
)
from grader.submissions.safe_writer import MEGABYTE, Caps, Member, is_ours
from grader.submissions.stored_names import is_clutter

_CHUNK = 64 * 1024
_XZ_MEMORY = 256 * MEGABYTE
_GLOBAL_HEADERS = 100  # `git archive` writes one; the parser copies all of them for each file
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_IRREGULAR = "it is a link, a pipe or a device"


@contextmanager
def opened(archive: Path, scratch: Path, caps: Caps) -> Iterator[list[Member]]:
    """Yield the members of a zip or tar, which can be read while this context lasts.

    Args:
        archive: The file; its content and not its name tells what it is.
        scratch: A folder for temporary files.
        caps: The largest archive, and the most bytes that are decompressed to list a tar.

    Raises UnreadableArchive, with a reason for the student, if nothing in it can be read, and
    RefusedArchive if it is made to do harm. Raises OSError only if the grader's own disk fails.
    """
    if archive.stat().st_size > caps.total_bytes:
        raise UnreadableArchive(
            f"the archive is larger than {caps.total_bytes:,} bytes; leave data sets out"
        )
    with archive.open("rb") as file:
        head = file.read(8)
    if head.startswith((b"Rar!", b"7z\xbc\xaf\x27\x1c")):
        raise UnreadableArchive("RAR and 7z archives can't be read; hand in a .zip or a .tar.gz")
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        with ZipHeaders(archive) as file, _parsed(file) as members:
            yield [_zipped(members, info) for info in members.infolist()]
    elif head.startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00")):
        plain = scratch / "plain.tar"   # by a relative path, if that is what `scratch` is
        try:
            cut = _decompress(archive, plain, caps.total_bytes + TAR_OVERHEAD)
            with BoundedReader(plain) as contents:
                yield _in_tar(plain, contents, archive.name, cut)
        finally:
            plain.unlink()
    else:
        with BoundedReader(archive) as contents:
            yield _in_tar(archive, contents, archive.name)


@contextmanager
def _parsed(file: ZipHeaders) -> Iterator[zipfile.ZipFile]:
    try:
        members = zipfile.ZipFile(file)
    except Exception as error:
        if is_ours(error):
            raise
        raise _damaged(error) from error
    with members:
        yield members


def _damaged(error: Exception) -> UnreadableArchive:
    return UnreadableArchive(
        f"the archive is damaged ({type(error).__name__}); pack it again, as .zip or .tar.gz"
    )


def _zipped(members: zipfile.ZipFile, info: zipfile.ZipInfo) -> Member:
    # Backslashes are separators, as some programs on Windows write them.
    name = _decoded(info.orig_filename.encode("cp437")).replace("\\", "/")
    kind = stat.S_IFMT(info.external_attr >> 16)  # 0 where no Unix packed it
    if name.endswith("/"):
        return Member(name)
    problem = ""
    if kind not in (0, stat.S_IFREG):
        problem = _IRREGULAR
    elif info.flag_bits & 0x2041:  # encrypted; strongly encrypted; with masked headers
        problem = "it is encrypted; pack it without a password"
    elif info.compress_type not in _METHODS:
        # Other methods unpack a whole block at once, before bytes can be counted.
        problem = "it uses an unusual compression method; use the usual one (deflate)"
    return Member(name, info.file_size, partial(_zipped_bytes, members, info), problem)


def _decoded(name: bytes) -> str:
    """Decode a name in a zip, whatever the archive says about its encoding."""
    try:
        return name.decode()
    except UnicodeDecodeError:
        return name.decode("cp437")


def _zipped_bytes(members: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    with members.open(info) as file:
        yield from _chunks(file)


def _in_tar(archive: Path, contents: IO[bytes], name: str, cut: str = "") -> list[Member]:
    """List a tar up to its end or its first damage; `cut` says why the file ends early."""
    found: list[Member] = []
    try:
        with (
            BoundedHeaders(archive) as headers,
            tarfile.open(fileobj=headers, mode="r:") as members,
        ):
            found.extend(map(partial(_tarred, contents), _one_by_one(members, headers)))
    except Exception as error:
        if is_ours(error):
            raise
        if not found:
            raise UnreadableArchive(f"the archive {cut}") if cut else _damaged(error) from error
        cut = cut or f"is damaged ({type(error).__name__})"
    if cut:
        found.append(Member(name, problem=f"only its beginning was read, since it {cut}"))
    return found


def _one_by_one(members: tarfile.TarFile, headers: BoundedHeaders) -> Iterator[tarfile.TarInfo]:
    """Yield the members of a tar; the parser must not keep them, since each may be large."""
    while True:
        headers.begin_member()
        member = members.next()
        if member is None:
            return
        members.members.clear()  # type: ignore[attr-defined]  # typeshed does not know it
        if len(members.pax_headers) > _GLOBAL_HEADERS:
            raise RefusedArchive("its headers are too long; pack it again, as .zip")
        if not any(map(is_clutter, member.name.split("/"))):
            yield member


def _tarred(contents: IO[bytes], info: tarfile.TarInfo) -> Member:
    if info.isdir():
        return Member(info.name)
    regular = info.isreg() and info.sparse is None
    chunks = partial(_tarred_bytes, contents, info.offset_data, info.size)
    return Member(info.name, info.size, chunks, "" if regular else _IRREGULAR)


def _tarred_bytes(file: IO[bytes], offset: int, left: int) -> Iterator[bytes]:
    file.seek(offset)
    if left < 0:
        raise ValueError("a negative size, which leads back to what was read")
    while left > 0:
        chunk = file.read(min(left, _CHUNK))
        if not chunk:
            raise EOFError("the archive ends early")
        left -= len(chunk)
        yield chunk


def _chunks(file: io.BufferedIOBase) -> Iterator[bytes]:
    while chunk := file.read1(_CHUNK):   # gives out what comes before damage, too
        yield chunk


def _decompress(archive: Path, plain: Path, limit: int) -> str:
    """Decompress to a plain tar, so that no header can make the reader fill the memory.

    Returns why it ends early, else "". What came before is kept.
    """
    size = 0
    with plain.open("wb") as out:
        try:
            for chunk in _decompressed(archive):
                size += len(chunk)
                if size > limit:
                    return f"unpacks to more than {limit:,} bytes; leave data sets out"
                out.write(chunk)
        except Exception as error:
            if is_ours(error):
                raise
            return f"is damaged ({type(error).__name__}); pack it again"
    return ""


def _decompressed(archive: Path) -> Iterator[bytes]:
    with archive.open("rb") as file:
        head = file.read(2)
        file.seek(0)
        if head == b"\xfd7":
            yield from _decompressed_xz(file)
        elif head == b"BZ":
            with bz2.BZ2File(file) as stream:
                yield from _chunks(stream)
        else:
            with gzip.GzipFile(fileobj=file) as stream:
                yield from _chunks(stream)


def _decompressed_xz(file: IO[bytes]) -> Iterator[bytes]:
    """Decompress with a memory limit, which `lzma.LZMAFile` does not have."""
    decompressor = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)
    while not decompressor.eof:
        data = file.read(_CHUNK) if decompressor.needs_input else b""
        if decompressor.needs_input and not data:
            raise EOFError("the compressed data ends early")
        if chunk := decompressor.decompress(data, max_length=_CHUNK):
            yield chunk
