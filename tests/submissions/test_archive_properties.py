"""Whatever is thrown at the unpacker and the reader of notebooks: it is taken, or left out by name.

Nothing lands outside the target, no more than the caps allow is ever written, and memory stays
below what is said here.
"""

from __future__ import annotations

import bz2
import dataclasses
import gzip
import io
import json
import lzma
import stat
import tarfile
import tempfile
import tracemalloc
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from grader.submissions.collect import unpack
from grader.submissions.discover import discover
from grader.submissions.notebook import NotebookError, read_notebook
from grader.submissions.prepare import prepare_trusted as prepare
from grader.submissions.safe_writer import Caps, Member, SafeWriter
from grader.worker.student_code.broken_cells import runnable

CAPS = Caps(total_bytes=20_000, file_bytes=10_000, entries=20, path_length=60, depth=4)
MEMORY = 32_000_000  # of which a decompressor takes some megabytes
THOROUGH = settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

names = st.one_of(
    st.sampled_from("abcdefgh"),
    st.text(max_size=20),
    st.lists(
        st.sampled_from(
            ["..", ".", "", "a", "A", "b.py", "é", "e\u0301", "C:", "\\", "\n", "\u202e", "n" * 70,
             "__MACOSX", ".git", "con", "\0", "\udcff", " "]
        ),
        max_size=6,
    ).map("/".join),
)  # fmt: skip
contents = st.one_of(
    st.binary(max_size=200), st.integers(0, 3).map(lambda thousands: bytes(thousands * 5_000))
)
pieces = st.sampled_from([1, 2_500, 4_999, 5_001, 20_000]).map(bytes)
lies = st.one_of(st.none(), st.sampled_from([0, 1, 2**31, 2**32 - 2]), st.integers(0, 30_000))


