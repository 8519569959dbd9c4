"""Digests of everything that a verdict or an answer depends on; while they stay, it still holds.

A verdict depends on the criterion's check and parameters, the instructor's own files if the check
is custom, the profile (its thresholds and its rule for repeated training if the check judges by
them), the data, the limits, the reference solution, the handouts, the sandbox, and the grader's
code. Title, points, late policy and calibration are left out: they are applied anew each time.

An answer depends on the submission, the question and the earlier questions of its session, the
data, the worker and what it runs on, and the limits. Thresholds, checks and the reference are left
out: an answer is judged anew when they change.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import BaseModel

import grader
from grader.checks.files_read import of_named
from grader.checks.registry import CHECKS, checks_with
from grader.records import Question, Submission
from grader.rubric.model import Criterion, DataSpec, Limits, Rubric
from grader.run.data.arrays import of_arrays
from grader.run.provenance.hardware import NO_GPU, Hardware
from grader.sandbox.base import Sandbox
from grader.submissions.forbidden import rules_of

_PACKAGE = Path(grader.__file__).parent


def fingerprints(
    rubric: Rubric,
    criteria: Iterable[Criterion],
    sandbox: Sandbox,
    hardware: Hardware = NO_GPU,
) -> dict[str, str]:
    """Return a digest of everything that a criterion's verdict depends on, by criterion.

    Args:
        rubric: The rubric, with its active profile.
        criteria: The criteria.
        sandbox: Where submissions run.
        hardware: The GPUs that are lent.
    """
    checks = checks_with(rubric.own_files)
    own = [of_folder(file) for file in rubric.own_files]
    shared = ingredients(rubric, sandbox, hardware)
    profile = rubric.active.model_dump(mode="json", include={"thresholds", "again"})
    thresholds = [profile["thresholds"], profile["again"]]
    return {
        item.id: _of(
            item.check,
            _of_params(item.params),
            thresholds if checks[item.check].thresholds else None,
            None if item.check in CHECKS else own,
            shared,
            *map(of_named, item.data),
            *([{"seconds": item.seconds}] if item.seconds is not None else []),
            *rules_of(item),
        )
        for item in criteria
    }


def ingredients(
    rubric: Rubric, sandbox: Sandbox, hardware: Hardware = NO_GPU
) -> dict[str, str]:
    """Return a digest of each thing that every verdict of a run depends on, by its name.

    Args:
        rubric: The rubric, with its active profile.
        sandbox: Where submissions run.
        hardware: The GPUs that are lent.
    """
    budget = rubric.active.model_dump(mode="json", exclude={"thresholds", "again", "calibration"})
    return {
        "the profile": _of(budget),
        "the data": _of_data(rubric.active.data),
        "the limits": _of(rubric.limits.model_dump(mode="json")),
        "the reference": of_folder(rubric.recorded or rubric.reference),
        "the allowed imports": _of(sorted(rubric.imports)),
        "the handouts": of_folder(rubric.handouts) if rubric.handouts is not None else "",
        "the checks' code": of_folder(_PACKAGE / "checks"),
        "the worker's code": _of(_worker()),
        "the grader's code": of_folder(_PACKAGE),
        "the sandbox": _of(sandbox.name, sandbox.version),
        "the hardware": _of(*hardware.plain),
    }


def ground_of(sandbox: Sandbox, limits: Limits, hardware: Hardware = NO_GPU) -> str:
    """Return a digest of what every answer depends on besides submission, question and data.

    The processor's kind and the GPU's model count, because floating-point results differ between
    them.

    Args:
        sandbox: Where submissions run.
        limits: The limits of each worker.
        hardware: The GPUs that are lent.
    """
    computed_on = [platform.machine(), *hardware.plain]
    return _of(
        _worker(), sandbox.name, sandbox.version, limits.model_dump(mode="json"), computed_on
    )


def _worker() -> list[str]:
    """Return digests of the worker's code, and of the host's code around its questions and answers.

    The conversion of notebooks is part of it: it decides which code the worker runs.
    """
    names = (
        "worker", "wire.py", "packing.py", "stopwatch.py", "checks/probe.py", "sandbox",
        "checks/early_stopping.py", "checks/pytest_runner", "run/pytest_session.py",
        "submissions/prepare.py", "submissions/notebook.py", "submissions/ipython_syntax.py",
    )  # fmt: skip
    paths = [_PACKAGE / name for name in names]
    missing = [str(path) for path in paths if not path.exists()]
    assert not missing, f"{missing[0]} was moved: name its new place here"
    return [*map(of_folder, paths), version("ipython")]


def answer_keys(
    ground: str, submission: Submission, questions: Iterable[Question], data: str
) -> dict[str, str]:
    """Return the cache key of each question's answer, by question id.

    The student's key is part of it: an answer may contain text that identifies its author.

    Args:
        ground: The digest from `ground_of`.
        submission: Whose code is asked.
        questions: The questions, in the order in which they are asked.
        data: A digest of the data that the code can see.
    """
    keys: dict[str, str] = {}
    before: dict[str, str] = {}   # by session
    whose = [submission.student, submission.digest, data]
    for question in questions:
        keys[question.id] = _of(ground, whose, question.digest, before.get(question.session))
        before[question.session] = keys[question.id]
    return keys


def _of(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


@cache
def of_folder(place: Path) -> str:
    """Return a digest of all files in a folder, with their names, or of a single file."""
    digest = hashlib.sha256()
    for path in _files(place):
        if "__pycache__" not in path.parts:
            content = path.read_bytes()
            name = path.relative_to(place.parent).as_posix()
            digest.update(f"\0{name}\0{len(content)}\0".encode())
            digest.update(content)
    return digest.hexdigest()


def _of_params(params: BaseModel) -> dict[str, Any]:
    """Return the parameters; files count by their content, not by their path."""
    files = {key: of_folder(value) for key, value in params if isinstance(value, Path)}
    return params.model_dump(mode="json") | files


def _of_data(spec: DataSpec) -> str:
    """Return a digest of the files' names, sizes and times; their content may be large.

    A loader may read any file, so what it returns counts.
    """
    stamps: list[Any] = []
    if spec.source == "loader" and spec.path is not None:
        stamps.append(of_arrays(spec.path))
    for place in (spec.path, spec.hidden.images, spec.hidden.labels):
        for path in _files(place) if place is not None else ():
            stat = path.stat()
            stamps.append([path.as_posix(), stat.st_size, stat.st_mtime_ns])
    return _of(stamps)


def _files(place: Path) -> Iterator[Path]:
    paths = sorted(place.rglob("*")) if place.is_dir() else [place]
    return (path for path in paths if path.is_file())
