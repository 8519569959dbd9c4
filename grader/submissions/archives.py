"""Safe unpacking of a student's zip or tar.

The standard library's readers parse hostile headers here, so they read the archive through
`bounded_reader`. An archive inside an archive stays a plain file.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import shutil
import stat
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from grader.errors import RefusedArchive
from grader.submissions.bounded_reader import TAR_OVERHEAD, BoundedHeaders, BoundedReader
from grader.submissions.safe_writer import MEGABYTE, Caps, SafeWriter, shown

_CHUNK = 64 * 1024
_XZ_MEMORY = 256 * MEGABYTE
_GLOBAL_HEADERS = 100  # `git archive` writes one; the parser copies all of them for each file
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def unpack(archive: Path, target: Path, caps: Caps | None = None) -> None:
    """Unpack `archive` into `target`, which must not exist or be empty.

    Raises RefusedArchive, with a reason for the student, for anything but a plain zip or tar of
    regular files within the caps; `target` is then removed. Raises OSError only if the grader's own
    disk fails.
    """
    caps = caps or Caps()
    if target.exists() and any(target.iterdir()):
        raise FileExistsError(f"{target} is not empty; unpack into a new folder")
    try:
        if archive.stat().st_size > caps.total_bytes:
            raise RefusedArchive(f"the archive is larger than {caps.total_bytes:,} bytes")
        _unpacker(archive)(archive, SafeWriter(target, caps), caps)
    except RefusedArchive:
        shutil.rmtree(target, ignore_errors=True)
        raise
    except Exception as error:
        shutil.rmtree(target, ignore_errors=True)
        # The standard library's parsers raise a dozen kinds of exceptions for garbage. Only an
        # OSError with a number comes from the system; it is not the archive's fault.
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise RefusedArchive(
            f"the archive is damaged ({type(error).__name__}); pack it again, as .zip or .tar.gz"
        ) from error


def _unpacker(archive: Path) -> Callable[[Path, SafeWriter, Caps], None]:
    """Return the function that unpacks this archive, chosen by its content and not its name."""
    with archive.open("rb") as file:
        head = file.read(8)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _unpack_zip
    if head.startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00")):
        return _unpack_compressed_tar
    if head.startswith((b"Rar!", b"7z\xbc\xaf\x27\x1c")):
        raise RefusedArchive("RAR and 7z archives can't be read; hand in a .zip or a .tar.gz")
    return _unpack_tar


def _unpack_zip(archive: Path, writer: SafeWriter, caps: Caps) -> None:
    with BoundedReader(archive) as file, zipfile.ZipFile(file) as members:
        _check_count(len(members.infolist()), caps)
        for member in members.infolist():
            name = member.orig_filename.replace("\\", "/")  # as some programs on Windows write it
            if name.endswith("/"):
                writer.folder(name)
                continue
            kind = stat.S_IFMT(member.external_attr >> 16)  # 0 where no Unix packed it
            if kind not in (0, stat.S_IFREG):
                raise RefusedArchive(
                    f"{shown(name)} is a link or a device; hand in regular files only"
                )
            if member.flag_bits & 0x2041:  # encrypted; strongly encrypted; with masked headers
                raise RefusedArchive(f"{shown(name)} is encrypted; pack it without a password")
            if member.compress_type not in _METHODS:
                # Other methods unpack a whole block at once, before bytes can be counted.
                raise RefusedArchive(
                    f"{shown(name)} uses an unusual compression method; use the usual one (deflate)"
                )
            written = writer.file(name, _zipped(members, member))
            if written not in (None, member.file_size):
                raise RefusedArchive(f"{shown(name)} has another size than its header says")


def _unpack_compressed_tar(archive: Path, writer: SafeWriter, caps: Caps) -> None:
    """Decompress to a plain tar first, so that no header can make the reader fill the memory."""
    limit = caps.total_bytes + TAR_OVERHEAD
    with tempfile.TemporaryDirectory(dir=writer.target.parent) as folder:
        plain = Path(folder) / "plain.tar"
        size = 0
        with plain.open("wb") as out:
            for chunk in _decompressed(archive):
                size += len(chunk)
                if size > limit:
                    raise RefusedArchive(
                        f"it unpacks to more than {limit:,} bytes; leave data sets and "
                        "checkpoints out"
                    )
                out.write(chunk)
        _unpack_tar(plain, writer, caps)


def _unpack_tar(archive: Path, writer: SafeWriter, caps: Caps) -> None:
    with (
        BoundedHeaders(archive) as headers,
        BoundedReader(archive) as contents,
        tarfile.open(fileobj=headers, mode="r:") as members,
    ):
        for count, member in enumerate(_one_by_one(members, headers), start=1):
            _check_count(count, caps)
            if member.isdir():
                writer.folder(member.name)
                continue
            if not member.isreg() or member.sparse is not None:
                raise RefusedArchive(
                    f"{shown(member.name)} is a link, a device, a pipe or a sparse file; hand in "
                    "regular files only"
                )
            writer.file(member.name, _tarred(contents, member))


def _one_by_one(
    members: tarfile.TarFile, headers: BoundedHeaders
) -> Iterator[tarfile.TarInfo]:
    """Yield the members of a tar; the parser must not keep them, since each may be large."""
    while True:
        headers.begin_member()
        member = members.next()
        if member is None:
            return
        members.members.clear()  # type: ignore[attr-defined]  # typeshed does not know it
        if len(members.pax_headers) > _GLOBAL_HEADERS:
            raise RefusedArchive("its headers are too long; pack it again, as .zip")
        yield member


def _check_count(count: int, caps: Caps) -> None:
    if count > 4 * caps.entries:  # clutter counts here; SafeWriter counts the rest
        raise RefusedArchive(
            f"it lists more than {4 * caps.entries:,} files; hand in your code, your answers and "
            "your plots only"
        )


def _zipped(members: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    with members.open(member) as file:
        yield from _chunks(file)


def _tarred(file: IO[bytes], member: tarfile.TarInfo) -> Iterator[bytes]:
    file.seek(member.offset_data)
    left = member.size
    if left < 0:
        raise ValueError("a negative size, which leads back to what was read")
    while left > 0:
        chunk = file.read(min(left, _CHUNK))
        if not chunk:
            raise EOFError("the archive ends early")
        left -= len(chunk)
        yield chunk


def _chunks(file: IO[bytes] | gzip.GzipFile) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK):
        yield chunk


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