@st.composite
def zips(draw: st.DrawFn) -> bytes:
    """A zip whose table of contents says of its files what it likes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(draw(st.integers(0, 5))):
            archive.writestr(str(number), draw(contents), draw(st.sampled_from([0, 0, 8, 8, 12])))
        for info in archive.filelist:
            name = draw(names)
            info.filename = name.encode("utf-8", "replace").decode()
            info.external_attr = draw(st.integers(0, 2**16 - 1) | st.just(stat.S_IFREG)) << 16
            info.external_attr |= draw(st.sampled_from([0, 0x10, 0x400]))
            info.flag_bits = draw(st.sampled_from([0, 0, 0, 1, 8, 0x40, 0x800, 0x2000]))
            for field in ("file_size", "compress_size", "CRC", "header_offset"):
                value = draw(lies)
                setattr(info, field, getattr(info, field) if value is None else value)
    return buffer.getvalue()


@st.composite
def tars(draw: st.DrawFn) -> bytes:
    """Headers of every type one after the other; what follows them need not be what they say."""
    blocks = []
    for _ in range(draw(st.integers(0, 6))):
        info = tarfile.TarInfo(draw(names))
        info.type = draw(st.sampled_from([bytes([kind]) for kind in b"0000123456\x007LKSgxXDZ"]))
        info.linkname = draw(names)
        content = draw(contents)
        size = draw(lies)
        info.size = len(content) if size is None else size
        info.mode = draw(st.integers(0, 0o7777))
        if draw(st.booleans()):
            keys = st.sampled_from(
                ["path", "size", "linkpath", "hdrcharset", "GNU.sparse.major", "GNU.sparse.minor",
                 "GNU.sparse.name", "GNU.sparse.size", "GNU.sparse.map", "GNU.sparse.realsize",
                 "GNU.sparse.numblocks", "mtime", "uid"]
            )  # fmt: skip
            values = names | st.sampled_from(["0", "1", "-512", "99999999999", "1,2,3,4"])
            info.pax_headers = draw(st.dictionaries(keys, values, max_size=3))
        try:
            if info.pax_headers:
                header = info.tobuf(tarfile.PAX_FORMAT, errors="surrogateescape")
            else:
                header = info.tobuf(tarfile.GNU_FORMAT, errors="surrogateescape")
        except ValueError:  # a name that no header can hold
            continue
        blocks.append(header + content + bytes(-len(content) % 512))
    return b"".join(blocks) + bytes(draw(st.sampled_from([0, 1_024])))


compressions = st.sampled_from([bytes, gzip.compress, bz2.compress, lzma.compress])
compressed_tars = st.builds(lambda tar, compress: bytes(compress(tar)), tars(), compressions)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    data = bytearray(draw(st.one_of(zips(), compressed_tars)))
    edits = st.tuples(st.integers(0, 3_000), st.binary(min_size=1, max_size=4))
    for position, patch in draw(st.lists(edits, max_size=6)):
        data[position : position + len(patch)] = patch
    end = draw(st.integers(0, len(data)) | st.just(len(data)))
    return draw(st.binary(max_size=8)) * draw(st.booleans()) + bytes(data[:end])


@contextmanager
def little_memory() -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < MEMORY
    finally:
        tracemalloc.stop()


def unpacked(content: bytes) -> bool:
    """Return True if something was unpacked; the promises hold in either case."""
    with tempfile.TemporaryDirectory() as name:
        box = Path(name) / "box"
        box.mkdir()
        archive, target = box / "hw.zip", box / "in" / "here"
        archive.write_bytes(content)
        writer = SafeWriter(target, CAPS)
        with little_memory():
            unpack(archive, writer)
        assert " ".join(writer.left_out.lines()).isprintable()
        assert [path.name for path in Path(name).iterdir()] == ["box"]
        assert {path.name for path in box.iterdir()} == {"hw.zip", "in"}
        assert {path.name for path in (box / "in").glob("*")} == {"here"}
        assert archive.read_bytes() == content
        holds_to_the_caps(target)
        return any(target.iterdir())


def holds_to_the_caps(target: Path) -> None:
    found = list(target.rglob("*"))
    modes = {path: path.lstat().st_mode for path in found}
    assert all(stat.S_ISREG(mode) or stat.S_ISDIR(mode) for mode in modes.values())
    assert len(found) <= CAPS.entries
    sizes = [path.lstat().st_size for path in found if stat.S_ISREG(modes[path])]
    assert sum(sizes) <= CAPS.total_bytes and max(sizes, default=0) <= CAPS.file_bytes


@THOROUGH
@given(st.binary(max_size=2_000))
@example(b"PK\x05\x06" + bytes(18))
@example(b"\x1f\x8b\x08")
def test_arbitrary_bytes_are_refused_or_unpacked(content: bytes) -> None:
    unpacked(content)


@THOROUGH
@given(zips())
def test_any_zip_is_unpacked_or_refused(content: bytes) -> None:
    unpacked(content)


@THOROUGH
@given(compressed_tars)
def test_any_tar_is_unpacked_or_refused(content: bytes) -> None:
    unpacked(content)


@THOROUGH
@given(damaged())
def test_any_damaged_archive_is_unpacked_or_refused(content: bytes) -> None:
    unpacked(content)


def test_what_is_thrown_is_not_all_refused_at_the_door() -> None:
    """Else the properties above would say little."""
    seen: set[tuple[str, bool]] = set()

    @settings(max_examples=200, deadline=None, database=None, derandomize=True)
    @given(zips(), tars())
    def collect(a_zip: bytes, a_tar: bytes) -> None:
        seen.update({("zip", unpacked(a_zip)), ("tar", unpacked(a_tar))})

    collect()
    assert len(seen) == 4


@THOROUGH
@given(st.lists(st.tuples(names, st.none() | st.lists(pieces, max_size=2)), max_size=12))
def test_no_more_is_ever_written_than_the_caps_allow(
    entries: list[tuple[str, list[bytes] | None]],
) -> None:
    """Not for a moment: what has landed is looked at after each chunk."""
    caps = dataclasses.replace(CAPS, total_bytes=7_000, file_bytes=5_000)

    def holds(target: Path) -> None:
        sizes = [one.stat().st_size for one in target.rglob("*") if one.is_file()]
        assert sum(sizes) <= caps.total_bytes and max(sizes, default=0) <= caps.file_bytes

    def watched(target: Path, chunks: list[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            yield chunk
            holds(target)

    with tempfile.TemporaryDirectory() as name:
        target = Path(name) / "here"
        writer = SafeWriter(target, caps)
        for path, chunks in entries:
            size = sum(map(len, chunks or ()))
            read = None if chunks is None else partial(watched, target, chunks)
            writer.write([Member(path, size, read)])
            assert " ".join(writer.left_out.lines()).isprintable()
            holds(target)
        assert [one.name for one in Path(name).iterdir()] == ["here"]


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
values: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=10,
)
sources = st.one_of(
    st.text(alphabet="%!?\\\n \t'\"#()[]{}=abx1:.,\0\r\ud800é", max_size=40),
    st.lists(st.text(max_size=10), max_size=4),
    values,
)
kinds = st.sampled_from(["code", "code", "markdown", "raw", "heading", "html"])
honest_cells = st.fixed_dictionaries({"cell_type": kinds, "source": sources, "input": sources})
cells = st.fixed_dictionaries(
    {"cell_type": kinds | values},
    optional={
        "source": sources, "input": sources, "metadata": values, "outputs": values, "level": values,
        "id": values, "language": values, "collapsed": values, "attachments": values,
    },
)  # fmt: skip
pages = st.one_of(
    st.lists(honest_cells, min_size=1, max_size=4), st.lists(cells | values, max_size=4), values
)
pages_of_old = st.lists(st.fixed_dictionaries({"cells": pages}), max_size=2)
notebooks = st.one_of(
    st.fixed_dictionaries({"nbformat": st.just(4), "cells": pages}),
    st.fixed_dictionaries({"nbformat": st.just(3), "worksheets": pages_of_old | values}),
    st.fixed_dictionaries(
        {"nbformat": st.sampled_from([4, 4, 3, 3, 2, 5, "4", True, 4.0]) | values},
        optional={
            "cells": pages, "worksheets": pages_of_old | values,
            "metadata": values, "nbformat_minor": values, "orig_nbformat": values,
        },
    ),
)  # fmt: skip


def is_read(text: str) -> bool:
    try:
        with little_memory():
            notebook = read_notebook(text)
    except NotebookError as error:
        assert str(error).isprintable()
        return False
    compile(runnable(notebook.source).encode("utf-8"), "notebook", "exec")
    assert all(isinstance(cell, str) for cell in notebook.markdown)
    return True


@THOROUGH
@given(st.text(max_size=300) | values.map(json.dumps))
def test_arbitrary_text_is_no_notebook_and_says_so(text: str) -> None:
    assert not is_read(text)


@THOROUGH
@given(notebooks)
def test_any_notebook_is_read_or_says_why_not(notebook: Any) -> None:
    is_read(json.dumps(notebook))


def test_what_is_thrown_at_the_reader_is_not_all_refused() -> None:
    seen: set[bool] = set()

    @settings(max_examples=300, deadline=None, database=None, derandomize=True)
    @given(notebooks)
    def collect(notebook: Any) -> None:
        seen.add(is_read(json.dumps(notebook)))

    collect()
    assert seen == {True, False}


@settings(THOROUGH, max_examples=100)
@given(
    st.sampled_from([".py", ".ipynb", ".zip", ".tar.gz", ".md", ".tex"]),
    st.one_of(
        st.binary(max_size=300), damaged(), notebooks.map(lambda one: json.dumps(one).encode())
    ),
    names.filter(lambda name: not {"/", "\0"} & set(name) and len(name) < 50),
)
def test_whatever_is_handed_in_becomes_a_submission(suffix: str, content: bytes, name: str) -> None:
    with tempfile.TemporaryDirectory() as box:
        folder = Path(box) / "class"
        folder.mkdir()
        (folder / "ada.py").write_text("x = 1")
        (folder / f"eve{name}{suffix}").write_bytes(content)
        class_ = {one.student: one for one in discover(folder)}
        for one in class_.values():
            found = prepare(one, Path(box) / "run", CAPS)
            assert found.refused is None or found.refused.isprintable()
        assert "ada" in class_
        assert {path.name for path in Path(box).iterdir()} == {"class", "run"}
        assert {path.name for path in (Path(box) / "run").iterdir()} == {"students"}
