"""Nothing that is hidden is in a bundle, in whatever it may be packed."""

from __future__ import annotations

import base64
import binascii
import bz2
import gzip
import io
import lzma
import re
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from grader.checks.registry import parameter_models
from grader.errors import UsageError
from grader.export.student_bundle.release import release
from grader.rubric.load import load
from grader.run.data.datasets import load_dataset
from grader.run.options import RunOptions
from tests.factories import shipped_rubric

from . import secret_homework as homework

ROOT = homework.ROOT
OPTIONS = RunOptions(sandbox="process", seed=12)
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{24,}={0,2}")
_UNPACK = (zlib.decompress, gzip.decompress, bz2.decompress, lzma.decompress)


@pytest.fixture(scope="module")
def instructor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return homework.write(tmp_path_factory.mktemp("instructor"))


@pytest.fixture(scope="module")
def bundle(instructor: Path) -> Path:
    path = instructor.parent / "bundle.zip"
    release(load(instructor, parameter_models), path, OPTIONS, print, trial=False)
    return path


def everything(content: bytes, name: str, depth: int = 0) -> Iterator[tuple[str, bytes]]:
    """The content, and what it unpacks to: archives, compressed data, base64 in a text."""
    yield name, content
    if depth > 4:
        return
    if zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for inside in archive.namelist():
                yield f"{name}/{inside}", inside.encode()
                yield from everything(archive.read(inside), f"{name}/{inside}", depth + 1)
        return
    for unpack in _UNPACK:
        try:
            unpacked = unpack(content)
        except (zlib.error, OSError, lzma.LZMAError, EOFError, ValueError):
            continue
        yield from everything(unpacked, f"{name}: {unpack.__module__}", depth + 1)
    for found in _BASE64.findall(content) if depth < 3 else ():
        for alphabet in (base64.b64decode, base64.urlsafe_b64decode):
            try:
                decoded = alphabet(found + b"=" * (-len(found) % 4))
            except (binascii.Error, ValueError):
                continue
            yield from everything(decoded, f"{name}: base64", depth + 2)


def leaked(pieces: list[tuple[str, bytes]], *words: str) -> list[str]:
    wanted = [(word, re.compile(rb"(?<![0-9A-Za-z])" + re.escape(word.encode()))) for word in words]
    return [f"{word} in {name}" for name, piece in pieces for word, one in wanted
            if word.encode() in piece and one.search(piece)]


@pytest.fixture(scope="module")
def pieces(bundle: Path) -> list[tuple[str, bytes]]:
    return list(everything(bundle.read_bytes(), bundle.name))


def of_the_homework(pieces: list[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    """Without the grader's own code, which everybody can read anyway."""
    return [(name, piece) for name, piece in pieces if ".whl" not in name]


@pytest.mark.parametrize("kind", homework.SECRETS)
def test_no_secret_is_in_the_bundle(kind: str, pieces: list[tuple[str, bytes]]) -> None:
    assert leaked(of_the_homework(pieces), *homework.SECRETS[kind]) == []


def test_what_students_need_is_in_it(pieces: list[tuple[str, bytes]]) -> None:
    """And the search finds what is there, also in an archive."""
    for word in ("square_of", "test_three", "ask_doubles", "GIVEN", "layers"):
        assert leaked(of_the_homework(pieces), word), word
    assert leaked(pieces, "class ProcessSandbox")


def test_the_search_sees_through_what_things_are_packed_in() -> None:
    packed = base64.b64encode(zlib.compress(b"the secret word, and some more of it"))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("inner.json", b'{"blob": "' + packed + b'"}')
    assert leaked(list(everything(archive.getvalue(), "a.zip")), "the secret word")


def test_no_hidden_image_is_in_it_and_no_label(instructor: Path, bundle: Path) -> None:
    spec = load(instructor, parameter_models).active.data
    dataset = load_dataset(spec, instructor.parent / "cache")
    hidden = {image.tobytes() for image in dataset.hidden_images}
    given = set()
    with zipfile.ZipFile(bundle) as outer:
        images = outer.read("bundle/grading/images.zip")
    with zipfile.ZipFile(io.BytesIO(images)) as archive:
        for name in archive.namelist():
            given.add(np.asarray(Image.open(io.BytesIO(archive.read(name)))).tobytes())
    seen = {image.tobytes() for image in (*dataset.train_images, *dataset.validation_images)}
    assert hidden and given == seen and not hidden & given


def test_the_real_homework_gives_nothing_of_its_reference_away(tmp_path: Path) -> None:
    rubric = shipped_rubric()
    release(rubric, tmp_path / "hw2.zip", OPTIONS, print, trial=False)
    pieces = list(everything((tmp_path / "hw2.zip").read_bytes(), "hw2.zip"))
    public = "".join(
        path.read_text(encoding="utf-8")
        for folder in ("starter", "grader", "handouts")
        for path in (ROOT / folder).rglob("*.py")
    )
    lines = {
        line.strip()
        for path in (ROOT / "reference").glob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
    }
    secret = sorted(line for line in lines if len(line) > 30 and line not in public)
    assert len(secret) > 50
    assert rubric.active.calibration is not None
    assert leaked(pieces, *secret, rubric.active.calibration.found) == []
    assert leaked(of_the_homework(pieces), str(ROOT)) == []


@pytest.mark.parametrize(("place", "told"), [
    ("starter/solution.py", r"solution\.py is .*reference/hw\.py"),
    ("handouts/notes.md", "notes.md names the criterion 'nobody-knows'"),
])  # fmt: skip
def test_a_slip_is_found_before_anything_is_written(
    place: str, told: str, tmp_path: Path
) -> None:
    path = homework.write(tmp_path / "instructor")
    slip = path.parent / place
    slip.write_text(
        homework.SOLUTION if slip.suffix == ".py" else "What nobody is told about\n",
        encoding="utf-8",
    )
    with pytest.raises(UsageError, match=told):
        release(load(path, parameter_models), tmp_path / "bundle", OPTIONS, print, trial=False)
    assert not (tmp_path / "bundle").exists()


def test_the_bundle_of_it_can_be_checked_by(bundle: Path, tmp_path: Path) -> None:
    """Tests, own checks and recorded answers work together, far from the instructor's folder."""
    with zipfile.ZipFile(bundle) as archive:
        archive.extractall(tmp_path)
    work = tmp_path / "hw.py"
    work.write_text(homework.SOLUTION.replace("number * number", "number + 6"), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "grader", "check", str(work), "--rubric",
         str(tmp_path / "bundle" / "grading" / "rubric.yaml")],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "12 / 13 points: 3 passed, 1 not attempted" in done.stdout, done.stdout
