"""Evil archives are built here by hand; each is refused with its reason, and nothing lands."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import time
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from grader.errors import RefusedArchive
from grader.submissions.archives import unpack
from grader.submissions.safe_writer import Caps

SMALL = Caps(total_bytes=20_000, file_bytes=10_000, entries=20, path_length=60, depth=4)


def zipped(*files: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files:
            archive.writestr(name, data)
    return buffer.getvalue()


def named(name: str) -> zipfile.ZipInfo:
    """A member of that very name: the library would make a slash of a backslash on Windows."""
    info = zipfile.ZipInfo("placeholder")
    info.filename = info.orig_filename = name
    return info


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


def tarred(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for info, data in members:
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def landed(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def refused(tmp_path: Path, archive: bytes, caps: Caps = SMALL) -> str:
    """The reason; fails if the archive is accepted or if anything is left of it anywhere."""
    box = tmp_path / "box"
    box.mkdir(parents=True)
    source = box / "hw.zip"
    source.write_bytes(archive)
    with pytest.raises(RefusedArchive) as error:
        unpack(source, box / "in" / "here", caps)
    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")}
    assert left <= {"box", "box/hw.zip", "box/in"}
    return str(error.value)


@pytest.mark.parametrize("compress", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_an_honest_tar_arrives_whole(tmp_path: Path, compress: Callable[[bytes], bytes]) -> None:
    archive = tmp_path / "hw.bin"
    files = ((member("./hw/a.py"), b"a = 1\n"), (member("hw/data/x.bin"), bytes(range(256))))
    archive.write_bytes(compress(tarred(*files)))
    unpack(archive, tmp_path / "out")
    assert landed(tmp_path / "out") == {"hw/a.py": b"a = 1\n", "hw/data/x.bin": bytes(range(256))}


def test_an_honest_zip_arrives_without_what_the_system_left_in_it(tmp_path: Path) -> None:
    archive = tmp_path / "hw.zip"
    archive.write_bytes(
        zipped(
            ("hw/Lösung.py", b"x"),
            ("hw/inner.zip", zipped(("deep.py", b"y"))),
            ("hw/empty/", b""),
            ("__MACOSX/hw/._a.py", b"junk"),
            ("hw/.DS_Store", b"junk"),
            ("hw/__pycache__/a.pyc", b"junk"),
            ("hw/.git/config", b"junk"),
            ("hw/.ipynb_checkpoints/a.ipynb", b"junk"),
        )
    )
    unpack(archive, tmp_path / "out")
    assert set(landed(tmp_path / "out")) == {"hw/Lösung.py", "hw/inner.zip"}
    assert (tmp_path / "out/hw/empty").is_dir()


BAD_NAMES = {
    "../evil.py": "'..'",
    "a/../../evil.py": "'..'",
    "/etc/evil.py": "absolute",
    "C:evil.py": "absolute",
    "c:/evil.py": "absolute",
    "evil\n.py": "control",
    "evil\x1b[2J.py": "control",
    "\u202eyp.live": "invisible",
    "a/b/c/d/e/f.py": "too deep",
    "x" * 61: "too long",
}


# Between folders, as some programs on Windows write them in a zip; in a tar nobody does.
BACKSLASHES = {
    "..\\..\\evil.py": "'..'",
    "a\\..\\..\\evil.py": "'..'",
    "a/..\\evil.py": "'..'",
    "\\etc\\evil.py": "absolute",
    "\\\\server\\share\\evil.py": "absolute",
    "C:\\evil.py": "absolute",
    "a\\b\\c\\d\\e\\f.py": "too deep",
}


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_name_that_is_not_safe_is_refused_in_a_zip(tmp_path: Path, name: str) -> None:
    reason = refused(tmp_path, zipped(("ok.py", b""), (named(name), b"evil")))
    assert BAD_NAMES[name] in reason
    assert reason.isprintable()


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_name_that_is_not_safe_is_refused_in_a_tar(tmp_path: Path, name: str) -> None:
    reason = refused(tmp_path, tarred((member("ok.py"), b""), (member(name), b"evil")))
    assert BAD_NAMES[name] in reason


@pytest.mark.parametrize("name", BACKSLASHES)
def test_backslashes_lead_nowhere_that_slashes_do_not(tmp_path: Path, name: str) -> None:
    reason = refused(tmp_path / "zip", zipped(("ok.py", b""), (named(name), b"evil")))
    assert BACKSLASHES[name] in reason
    reason = refused(tmp_path / "tar", tarred((member("ok.py"), b""), (member(name), b"evil")))
    assert "backslash" in reason


def test_a_zip_with_backslashes_in_its_names_unpacks_into_folders(tmp_path: Path) -> None:
    archive = tmp_path / "hw.zip"
    archive.write_bytes(
        zipped(
            (named("hw2\\"), b""),
            (named("hw2\\train.py"), b"x"),
            (named("hw2\\models\\resnet.py"), b"y"),
            (named("hw2\\empty\\"), b""),
            (named("hw2/mixed\\a.py"), b"z"),
            (named("__MACOSX\\hw2\\._train.py"), b"junk"),
            (named("hw2\\__pycache__\\train.pyc"), b"junk"),
        )
    )
    unpack(archive, tmp_path / "out")
    assert landed(tmp_path / "out") == {
        "hw2/train.py": b"x", "hw2/models/resnet.py": b"y", "hw2/mixed/a.py": b"z",
    }
    assert (tmp_path / "out/hw2/empty").is_dir()


@pytest.mark.parametrize("other", ["hw2/train.py", "HW2\\train.py"])
def test_names_that_collide_by_their_backslashes_are_refused(tmp_path: Path, other: str) -> None:
    archive = zipped((named("hw2\\train.py"), b"1"), (named(other), b"2"))
    assert refused(tmp_path, archive)


@pytest.mark.parametrize(
    ("first", "second", "word"),
    [
        ("Model.py", "model.py", "same name"),
        ("Code/a.py", "code/b.py", "same name"),
        ("caf\u00e9.py", "cafe\u0301.py", "same name"),
        ("\ufb01le.py", "file.py", "same name"),
        ("a.py", "a.py", "twice"),
        ("a", "a/b.py", "both a file and a folder"),
        ("a/b.py", "a", "both a file and a folder"),
    ],
)
def test_names_that_collide_are_refused(tmp_path: Path, first: str, second: str, word: str) -> None:
    assert word in refused(tmp_path, tarred((member(first), b"1"), (member(second), b"2")))


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE]
)
def test_links_devices_and_pipes_are_refused_in_a_tar(tmp_path: Path, kind: bytes) -> None:
    evil = member("evil.py", kind, link="../../../etc/passwd")
    assert "regular files only" in refused(tmp_path, tarred((member("ok.py"), b"1"), (evil, b"")))


def test_writing_through_a_symlink_is_refused(tmp_path: Path) -> None:
    link = member("out", tarfile.SYMTYPE, link=str(tmp_path))
    archive = tarred((link, b""), (member("out/evil.py"), b"evil"))
    assert "a link" in refused(tmp_path, archive)


@pytest.mark.parametrize("mode", [0o120777, 0o020666, 0o010644])
def test_links_devices_and_pipes_are_refused_in_a_zip(tmp_path: Path, mode: int) -> None:
    info = zipfile.ZipInfo("evil.py")
    info.create_system, info.external_attr = 3, mode << 16
    assert "regular files only" in refused(tmp_path, zipped((info, b"/etc/passwd")))


def patched(archive: bytes, local: int, central: int, value: bytes) -> bytes:
    """Return one field of the only member, from its local header and from the directory."""
    data = bytearray(archive)
    for signature, offset in ((b"PK\x03\x04", local), (b"PK\x01\x02", central)):
        start = data.index(signature) + offset
        data[start : start + len(value)] = value
    return bytes(data)


def test_an_encrypted_zip_is_refused(tmp_path: Path) -> None:
    assert "password" in refused(tmp_path, patched(zipped(("a.py", b"x")), 6, 8, b"\x01\x00"))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_whose_blocks_unpack_at_once_is_refused(tmp_path: Path, method: int) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.writestr("a.py", bytes(9_000))
    assert "unusual compression method" in refused(tmp_path, buffer.getvalue())


@pytest.mark.parametrize("claimed", [10, 9_999])
def test_a_zip_that_lies_about_a_size_is_refused(tmp_path: Path, claimed: int) -> None:
    refused(tmp_path, patched(zipped(("a.py", b"x" * 500)), 22, 24, struct.pack("<I", claimed)))


def test_a_zip_whose_checksum_is_wrong_is_refused(tmp_path: Path) -> None:
    assert "damaged" in refused(tmp_path, patched(zipped(("a.py", b"x" * 50)), 14, 16, b"crc!"))


def test_a_zip_bomb_is_stopped_while_it_unpacks(tmp_path: Path) -> None:
    assert "larger than" in refused(tmp_path, zipped(("zeros.bin", bytes(5_000_000))))


def test_many_files_below_the_cap_are_stopped_by_their_sum(tmp_path: Path) -> None:
    files = [(f"{n}.bin", bytes(9_000)) for n in range(3)]
    assert "add up to more" in refused(tmp_path, zipped(*files))


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_a_compressed_tar_bomb_is_stopped(
    tmp_path: Path, compress: Callable[[bytes], bytes]
) -> None:
    archive = compress(tarred((member("zeros.bin"), bytes(5_000_000))))
    assert "larger than" in refused(tmp_path, archive)


def test_a_stream_that_never_becomes_a_tar_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grader.submissions.archives.TAR_OVERHEAD", 0)
    assert "unpacks to more than" in refused(tmp_path, gzip.compress(bytes(1_000_000)))


def test_too_many_files_are_refused(tmp_path: Path) -> None:
    assert "more than 20" in refused(tmp_path, zipped(*[(f"{n}.py", b"") for n in range(21)]))


def test_too_many_folders_are_refused(tmp_path: Path) -> None:
    assert "more than 20" in refused(tmp_path, zipped(*[(f"{n}/", b"") for n in range(21)]))


def test_clutter_without_end_is_refused(tmp_path: Path) -> None:
    assert "lists more than 80" in refused(
        tmp_path, zipped(*[(f".git/{n}", b"") for n in range(81)])
    )


def test_an_archive_larger_than_everything_it_may_hold_is_refused(tmp_path: Path) -> None:
    assert "archive is larger" in refused(tmp_path, bytes(20_001))


def test_a_sparse_file_of_a_tebibyte_is_refused(tmp_path: Path) -> None:
    info = member("huge.bin")
    info.pax_headers = {
        "GNU.sparse.major": "0",
        "GNU.sparse.minor": "1",
        "GNU.sparse.name": "huge.bin",
        "GNU.sparse.size": str(2**40),
        "GNU.sparse.map": f"{2**40 - 1},1",
    }
    assert "sparse" in refused(tmp_path, tarred((info, b"x")))


def test_a_header_that_claims_gigabytes_is_not_read_into_memory(tmp_path: Path) -> None:
    header = bytearray(tarred((member("x", tarfile.XHDTYPE), b"")))
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.XHDTYPE, 2**33
    header[:512] = info.tobuf(tarfile.GNU_FORMAT)[:512]
    assert "headers are too long" in refused(tmp_path, bytes(header))


@pytest.mark.parametrize("record", [b"1", b"3 "])
def test_headers_made_to_be_slow_are_refused_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, record: bytes
) -> None:
    monkeypatch.setattr("grader.submissions.bounded_reader.BoundedHeaders._effort", 1_000_000_000)
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.XHDTYPE, 16_384
    header = info.tobuf(tarfile.GNU_FORMAT)[:512] + (record * 16_384)[: info.size]
    start = time.monotonic()
    reason = refused(tmp_path, header * 20 + tarred((member("a.py"), b"")), Caps())
    assert "headers are too long" in reason
    assert time.monotonic() - start < 5


def pax_header(kind: bytes, records: bytes) -> bytes:
    info = tarfile.TarInfo("x")
    info.type, info.size = kind, len(records)
    return info.tobuf(tarfile.GNU_FORMAT)[:512] + records + bytes(-len(records) % 512)


def test_headers_for_all_files_are_few(tmp_path: Path) -> None:
    """The parser copies all headers so far for every file: gigabytes from a small archive."""
    records = b"".join(b"10 %05x=\n" % number for number in range(101))
    archive = pax_header(tarfile.XGLTYPE, records) + tarred((member("a.py"), b""))
    assert "headers are too long" in refused(tmp_path, archive)


def test_of_many_files_in_a_tar_none_is_remembered(tmp_path: Path) -> None:
    """Two hundred megabytes else, of which each file's own copy of these headers is the most."""
    records = b"".join(b"10 %05x=\n" % number for number in range(100))
    many = (member(f".git/{number}").tobuf() for number in range(15_000))
    archive = tmp_path / "hw.tar"
    archive.write_bytes(pax_header(tarfile.XGLTYPE, records) + b"".join(many) + bytes(1024))
    tracemalloc.start()
    unpack(archive, tmp_path / "out")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000


