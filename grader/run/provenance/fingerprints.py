"""What a verdict depends on, and an answer, as digests: while they stay the same, it holds.

For a verdict: the criterion's check and its parameters, the instructor's files where it is of their
own, the profile (its thresholds, and its rule for training again, where the check judges by them),
the data and the limits, the reference solution, what was handed out, the sandbox, and the grader's
own code. A title, the points, the late policy and what the thresholds were calibrated by are not
among them: they are applied anew each time.

For an answer: the submission, the question and those that its session was asked before, the data,
the worker with what it runs on, and the limits. Thresholds, the checks and the reference are not
among them: an answer is judged anew when they change.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Collection, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel

import grader
from grader.checks.registry import CHECKS, checks_with
from grader.records import Question, Submission
from grader.rubric.model import Criterion, DataSpec, Limits, Rubric
from grader.sandbox.base import Sandbox

_PACKAGE = Path(grader.__file__).parent


def fingerprints(
    rubric: Rubric,
    criteria: Iterable[Criterion],
    sandbox: Sandbox,
    gpus: Collection[str] = (),
    gpu_share: float | None = None,
) -> dict[str, str]:
    """A digest for each criterion, by its id. With a GPU, with a share of one and without are not
    the same."""
    checks = checks_with(rubric.own_files)
    own = [of_folder(file) for file in rubric.own_files]
    shared = ingredients(rubric, sandbox, gpus, gpu_share)
    profile = rubric.active.model_dump(mode="json", include={"thresholds", "again"})
    thresholds = [profile["thresholds"], profile["again"]]
    return {
        item.id: _of(
            item.check,
            _of_params(item.params),
            thresholds if checks[item.check].thresholds else None,
            None if item.check in CHECKS else own,
            shared,
        )
        for item in criteria
    }


def ingredients(
    rubric: Rubric, sandbox: Sandbox, gpus: Collection[str] = (), gpu_share: float | None = None
) -> dict[str, str]:
    """A digest of each thing that every verdict of a run depends on, by what it is called."""
    budget = rubric.active.model_dump(mode="json", exclude={"thresholds", "again", "calibration"})
    return {
        "the profile": _of(budget),
        "the data": _of_data(rubric.active.data),
        "the limits": _of(rubric.limits.model_dump(mode="json")),
        "the reference": of_folder(rubric.recorded or rubric.reference),
        "the handouts": of_folder(rubric.handouts) if rubric.handouts is not None else "",
        "the checks' code": of_folder(_PACKAGE / "checks"),
        "the worker's code": _of(_worker()),
        "the grader's code": of_folder(_PACKAGE),
        "the sandbox": _of(sandbox.name, sandbox.version),
        "the hardware": _of(bool(gpus), gpu_share),
    }


def ground_of(
    sandbox: Sandbox,
    limits: Limits,
    gpus: Collection[str] = (),
    gpu_share: float | None = None,
) -> str:
    """Of everything but submission, question and data that an answer depends on. Floating-point
    numbers, and what learns from them, are others on another kind of processor or with a GPU."""
    hardware = [platform.machine(), bool(gpus), gpu_share]
    return _of(_worker(), sandbox.name, sandbox.version, limits.model_dump(mode="json"), hardware)


def _worker() -> list[str]:
    """What a worker is, what becomes of its words here, and who is to blame for its silence."""
    names = (
        "worker", "wire.py", "packing.py", "checks/probe.py", "sandbox",
        "checks/early_stopping.py", "checks/pytest_runner", "run/pytest_session.py",
    )  # fmt: skip
    return [of_folder(_PACKAGE / name) for name in names]


def answer_keys(
    ground: str, submission: Submission, questions: Iterable[Question], data: str
) -> dict[str, str]:
    """A digest for each question's answer, by the question's id. `data` is of what the student's
    code finds. Nobody is answered with what another student's code has said: its words may tell
    whose they were."""
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
    """Of every file in a folder, code, data or template; or of the one file that it is."""
    digest = hashlib.sha256()
    for path in _files(place):
        if "__pycache__" not in path.parts:
            content = path.read_bytes()
            name = path.relative_to(place.parent).as_posix()
            digest.update(f"\0{name}\0{len(content)}\0".encode())
            digest.update(content)
    return digest.hexdigest()


def _of_params(params: BaseModel) -> dict[str, Any]:
    """What they are; of files what is in them, wherever they lie."""
    files = {key: of_folder(value) for key, value in params if isinstance(value, Path)}
    return params.model_dump(mode="json") | files


def _of_data(spec: DataSpec) -> str:
    """Of the files' names, sizes and times: there may be many, and they are large."""
    stamps = []
    for place in (spec.path, spec.hidden.images, spec.hidden.labels):
        for path in _files(place) if place is not None else ():
            stat = path.stat()
            stamps.append([path.as_posix(), stat.st_size, stat.st_mtime_ns])
    return _of(stamps)


def _files(place: Path) -> Iterator[Path]:
    paths = sorted(place.rglob("*")) if place.is_dir() else [place]
    return (path for path in paths if path.is_file())
