"""Archives that are made to hurt, and what only looks like one. Built here, never committed."""

from __future__ import annotations

import bz2
import dataclasses
import gzip
import io
import lzma
import os
import struct
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Iterator

from grader.submissions.safe_writer import MEGABYTE
from tests.hostile.case import HONEST, Must

HONEST_CODE = HONEST.read_bytes()
EVIL = b"raise SystemExit('this must never be run')\n"
BLOCK = bytes(10 * MEGABYTE)
# Nothing is left that can be graded; it is refused as a whole; what is left is run and earns zero.
WAITS, REFUSED, RUN = ("needs_marking",), ("R",), ("Z",)


@dataclasses.dataclass(frozen=True)
class Bad:
    """`content` is written to a file with this suffix; `says` stands in the reason or a note."""

    says: str
    content: Callable[[], Iterable[bytes]]
    suffix: str = ".zip"
    must: Must = WAITS


def bad_zip(says: str, *members: tuple[str, bytes], must: Must = WAITS) -> Bad:
    return Bad(says, lambda: [zipped(*members)], must=must)


def bad_tar(says: str, *members: tuple[tarfile.TarInfo, bytes], must: Must = WAITS) -> Bad:
    return Bad(says, lambda: [tarred(*members)], ".tar", must)


def zipped(*members: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, data in members:
            info = zipfile.ZipInfo() if isinstance(name, str) else name
            if isinstance(name, str):
                info.filename = info.orig_filename = name  # as it is, separators and all
                info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, data)
    return buffer.getvalue()