def test_the_map_of_a_sparse_file_is_short(tmp_path: Path) -> None:
    """The parser keeps all of it, long before anybody can say that no sparse file is wanted."""
    info = member("a.py")
    info.size = 0
    info.pax_headers = {
        "GNU.sparse.major": "1",
        "GNU.sparse.minor": "0",
        "GNU.sparse.name": "a.py",
        "GNU.sparse.realsize": "5",
    }
    archive = info.tobuf(tarfile.PAX_FORMAT) + b"9999999\n" + b"1\n" * 200_000
    reason = refused(tmp_path, archive, Caps(total_bytes=10**6))
    assert "headers are too long" in reason


def test_one_file_has_no_endless_headers(tmp_path: Path) -> None:
    archive = pax_header(tarfile.XHDTYPE, b"9 a=abcd\n") * 250 + tarred((member("a.py"), b""))
    assert refused(tmp_path, archive, Caps(total_bytes=10**6)) == (
        "its headers are too long; pack it again, as .zip"
    )


def test_a_header_that_points_back_at_itself_does_not_loop(tmp_path: Path) -> None:
    info = member("a.py")
    data = bytearray(tarred((info, b"x" * 10)))
    # A negative size in base 256, with the checksum made right.
    data[124:136] = b"\xff" * 10 + (-1024 & 0xFFFF).to_bytes(2, "big")
    data[148:156] = b" " * 8
    data[148:156] = b"%06o\0 " % sum(data[:512])
    refused(tmp_path, bytes(data))


