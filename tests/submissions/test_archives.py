"""Evil archives are built here by hand: what does harm does not land, and what is honest does."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import struct
import tarfile
import time
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from grader.submissions.collect import unpack
from grader.submissions.safe_writer import Caps, SafeWriter
from grader.submissions.stored_names import stored_name

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


def unpacked(tmp_path: Path, archive: bytes, caps: Caps = SMALL) -> tuple[dict[str, bytes], str]:
    """What landed, and the notes; fails if anything lands anywhere else."""
    box = tmp_path / "box"
    box.mkdir(parents=True)
    (box / "hw.zip").write_bytes(archive)
    writer = SafeWriter(box / "in" / "here", caps)
    unpack(box / "hw.zip", writer)
    for path in tmp_path.rglob("*"):
        assert path.is_relative_to(writer.target) or writer.target.is_relative_to(path) or (
            path.name == "hw.zip"
        ), path
        assert not path.is_symlink() and (path.is_file() or path.is_dir())
    notes = " ".join(writer.left_out.lines())
    assert notes.isprintable()
    return landed(writer.target), notes


def left_out(tmp_path: Path, archive: bytes, caps: Caps = SMALL) -> str:
    """The notes on an archive of which nothing lands, but perhaps an honest `ok.py`."""
    files, notes = unpacked(tmp_path, archive, caps)
    assert set(files) <= {"ok.py"}
    return notes


def refused(tmp_path: Path, archive: bytes, caps: Caps = SMALL) -> str:
    """The reason why an archive was refused as a whole."""
    (tmp_path / "hw.zip").write_bytes(archive)
    writer = SafeWriter(tmp_path / "here", caps)
    unpack(tmp_path / "hw.zip", writer)
    assert landed(writer.target) == {}
    assert writer.left_out.refused
    return writer.left_out.refused


@pytest.mark.parametrize("compress", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_an_honest_tar_arrives_whole(tmp_path: Path, compress: Callable[[bytes], bytes]) -> None:
    files = ((member("./hw/a.py"), b"a = 1\n"), (member("hw/data/x.bin"), bytes(range(256))))
    assert unpacked(tmp_path, compress(tarred(*files))) == (
        {"hw/a.py": b"a = 1\n", "hw/data/x.bin": bytes(range(256))}, "",
    )


def test_an_honest_zip_arrives_without_what_the_system_left_in_it(tmp_path: Path) -> None:
    archive = zipped(
        ("hw/Lösung.py", b"x"),
        ("hw/inner.zip", zipped(("deep.py", b"y"))),
        ("hw/empty/", b""),
        ("__MACOSX/hw/._a.py", b"junk"),
        ("hw/.DS_Store", b"junk"),
        ("hw/__pycache__/a.pyc", b"junk"),
        ("hw/.git/config", b"junk"),
        ("hw/.ipynb_checkpoints/a.ipynb", b"junk"),
    )
    files, notes = unpacked(tmp_path, archive)
    assert set(files) == {"hw/Lösung.py", "hw/inner.zip"} and notes == ""
    assert (tmp_path / "box/in/here/hw/empty").is_dir()


OUT = ("../evil.py", "a/../../evil.py", "a/\u200e../../evil.py")
# Between folders, as some programs on Windows write them in a zip; in a tar nobody does.
BACKSLASHES = ("..\\..\\evil.py", "a\\..\\..\\evil.py", "a/..\\evil.py")


@pytest.mark.parametrize("name", OUT + BACKSLASHES)
def test_a_name_that_leads_out_is_left_out_and_the_rest_lands(tmp_path: Path, name: str) -> None:
    files, notes = unpacked(tmp_path / "zip", zipped(("ok.py", b""), (named(name), b"evil")))
    assert set(files) == {"ok.py"} and "leads out" in notes
    if name in OUT:
        archive = tarred((member("ok.py"), b""), (member(name), b"evil"))
        files, notes = unpacked(tmp_path / "tar", archive)
        assert set(files) == {"ok.py"} and "leads out" in notes


STORED = {
    "/home/ada/hw2.py": "home/ada/hw2.py",
    "C:/Users/ada/hw2.py": "Users/ada/hw2.py",
    "hw2\n.py": "hw2_.py",
    "\u202eyp.live": "yp.live",
    "so\u00adft\u200f.py": "soft.py",
    "\ufeffhw2.py": "hw2.py",
    "a/b/c/d/e/f.py": "f.py",
    "x" * 61 + ".py": "x" * 20 + ".py",
    "HW2.PY": "HW2.py",
    "plots/\U0001f469\u200d\U0001f4bb.png": "plots/\U0001f469\u200d\U0001f4bb.png",
    "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645.py": "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645.py",
}


@pytest.mark.parametrize("name", STORED)
def test_an_odd_name_costs_nothing_and_is_told(tmp_path: Path, name: str) -> None:
    for pack in (lambda: zipped((named(name), b"x")), lambda: tarred((member(name), b"x"))):
        files, notes = unpacked(tmp_path / str(len(list(tmp_path.iterdir()))), pack())
        assert files == {STORED[name]: b"x"}
        assert ("is called" in notes) == (name != STORED[name])


@pytest.mark.parametrize(
    "raw", [b"caf\xe9.png", b"caf\x82.png", "表.png".encode("shift-jis"), "é表.png".encode()]
)
@pytest.mark.parametrize("flag", [0, 0x800])   # "the name is in UTF-8"
def test_a_name_in_any_encoding_costs_nothing(tmp_path: Path, raw: bytes, flag: int) -> None:
    archive = zipped(("hw2.py", b"x"), ("a" * len(raw), b"picture"))
    archive = archive.replace(b"a" * len(raw), raw)
    for signature, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = archive.rindex(signature) + at
        archive = archive[:start] + struct.pack("<H", flag) + archive[start + 2 :]
    files, notes = unpacked(tmp_path, archive)
    assert files.pop("hw2.py") == b"x"
    (found,) = files
    assert files[found] == b"picture" and "left out" not in notes
    assert found == "é表.png" or raw.decode("utf-8", "replace") != "é表.png"


def test_a_name_in_a_tar_that_is_not_utf_8_costs_nothing(tmp_path: Path) -> None:
    archive = tarred((member("hw2.py"), b"x"), (member("caf\udce9.png"), b"picture"))
    assert set(unpacked(tmp_path, archive)[0]) == {"hw2.py", "café.png"}


def test_a_zip_with_backslashes_in_its_names_unpacks_into_folders(tmp_path: Path) -> None:
    archive = zipped(
        (named("hw2\\"), b""),
        (named("hw2\\train.py"), b"x"),
        (named("hw2\\models\\resnet.py"), b"y"),
        (named("hw2\\empty\\"), b""),
        (named("hw2/mixed\\a.py"), b"z"),
        (named("__MACOSX\\hw2\\._train.py"), b"junk"),
        (named("hw2\\__pycache__\\train.pyc"), b"junk"),
    )
    files, _ = unpacked(tmp_path, archive)
    assert files == {"hw2/train.py": b"x", "hw2/models/resnet.py": b"y", "hw2/mixed/a.py": b"z"}
    assert (tmp_path / "box/in/here/hw2/empty").is_dir()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Model.py", "model.py"),
        ("Code/a.py", "code/b.py"),
        ("caf\u00e9.py", "cafe\u0301.py"),
        ("\ufb01le.py", "file.py"),
    ],
)
def test_two_names_that_are_alike_are_two_files(tmp_path: Path, first: str, second: str) -> None:
    files, _ = unpacked(tmp_path, tarred((member(first), b"1"), (member(second), b"2")))
    assert sorted(files.values()) == [b"1", b"2"]


def test_two_names_that_become_one_are_two_files(tmp_path: Path) -> None:
    archive = zipped(("hw2.py", b"1"), ("hw2.py.txt", b"2"), ("hw\u200b2.py", b"3"))
    files, _ = unpacked(tmp_path, archive)
    assert files == {"hw2.py": b"1", "hw2_2.py": b"2", "hw2_3.py": b"3"}


def test_of_one_name_the_last_file_counts(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        archive = zipped(("a.py", b"old"), ("a.py", b"new"))
    files, notes = unpacked(tmp_path, archive)
    assert files == {"a.py": b"new"} and "twice" in notes


def test_a_name_that_is_a_file_and_a_folder_keeps_the_code(tmp_path: Path) -> None:
    for number, order in enumerate(((0, 1), (1, 0))):
        pair = [(member("a"), b"1"), (member("a/b.py"), b"2")]
        files, _ = unpacked(tmp_path / str(number), tarred(*(pair[one] for one in order)))
        assert files["a/b.py"] == b"2"


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE]
)
def test_links_devices_and_pipes_are_left_out_of_a_tar(tmp_path: Path, kind: bytes) -> None:
    evil = member("evil.py", kind, link="../../../etc/passwd")
    assert "a link, a pipe" in left_out(tmp_path, tarred((member("ok.py"), b"1"), (evil, b"")))


def test_nothing_is_written_through_a_symlink(tmp_path: Path) -> None:
    link = member("out", tarfile.SYMTYPE, link=str(tmp_path))
    archive = tarred((link, b""), (member("out/evil.py"), b"evil"))
    files, notes = unpacked(tmp_path, archive)
    assert set(files) == {"out/evil.py"} and "a link" in notes


@pytest.mark.parametrize("mode", [0o120777, 0o020666, 0o010644])
def test_links_devices_and_pipes_are_left_out_of_a_zip(tmp_path: Path, mode: int) -> None:
    info = zipfile.ZipInfo("evil.py")
    info.create_system, info.external_attr = 3, mode << 16
    assert "a link, a pipe" in left_out(tmp_path, zipped((info, b"/etc/passwd"), ("ok.py", b"")))


def patched(archive: bytes, local: int, central: int, value: bytes) -> bytes:
    """Return one field of the only member, from its local header and from the directory."""
    data = bytearray(archive)
    for signature, offset in ((b"PK\x03\x04", local), (b"PK\x01\x02", central)):
        start = data.index(signature) + offset
        data[start : start + len(value)] = value
    return bytes(data)


def test_an_encrypted_file_is_left_out(tmp_path: Path) -> None:
    assert "password" in left_out(tmp_path, patched(zipped(("a.py", b"x")), 6, 8, b"\x01\x00"))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_file_whose_blocks_unpack_at_once_is_left_out(tmp_path: Path, method: int) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.writestr("a.py", bytes(9_000))
    assert "unusual compression method" in left_out(tmp_path, buffer.getvalue())


@pytest.mark.parametrize("claimed", [10, 9_999])
def test_a_file_that_lies_about_its_size_is_left_out(tmp_path: Path, claimed: int) -> None:
    assert left_out(tmp_path, patched(zipped(("a.py", b"x" * 500)), 22, 24, struct.pack("<I", claimed)))


def test_a_file_whose_checksum_is_wrong_is_left_out(tmp_path: Path) -> None:
    assert "damaged" in left_out(tmp_path, patched(zipped(("a.py", b"x" * 50)), 14, 16, b"crc!"))


def test_a_zip_bomb_is_stopped_while_it_unpacks(tmp_path: Path) -> None:
    assert "larger than" in left_out(tmp_path, zipped(("zeros.bin", bytes(5_000_000))))


def test_many_files_below_the_cap_are_stopped_by_their_sum(tmp_path: Path) -> None:
    files, notes = unpacked(tmp_path, zipped(*[(f"{n}.bin", bytes(9_000)) for n in range(3)]))
    assert len(files) == 2 and "add up to more" in notes


def test_a_data_set_is_left_out_and_the_code_is_not(tmp_path: Path) -> None:
    files = [(f"{n}.bin", bytes(9_000)) for n in range(3)]
    kept, notes = unpacked(tmp_path, zipped(*files, ("set.npz", bytes(10_001)), ("z/hw2.py", b"x")))
    assert kept["z/hw2.py"] == b"x" and "'set.npz' was left out: larger than 10,000 bytes" in notes


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_a_compressed_tar_bomb_is_stopped(
    tmp_path: Path, compress: Callable[[bytes], bytes]
) -> None:
    archive = compress(tarred((member("zeros.bin"), bytes(5_000_000))))
    assert "larger than" in left_out(tmp_path, archive)


def test_a_stream_that_never_becomes_a_tar_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grader.submissions.archives.TAR_OVERHEAD", 0)
    assert "unpacks to more than" in left_out(tmp_path, gzip.compress(bytes(1_000_000)))


def test_of_too_many_files_the_code_lands(tmp_path: Path) -> None:
    many = [(f"data/{n}.png", b"") for n in range(30)]
    files, notes = unpacked(tmp_path, zipped(*many, ("zoe/hw2.py", b"")))
    assert "zoe/hw2.py" in files and len(files) == 18 and "more than 20 files" in notes


def test_of_too_many_folders_some_are_left_out(tmp_path: Path) -> None:
    assert "more than 20" in left_out(tmp_path, zipped(*[(f"{n}/", b"") for n in range(21)]))


def test_an_archive_larger_than_everything_it_may_hold_is_not_opened(tmp_path: Path) -> None:
    assert "archive is larger" in left_out(tmp_path, bytes(20_001))


def test_a_sparse_file_of_a_tebibyte_is_left_out(tmp_path: Path) -> None:
    info = member("huge.bin")
    info.pax_headers = {
        "GNU.sparse.major": "0",
        "GNU.sparse.minor": "1",
        "GNU.sparse.name": "huge.bin",
        "GNU.sparse.size": str(2**40),
        "GNU.sparse.map": f"{2**40 - 1},1",
    }
    assert "a link, a pipe" in left_out(tmp_path, tarred((info, b"x")))


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


def test_of_clutter_in_a_tar_nothing_is_remembered(tmp_path: Path) -> None:
    """Two hundred megabytes else, of which each file's own copy of these headers is the most."""
    records = b"".join(b"10 %05x=\n" % number for number in range(100))
    many = (member(f".git/{number}").tobuf() for number in range(15_000))
    archive = tmp_path / "hw.tar"
    archive.write_bytes(pax_header(tarfile.XGLTYPE, records) + b"".join(many) + bytes(1024))
    tracemalloc.start()
    assert unpack(archive, SafeWriter(tmp_path / "out", Caps()))
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
    assert left_out(tmp_path, bytes(data))


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
def test_what_is_no_archive_is_told(tmp_path: Path, data: bytes, word: str) -> None:
    assert word in left_out(tmp_path, data)


