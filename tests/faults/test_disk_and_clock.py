"""A full disk, a damaged gradebook, a clock that jumps: nobody loses a mark by it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.a_class import FULL, SLOW, a_class, grading, marks, verdicts

STUDENTS = 4
LOCAL = ("--sandbox", "process")


@pytest.fixture
def submissions(tmp_path: Path) -> Path:
    return a_class(tmp_path / "in", STUDENTS, SLOW)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)],
        capture_output=True, text=True, check=False,
    )
    if mounted.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """To the last byte."""
    filler = folder / "filler"
    for size in (2**16, 1):
        try:
            with filler.open("ab", buffering=0) as file:
                while file.write(b"x" * size):
                    pass
        except OSError:
            pass
    return filler


def test_a_disk_that_fills_up_loses_no_marks(small_disk: Path, submissions: Path) -> None:
    out = small_disk / "out"
    with grading(submissions, out, *LOCAL) as grader:
        grader.wait_for(r"^\[1/")
        filler = fill(small_disk)
        assert grader.end() == 1, grader.text
    assert "No space left on device" in grader.text
    assert "are not in the gradebook: database or disk is full" in grader.text
    assert "run the same command again" in grader.text
    assert {status for _, _, status in verdicts(out)} <= {"passed"}
    filler.unlink()
    with grading(submissions, out, *LOCAL) as grader:
        assert grader.end() == 0, grader.text
    assert marks(out) == {path.stem: FULL for path in submissions.iterdir()}
    assert len(list((out / "feedback").glob("*.html"))) == STUDENTS


def test_a_gradebook_that_is_damaged_meanwhile_is_told_and_graded_anew(
    submissions: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with grading(submissions, out, *LOCAL) as grader:
        grader.wait_for(r"^\[1/")
        (out / "gradebook.sqlite").write_bytes(b"nonsense" * 2000)
        assert grader.end() == 1, grader.text
    assert "are not in the gradebook: " in grader.text
    assert set(marks(out).values()) == {FULL}, "what was graded is in the marks all the same"
    with grading(submissions, out, *LOCAL) as grader:
        assert grader.end() == 0, grader.text
    assert "gradebook.sqlite is damaged" in grader.text
    assert (out / "gradebook.damaged-1.sqlite").read_bytes() == b"nonsense" * 2000
    assert marks(out) == {path.stem: FULL for path in submissions.iterdir()}


def test_a_clock_that_jumps_changes_nothing(submissions: Path, tmp_path: Path) -> None:
    libraries = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    if not libraries:
        pytest.skip("libfaketime is not installed (Debian's package: faketime)")
    clock, out = tmp_path / "clock", tmp_path / "out"
    clock.write_text("+0d\n")
    environment = {
        "LD_PRELOAD": str(libraries[0]), "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    with grading(submissions, out, *LOCAL, **environment) as grader:
        grader.wait_for(r"^\[1/")
        clock.write_text("-400d\n")
        grader.wait_for(r"^\[2/")
        clock.write_text("+400d\n")
        grader.wait_for(r"^\[3/")
        grader.kill()
    clock.write_text("-30d\n")
    with grading(submissions, out, *LOCAL, **environment) as grader:
        assert grader.end() == 0, grader.text
    assert marks(out) == {path.stem: FULL for path in submissions.iterdir()}
    assert len(verdicts(out)) == STUDENTS