def test_a_thousand_nested_long_names_are_refused(tmp_path: Path) -> None:
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 0
    assert refused(tmp_path, info.tobuf(tarfile.GNU_FORMAT)[:512] * 3_000, Caps())


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"Rar!\x1a\x07\x01\x00", "RAR"),
        (b"7z\xbc\xaf\x27\x1c\x00\x04", "RAR and 7z"),
        (b"print('not an archive')\n", "damaged"),
        (b"", "damaged"),
        (gzip.compress(b"not a tar", mtime=0), "damaged"),
        (lzma.compress(bytes(5_000))[:60], "damaged"),
        (b"PK\x03\x04" + bytes(100), "damaged"),
    ],
)
def test_what_is_no_archive_is_refused(tmp_path: Path, data: bytes, word: str) -> None:
    assert word in refused(tmp_path, data)


def test_a_target_that_is_not_empty_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "hw.zip").write_bytes(zipped(("a.py", b"")))
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine.py").write_text("keep")
    with pytest.raises(FileExistsError):
        unpack(tmp_path / "hw.zip", tmp_path / "out")
    assert landed(tmp_path / "out") == {"mine.py": b"keep"}


def test_what_a_mac_and_an_environment_leave_in_a_zip_is_left_out(tmp_path: Path) -> None:
    archive = tmp_path / "hw2.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("hw2/hw2.py", "x = 1")
        file.writestr("hw2/Icon\r", "")
        file.writestr("hw2/env/lib/python3.11/site-packages/library.py", "import ctypes")
    unpack(archive, tmp_path / "out", Caps())
    assert [path.name for path in (tmp_path / "out").rglob("*.py")] == ["hw2.py"]
