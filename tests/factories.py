"""Builds what many tests start from: records, rubrics, files, sandboxes and graded classes.

A test that needs one of these takes it from here and changes the one thing that it is about.
"""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from grader.checks.check import NoParams
from grader.checks.registry import parameter_models
from grader.records import CriterionGrade, Grade, Status, Submission, Verdict
from grader.rubric.load import load
from grader.rubric.model import Criterion, Profile, Rubric, Threshold
from grader.run import pipeline
from grader.run.schedule import Slots, default_jobs
from grader.run.setup import RunSetup, set_up
from grader.sandbox.base import Sandbox
from grader.sandbox.process import ProcessSandbox
from grader.submissions.discover import HandIn, hand_in

ROOT = Path(__file__).parent.parent
DOCKER = pytest.param("docker", marks=pytest.mark.docker)


# Records ----------------------------------------------------------------------------------------


def submission(student: str = "ada", **fields: Any) -> Submission:
    """A submission of one file. `fields` replace or add fields of the record."""
    place = {"source": Path(f"in/{student}.py"), "folder": Path(f"work/{student}")}
    given = {**place, "files": (f"{student}.py",), "digest": "0" * 64, **fields}
    return Submission(student=student, **given)


def criterion(id: str = "x", points: float = 10, **fields: Any) -> Criterion:
    """A criterion of a check that takes no parameters."""
    given = {"title": f"Title of {id}", "part": "1", "check": "x", "params": NoParams(), **fields}
    return Criterion(id=id, points=points, **given)


def rubric(*criteria: Criterion, cap: float = 100, **fields: Any) -> Rubric:
    """A rubric of these criteria with one short profile."""
    quick = Profile(epochs=1, seconds=1, thresholds=(Threshold(accuracy=0.5, share=1),))
    total = sum(one.points for one in criteria)
    given = {"title": "Homework", "profiles": {"quick": quick}, **fields}
    return Rubric(total=total, cap=cap, criteria=criteria, **given)


def verdict(
    id: str = "x", fraction: float = 1.0, status: Status = "passed", **fields: Any
) -> Verdict:
    """A verdict on the criterion `id`."""
    return Verdict(id, status, fraction, **{"reason": "reason", **fields})


def criterion_grade(
    title: str = "The parameters in three groups",
    status: Status = "passed",
    points: float | None = 5,
    most: float = 5,
    part: str = "1(e)",
    visibility: str = "visible",
    **fields: Any,
) -> CriterionGrade:
    """A criterion with its points, `most` at best. `fields` are fields of its verdict."""
    found = Verdict("an-id", status, (points or 0) / most, **{"reason": "All is right.", **fields})
    return CriterionGrade(found, title, part, visibility, most, points)


def grade(*criteria: CriterionGrade, student: str = "ada", **fields: Any) -> Grade:
    """A student's grade: the known points of these criteria, without a late penalty."""
    known = sum(one.points or 0 for one in criteria)
    most = sum(one.max for one in criteria)
    given = {"score": known, "max": most, **fields}
    return Grade(student, submission(student), criteria, **given)


# Files ------------------------------------------------------------------------------------------


def write_files(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """Writes each file below `folder`, which it returns, and makes the folders for it."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def zip_of(members: Mapping[str, str | bytes]) -> bytes:
    """The bytes of a zip archive with these members."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def replace_in(path: Path, old: str, new: str) -> None:
    """Replaces a text, which has to be in the file."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


# Sandboxes and grading --------------------------------------------------------------------------


def requested_sandbox(request: pytest.FixtureRequest) -> Sandbox:
    """The sandbox that a fixture's parameter names: process, spawned or docker.

    In `spawned` the worker starts its sessions as where fork is not safe.
    """
    if request.param == "docker":
        found: Sandbox = request.getfixturevalue("docker_sandbox")
        return found
    return ProcessSandbox({"GRADER_WORKER_SPAWN": "1"} if request.param == "spawned" else None)


def shipped_rubric(profile: str | None = None) -> Rubric:
    """The rubric of the homework in this repository."""
    return load(ROOT / "rubric.yaml", parameter_models, profile)


def grade_file(setup: RunSetup, source: Path | HandIn) -> Grade:
    """Grades one file, folder or archive through the whole pipeline."""
    item = hand_in(source) if isinstance(source, Path) else source
    return pipeline.grade_one(setup, item, lambda who, what: None)


def grade_class(setup: RunSetup, items: Iterable[HandIn]) -> dict[str, Grade]:
    """Grades a class through the whole pipeline; the grades by student."""
    found = pipeline.grade_all(setup, list(items), lambda who, what: None)
    return {one.student: one for one in found}


@contextmanager
def graded_homework(
    rubric: Rubric, sandbox: Sandbox, items: Iterable[HandIn], seed: int = 546
) -> Iterator[dict[str, Grade]]:
    """Grades a class by all criteria, as many submissions at a time as `grader run` would.

    The workspace is there until the context ends.
    """
    with tempfile.TemporaryDirectory(prefix="grader-homework-") as folder:
        workspace = Path(folder)
        workspace.chmod(0o755)   # the worker's user in a container reads what is mounted from here
        ids = [one.id for one in rubric.criteria]
        slots = Slots(default_jobs(rubric.limits.memory_mib))
        setup = set_up(
            rubric, ids, sandbox, workspace, workspace / "cache", slots=slots, seed=seed
        )
        yield grade_class(setup, items)
