"""Archives and files that are made to hurt: each costs its student alone, with the reason.

Nothing here is run but honest code, so the process sandbox does. What unpacks them is tested piece
by piece in `tests/submissions/test_archives.py`; here they lie in a class's folder and are graded.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import tracemalloc
from collections.abc import Iterable
from pathlib import Path

import pytest

from grader.records import Grade
from grader.run.setup import RunSetup
from grader.submissions.discover import discover
from grader.submissions.safe_writer import MEGABYTE, Caps
from tests.factories import grade_class
from tests.hostile.archives import BLOCK, CASES, EVIL, HARMLESS, HONEST_CODE, REFUSED, zipped
from tests.hostile.case import grade_path, happened
from tests.hostile.conftest import Verify

PROCESS = pytest.mark.parametrize("sandbox", ["process"], indirect=True, scope="session")
PEAK = 100 * MEGABYTE  # of the grader's memory: the first grading loads the data, nothing else


def write(content: Iterable[bytes], path: Path) -> Path:
    with path.open("wb") as file:
        for piece in content:
            file.write(piece)
    return path


def in_a_box(setup: RunSetup, tmp_path: Path) -> RunSetup:
    """A copy of the setup that unpacks into a folder whose parents the test can list."""
    return dataclasses.replace(setup, workspace=tmp_path / "run")


def outside(tmp_path: Path, students: Iterable[str]) -> set[str]:
    """Every path around the folders into which these students' archives may be unpacked."""
    own = [tmp_path / "run" / "students" / student for student in students]
    own += [tmp_path / "run", tmp_path / "run" / "students"]
    around = [*tmp_path.rglob("*"), *Path("/tmp").glob("*evil*")]
    return {str(path) for path in around if not {path, *path.parents} & {*own[:-2]}} - {
        str(path) for path in own[-2:]
    }


def reason(grade: Grade) -> str:
    return grade.criteria[0].verdict.reason


@PROCESS
@pytest.mark.parametrize("name", CASES)
def test_it_earns_nothing_with_a_reason_and_nothing_lands_elsewhere(
    setup: RunSetup, name: str, verify: Verify, tmp_path: Path
) -> None:
    bad, setup = CASES[name], in_a_box(setup, tmp_path)
    (tmp_path / "class").mkdir()
    source = write(bad.content(), tmp_path / "class" / f"eve{bad.suffix}")
    before = outside(tmp_path, ["eve"])
    tracemalloc.start()
    grade = grade_path(setup, source, ("layer-counts",))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    verify(f"archives/{name}", bad.must, grade)
    told = " ".join((reason(grade), *grade.notes))
    assert bad.says in told
    assert told.isprintable() and len(reason(grade)) < 700
    assert outside(tmp_path, ["eve"]) == before
    landed = [path for path in (tmp_path / "run").rglob("*") if path.is_file()]
    assert not (landed and bad.must == REFUSED)
    assert sum(path.stat().st_size for path in landed) <= Caps().total_bytes
    assert peak < PEAK


@PROCESS
@pytest.mark.parametrize("name", HARMLESS)
def test_what_only_looks_alike_is_graded(
    setup: RunSetup, name: str, verify: Verify, tmp_path: Path
) -> None:
    suffix, content = HARMLESS[name]
    source = write([content()], tmp_path / f"ada{suffix}")
    verify(f"archives/{name}", ("N",), grade_path(setup, source, ("layer-counts",)))


@PROCESS
@pytest.mark.parametrize("suffix", [".py", ".ipynb", ".zip", ".tar.gz", "folder"])
def test_a_file_of_300_megabytes_waits_for_a_person_without_being_read_whole(
    setup: RunSetup, suffix: str, verify: Verify, tmp_path: Path
) -> None:
    """A sparse one: it takes no room where it lies, and would where it is copied to."""
    setup = in_a_box(setup, tmp_path)
    source = large = tmp_path / f"eve{suffix}"
    if suffix == "folder":
        source.mkdir()
        large = source / "hw2.py"
    with large.open("wb") as file:
        file.truncate(301 * MEGABYTE)
    tracemalloc.start()
    grade = grade_path(setup, source, ("layer-counts",))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    verify(f"archives/file of 301 MB, {suffix}", ("needs_marking",), grade)
    assert "larger than" in reason(grade)
    assert peak < PEAK
    assert not [path for path in (tmp_path / "run").rglob("*") if path.is_file()]


@PROCESS
def test_what_one_student_hands_in_as_many_archives_is_no_more_than_one_may_hold(
    setup: RunSetup, verify: Verify, tmp_path: Path
) -> None:
    """Forty archives of ninety megabytes: three are unpacked."""
    setup = in_a_box(setup, tmp_path)
    (tmp_path / "class").mkdir()
    archive = zipped(("zeros.bin", BLOCK * 9))
    for number in range(40):
        write([archive], tmp_path / "class" / f"eve_1_{number}_more.zip")
    (grade,) = graded(setup, tmp_path / "class")
    verify("archives/forty of one student", ("needs_marking",), grade)
    assert "all files add up to more than 300 MB" in reason(grade)
    landed = [path for path in (tmp_path / "run").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in landed) <= Caps().total_bytes


@PROCESS
def test_a_class_with_all_of_them_is_graded(
    setup: RunSetup, verify: Verify, tmp_path: Path
) -> None:
    """And with links, pipes and names that no student should have; the honest get all points."""
    setup = in_a_box(setup, tmp_path)
    folder = tmp_path / "class"
    folder.mkdir()
    slow = ("hundred thousand files", "zip bomb", "file of 300 MB, packed")
    for number, (name, bad) in enumerate(CASES.items()):
        if name not in slow:
            write(bad.content(), folder / f"eve{number:02}{bad.suffix}")
    (folder / "link.zip").symlink_to(folder / "ada.py")
    (folder / "link").symlink_to(tmp_path)
    (folder / "nowhere.py").symlink_to("x" * 300)
    os.mkfifo(folder / "pipe.py")
    os.mkfifo(folder / "pipe.zip")
    write([EVIL], folder / "new\nline.py")
    write([EVIL], folder / "\u202eyp.evil.py")
    write([EVIL], folder / ("n" * 252 + ".py"))
    shutil.copytree(setup.context().view, setup.workspace / "data")  # where a run has it
    for honest in ("ada", "data", "zoe"):
        write([HONEST_CODE], folder / f"{honest}.py")
    students = [one.student for one in discover(folder)]
    before = outside(tmp_path, students)
    grades = graded(setup, folder)
    assert sorted(grade.student for grade in grades) == sorted(students)
    assert len(students) == len(CASES) - len(slow) + 11
    for grade in grades:
        if grade.student in ("ada", "data", "zoe"):
            verify(f"archives/{grade.student}, honest among them", ("N",), grade)
        else:
            (word,) = happened(grade).values()
            assert word in ("R", "Z", "needs_marking"), (grade.student, reason(grade))
    assert outside(tmp_path, students) == before


def graded(setup: RunSetup, folder: Path) -> list[Grade]:
    only = tuple(one for one in setup.criteria if one.id == "layer-counts")
    setup = dataclasses.replace(setup, criteria=only)
    return list(grade_class(setup, discover(folder)).values())