def tarred(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for info, data in members:
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def member(name: str, kind: bytes = tarfile.REGTYPE, to: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, to
    return info


def special(name: str, mode: int, to: bytes = b"/etc/passwd") -> Bad:
    """A zip in which Unix says that a member is no regular file."""
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, mode << 16
    return Bad("a link, a pipe or a device", lambda: [zipped((info, to))])


def with_pax(name: str, **headers: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.pax_headers = headers
    return info


def patched(offsets: tuple[int, int], value: bytes) -> Iterator[bytes]:
    """Patches a field of the only member in its local header and in the table of contents."""
    data = bytearray(zipped(("hw2.py", b"x" * 500)))
    for signature, offset in zip((b"PK\x03\x04", b"PK\x01\x02"), offsets, strict=True):
        start = data.index(signature) + offset
        data[start : start + len(value)] = value
    yield bytes(data)


def overlapping() -> Iterator[bytes]:
    """A thousand names for the same ninety megabytes, which are packed once."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("0.bin", bytes(90 * MEGABYTE))
        for number in range(1, 1_000):
            info = zipfile.ZipInfo(f"{number}.bin")
            first = archive.filelist[0]
            for field in ("compress_type", "CRC", "compress_size", "file_size", "header_offset"):
                setattr(info, field, getattr(first, field))
            archive.filelist.append(info)
    yield buffer.getvalue()


def hundred_thousand_files() -> Iterator[bytes]:
    yield zipped(*((f"{number}.py", b"") for number in range(100_000)))


def tar_header(kind: bytes, size: int) -> bytes:
    info = member("x", kind)
    info.size = size
    return info.tobuf(tarfile.GNU_FORMAT)[: tarfile.BLOCKSIZE]


def global_headers_for_every_file() -> Iterator[bytes]:
    """The parser of Python's library keeps all that were set so far once more for every file."""
    records = b"".join(b"10 %05x=\n" % number for number in range(9_000))
    yield tar_header(tarfile.XGLTYPE, len(records)) + records + bytes(-len(records) % 512)
    yield tar_header(tarfile.REGTYPE, 0) * 20_000


def map_of_a_sparse_file_without_end() -> Iterator[bytes]:
    header = bytearray(tar_header(tarfile.GNUTYPE_SPARSE, 0))
    header[482] = 1  # "the map goes on in the next block"
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    block = (b"00000000001\0" * 42).ljust(504, b"\0") + b"\1" + bytes(7)
    yield gzip.compress(bytes(header) + block * 200_000, compresslevel=1)


CASES: dict[str, Bad] = {
    "dot-dot in a zip": bad_zip(
        "'..'", ("ok.py", b""), ("../../../evil.py", EVIL)
    ),
    "dot-dot in a tar": bad_tar("'..'", (member("a/../../../../evil.py"), EVIL)),
    "dot-dot in a pax header": bad_tar("'..'", (with_pax("ok.py", path="../../evil.py"), EVIL)),
    "absolute path in a zip": bad_zip("is called 'tmp/", ("/tmp/evil.py", EVIL), must=RUN),
    "absolute path in a tar": bad_tar("is called 'tmp/", (member("/tmp/evil.py"), EVIL), must=RUN),
    "backslashes": bad_zip("'..'", ("..\\..\\evil.py", EVIL)),
    "backslashes to a server": bad_zip(
        "is called 'server/share/", ("\\\\server\\share\\evil.py", EVIL), must=RUN
    ),
    "drive letter": bad_zip("is called 'evil.py'", ("C:/evil.py", EVIL), must=RUN),
    "drive letter, relative": bad_tar("", (member("C:evil.py"), EVIL), must=RUN),
    "symlink to a file in a zip": special("hw2.py", 0o120777),
    "symlink to a file in a tar": bad_tar(
        "a link", (member("hw2.py", tarfile.SYMTYPE, "/etc/passwd"), b"")
    ),
    "symlink to a folder, written through": bad_tar(
        "a link",
        (member("out", tarfile.SYMTYPE, "../.."), b""),
        (member("out/evil.py"), EVIL),
        must=RUN,
    ),
    "hardlink to a file outside": bad_tar(
        "a link", (member("hw2.py", tarfile.LNKTYPE, "../../../class/ada.py"), b"")
    ),
    "hardlink to a file inside, written over": bad_tar(
        "twice",
        (member("a.py"), b""),
        (member("b.py", tarfile.LNKTYPE, "a.py"), b""),
        (member("b.py"), EVIL),
        must=RUN,
    ),
    "device in a zip": special("zero.py", 0o020666),
    "pipe in a zip": special("pipe.py", 0o010644),
    "character device": bad_tar("a device", (member("zero.py", tarfile.CHRTYPE), b"")),
    "block device": bad_tar("a device", (member("disk.py", tarfile.BLKTYPE), b"")),
    "pipe": bad_tar("a pipe", (member("pipe.py", tarfile.FIFOTYPE), b"")),
    "zip bomb": Bad("larger than 100 MB", lambda: [zipped(("zeros.bin", BLOCK * 30))]),
    "zip bomb of many files": Bad(
        "add up to more than 300 MB", lambda: [zipped(*((f"{n}.bin", BLOCK * 8) for n in range(5)))]
    ),
    "zip bomb of overlapping files": Bad("left out: damaged", overlapping),
    "tar.gz bomb": Bad("unpacks to more than", lambda: [gzip.compress(BLOCK)] * 100, ".tar.gz"),
    "tar.bz2 bomb": Bad("unpacks to more than", lambda: [bz2.compress(BLOCK)] * 100, ".tar.bz2"),
    "tar.xz bomb": Bad(
        "unpacks to more than", lambda: [lzma.compress(BLOCK * 40, preset=0)], ".tar.xz"
    ),
    "size below the truth": Bad("damaged", lambda: patched((22, 24), struct.pack("<I", 10))),
    "size above the truth": Bad(
        "larger than 100 MB", lambda: patched((22, 24), struct.pack("<I", 2**31))
    ),
    "packed size below the truth": Bad("damaged", lambda: patched((18, 20), struct.pack("<I", 3))),
    "wrong checksum": Bad("damaged", lambda: patched((14, 16), b"crc!")),
    "encrypted": Bad("without a password", lambda: patched((6, 8), b"\x01\x00")),
    "unusual method": Bad(
        "unusual compression method", lambda: patched((8, 10), struct.pack("<H", 14))
    ),
    "pax header that lies about the size": bad_tar(
        "larger than", (with_pax("hw2.py", size=str(2**40)), b"x")
    ),
    "pax header with a negative size": bad_tar(
        "twice", (with_pax("hw2.py", size="-512"), b"x"), must=RUN
    ),
    "pax header of a sparse tebibyte": bad_tar(
        "a link, a pipe or a device",
        (
            with_pax(
                "hw2.py",
                **{
                    "GNU.sparse.major": "0",
                    "GNU.sparse.minor": "1",
                    "GNU.sparse.size": str(2**40),
                    "GNU.sparse.name": "hw2.py",
                    "GNU.sparse.map": f"{2**40 - 1},1",
                },
            ),
            b"x",
        ),
    ),
    "pax header of gigabytes": Bad(
        "too long", lambda: [tar_header(tarfile.XHDTYPE, 2**33)], ".tar", REFUSED
    ),
    "pax headers for all, many": Bad("too long", global_headers_for_every_file, ".tar", REFUSED),
    "map of a sparse file without end": Bad(
        "too long", map_of_a_sparse_file_without_end, ".tar.gz", REFUSED
    ),
    "hundred thousand files": Bad("more than 5,000 files", hundred_thousand_files),
    "names that differ in case": bad_zip("", ("Net.py", b"1"), ("net.py", EVIL), must=RUN),
    "names that differ in Unicode's spelling": bad_zip(
        "", ("caf\u00e9.py", b"1"), ("cafe\u0301.py", EVIL), must=RUN
    ),
    "name twice": bad_tar("twice", (member("hw2.py"), b"1"), (member("hw2.py"), EVIL), must=RUN),
    "file as folder": bad_tar(
        "is called 'net_2'", (member("net"), b"1"), (member("net/a.py"), EVIL), must=RUN
    ),
    "folder as file": bad_zip(
        "is called 'net_2'", ("net/a.py", b"1"), ("net", EVIL), must=RUN
    ),
    "name with a newline": bad_zip("is called 'hw2_.py'", ("hw2\n.py", EVIL), must=RUN),
    "name with an escape sequence": bad_tar(
        "is called '_]0;owned_.py'", (member("\x1b]0;owned\x07.py"), EVIL), must=RUN
    ),
    "name that reads backwards": bad_zip("is called 'yp.2wh'", ("\u202eyp.2wh", EVIL)),
    "name with a NUL": bad_zip("is called", ("hw2.py\0.txt", EVIL)),
    "name that is no UTF-8": bad_tar("is called", (member("\udcff.py"), EVIL), must=RUN),
    "name of 300 bytes": bad_zip("is called", ("n" * 297 + ".py", EVIL), must=RUN),
    "name of 60,000 bytes": bad_tar("is called", (member("n" * 60_000), EVIL)),
    "folders a thousand deep": bad_zip(
        "is called 'hw2.py'", ("d/" * 1_000 + "hw2.py", EVIL), must=RUN
    ),
    "file of 300 MB, packed": Bad(
        "larger than 100 MB",
        lambda: [gzip.compress(tarred((member("hw2.py"), BLOCK * 30)), 1)],
        ".tgz",
    ),
    "truncated zip": Bad("damaged", lambda: [zipped(("hw2.py", HONEST_CODE))[:-60]]),
    "truncated tar": Bad(
        "damaged", lambda: [tarred((member("hw2.py"), HONEST_CODE))[:1_000]], ".tar"
    ),
    "truncated tar.gz": Bad(
        "damaged", lambda: [gzip.compress(os.urandom(9_000))[:5_000]], ".tar.gz"
    ),
    "zip with data before it": Bad("damaged", lambda: [b"#!/bin/sh\n", zipped(("hw2.py", EVIL))]),
    "no archive at all": Bad("damaged", lambda: [b"<html>Log in to download</html>"]),
    "empty file": Bad("damaged", list),
    "rar": Bad("RAR and 7z", lambda: [b"Rar!\x1a\x07\x01\x00" + bytes(99)], ".rar"),
    "7z": Bad("RAR and 7z", lambda: [b"7z\xbc\xaf\x27\x1c\x00\x04" + bytes(99)], ".7z"),
    "rar that is called zip": Bad("RAR and 7z", lambda: [b"Rar!\x1a\x07\x01\x00" + bytes(99)]),
}

# What looks alike and is an honest hand-in: nothing is taken for it.
HARMLESS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "archive beside the code": (
        ".zip", lambda: zipped(("hw2.py", HONEST_CODE), ("more.zip", zipped(("hw2.py", EVIL))))
    ),
    "zip bomb beside the code, which stays packed": (
        ".zip", lambda: zipped(("hw2.py", HONEST_CODE), ("42.zip", zipped(("0", BLOCK * 30))))
    ),
    "data after the zip": (".zip", lambda: zipped(("hw2.py", HONEST_CODE)) + b"appended\n"),
    "tar.gz that is called zip": (
        ".zip", lambda: gzip.compress(tarred((member("hw2.py"), HONEST_CODE)))
    ),
    "what git archive writes": (
        ".tar", lambda: tar_header(tarfile.XGLTYPE, 52) + b"52 comment=%s\n" % (b"0" * 40)
        + bytes(460) + tarred((member("hw2/hw2.py"), HONEST_CODE))
    ),
    "thousands of files that a tool left": (
        ".zip", lambda: zipped(
            ("hw2.py", HONEST_CODE), *((f".git/objects/{n:04x}", b"x") for n in range(6_000))
        )
    ),
}  # fmt: skip