def test_what_a_mac_and_an_environment_leave_in_a_zip_is_left_out(tmp_path: Path) -> None:
    archive = zipped(
        ("hw2/hw2.py", b"x = 1"),
        ("hw2/Icon\r", b""),
        ("hw2/env/lib/python3.11/site-packages/library.py", b"import ctypes"),
        ("hw2/mine/pyvenv.cfg", b""),
        ("hw2/mine/Scripts/activate_this.py", b"import os"),
    )
    files, notes = unpacked(tmp_path, archive, Caps())
    assert set(files) == {"hw2/hw2.py"} and notes == ""


@pytest.mark.parametrize("compress", [bytes, gzip.compress, lzma.compress])
def test_a_damaged_tar_keeps_what_comes_before(
    tmp_path: Path, compress: Callable[[bytes], bytes]
) -> None:
    noise = random.Random(0).randbytes(300_000)
    archive = compress(tarred((member("ok.py"), b"1"), (member("noise.py"), noise)))
    caps = Caps(total_bytes=10**6)
    files, notes = unpacked(tmp_path / "cut", archive[: len(archive) // 3 * 2], caps)
    assert files == {"ok.py": b"1"} and "'noise.py' was left out: damaged" in notes


def test_a_damaged_member_of_a_zip_costs_nothing_else(tmp_path: Path) -> None:
    archive = zipped(("ok.py", b"1"), ("noise.png", random.Random(0).randbytes(300)))
    at = archive.index(b"noise.png") + 100
    assert "'noise.png' was left out: damaged" in left_out(
        tmp_path, archive[:at] + bytes(10) + archive[at + 10 :]
    )


def test_names_of_devices_on_windows_are_changed_there() -> None:
    names = {"aux.py": "_aux.py", "con": "_con", "a:b?.png": "a_b_.png", "lpt1.txt": "_lpt1.txt",
             "hw2. ": "hw2", "auxiliary.py": "auxiliary.py"}
    for name, stored in names.items():
        assert stored_name(name, 240, 16, windows=True) == (stored,)
        assert stored_name(name, 240, 16, windows=False) == (name,)
