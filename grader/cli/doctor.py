"""Reports what is missing on this machine, or soon will be, and how to fix it.

Nothing is run and nothing is built. A service that does not answer within seconds is a finding too.
"""

from __future__ import annotations

import platform
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from importlib import metadata
from pathlib import Path

import psutil

from grader.checks.registry import parameter_models
from grader.cli.doctor_cluster import of_cluster
from grader.cli.finding import Finding, State
from grader.errors import EngineMissing, EngineUnsuitable, GraderError
from grader.grading.gradebook_file import NAME, VERSION, condition
from grader.rubric.load import load
from grader.rubric.model import DataSpec, Limits, Rubric
from grader.run.options import RunOptions
from grader.run.pools import is_pooled, with_cluster
from grader.sandbox.docker import Build, connect, has_image, image_tag

PATIENCE_SECONDS = 4.0
CLUSTER_SECONDS = 60.0   # each node of a cluster first starts a process
_GIB = 2**30
_SCARCE_GIB, _NOTHING_GIB = 10, 1   # an image with torch is several; feedback needs little
_MIB = 2**20

Examine = Callable[[], Iterator[Finding]]


@dataclass(frozen=True)
class Plans:
    """The user's plans: grade by a rubric, in a sandbox, into a folder."""

    rubric_path: Path
    rubric_is_named: bool
    profile: str | None
    out: Path
    sandbox: str
    base_image: str | None = None
    machines: RunOptions = field(default_factory=RunOptions)


def examine(plans: Plans) -> list[Finding]:
    """Examine everything at the same time; return the findings in a fixed order."""
    pooled = is_pooled(_machines(plans))
    examinations: Mapping[str, Examine] = {
        "python": _python,
        "torch": lambda: _torch(plans.sandbox),
        "cluster" if pooled else "engine": lambda: (
            of_cluster(_machines(plans), _limits(plans)) if pooled else _engine(plans)
        ),
        "gpu": _gpu,
        "memory": lambda: _memory(plans),
        "disk": lambda: _disk(plans.out),
        "rubric": lambda: _rubric(plans),
        "results": lambda: _results(plans.out),
    }
    answers: queue.Queue[tuple[str, list[Finding]]] = queue.Queue()

    def run(name: str) -> None:
        try:
            answers.put((name, list(examinations[name]())))
        except Exception as error:
            why = f"could not be examined: {type(error).__name__}: {error}"
            answers.put((name, [Finding(name, "problem", why, "Report this, please.")]))

    for name in examinations:   # daemon threads: one that hangs delays nothing
        threading.Thread(target=run, args=(name,), daemon=True).start()
    found: dict[str, list[Finding]] = {}
    patience = CLUSTER_SECONDS if pooled else PATIENCE_SECONDS
    deadline = time.monotonic() + patience
    while len(found) < len(examinations):
        try:
            name, findings = answers.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            break
        found[name] = findings
    return [one for name in examinations for one in found.get(name, [_silent(name, patience)])]


def _silent(name: str, patience: float) -> Finding:
    fix = "Wait for it or restart it, then run `grader doctor` again."
    if name == "engine":
        fix = "Is DOCKER_HOST right, and the engine not overloaded? Try `docker info`."
    return Finding(name, "problem", f"no answer within {patience:g} seconds", fix)


def _python() -> Iterator[Finding]:
    found = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    if sys.version_info < (3, 11):  # noqa: UP036 - somebody may have got round pip's own check
        yield Finding("python", "problem", found, "Install Python 3.11 or later.")
    else:
        yield Finding("python", "ok", found)


def _torch(sandbox: str) -> Iterator[Finding]:
    """Read the version from metadata, because importing torch takes seconds."""
    versions = {}
    for name in ("torch", "torchvision"):
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            fix = ("Install it for `grader check` and `--sandbox process`: "
                   "pip install 'torch-grader[torch]'. Containers bring their own.")
            state: State = "problem" if sandbox == "process" else "warning"
            yield Finding("torch", state, f"no {name} on this machine", fix)
            return
    yield Finding("torch", "ok", ", ".join(f"{name} {one}" for name, one in versions.items()))


def _engine(plans: Plans) -> Iterator[Finding]:
    if plans.sandbox == "process":
        yield Finding("engine", "ok", "not needed with --sandbox process")
        return
    try:
        engine = connect()
    except EngineMissing as error:
        found, _, fix = str(error).partition(" Is it running")
        yield Finding("engine", "problem", found.rstrip("."), f"Is it running{fix}")
        return
    except EngineUnsuitable as error:
        found, _, fix = str(error).partition(" Install ")
        yield Finding("engine", "problem", found, f"Install {fix}")
        return
    with closing(engine):
        runtimes = ", ".join(engine.runtimes)
        yield Finding("engine", "ok", f"{engine.version}, {engine.cpus} CPUs, runtimes {runtimes}")
        tag = image_tag(Build.of(plans.base_image, _packages(plans)))
        if has_image(engine, tag):
            yield Finding("image", "ok", tag)
        else:
            yield Finding("image", "warning", f"{tag} is missing",
                          "The first run builds it, which takes minutes: `grader image build`.")
        if _cards() and "nvidia" not in engine.runtimes:
            yield Finding("gpu in containers", "warning",
                          "this machine has a GPU, but the engine has no runtime for it",
                          "Install the NVIDIA Container Toolkit (`nvidia-ctk runtime configure "
                          "--runtime=docker`, then restart Docker), or grade with `--gpus none`.")


def _machines(plans: Plans) -> RunOptions:
    """Return the options that say where to grade, with the rubric's for what is not given."""
    try:
        rubric = _load(plans)
    except (GraderError, OSError):   # `_rubric` reports it
        return plans.machines
    return with_cluster(replace(plans.machines, packages=rubric.packages), rubric)


def _gpu() -> Iterator[Finding]:
    try:
        cards = _cards()
    except OSError as error:
        yield Finding("gpu", "warning", f"the driver does not answer: {error}",
                      "Run `nvidia-smi`; after a driver update, restart the machine.")
        return
    for card in cards:
        yield Finding("gpu", "ok", card)
    if not cards:
        yield Finding("gpu", "ok", "none; trainings run on the processor (`--gpus none`)")


def _cards() -> list[str]:
    """Return a line per NVIDIA GPU, with its driver. Raises OSError if the driver is broken."""
    if shutil.which("nvidia-smi") is None:
        return []
    query = "--query-gpu=index,name,memory.total,driver_version"
    done = subprocess.run(
        ["nvidia-smi", query, "--format=csv,noheader"], capture_output=True, text=True,
        timeout=PATIENCE_SECONDS, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise OSError((done.stdout + done.stderr).strip()[:200])
    rows = (row.split(", ") for row in done.stdout.strip().splitlines())
    return [f"{number}: {name}, {memory}, driver {driver}" for number, name, memory, driver in rows]


def _memory(plans: Plans) -> Iterator[Finding]:
    memory = psutil.virtual_memory()
    found = f"{memory.available / _GIB:.1f} of {memory.total / _GIB:.1f} GiB are free"
    limits = _limits(plans)
    need = limits.memory_mib * _MIB
    if memory.total < need:
        yield Finding("memory", "problem", found,
                      f"One submission may use {need / _GIB:.1f} GiB: lower limits.memory_mib.")
    elif memory.available < need:
        yield Finding("memory", "warning", f"{found}; a submission may use {need / _GIB:.1f}",
                      "Close other programs, or grade with `--jobs 1`.")
    else:
        yield Finding("memory", "ok", found)


def _limits(plans: Plans) -> Limits:
    try:
        return _load(plans).limits
    except GraderError:   # `_rubric` reports it
        return Limits()


def _disk(out: Path) -> Iterator[Finding]:
    where = next(one for one in (out.resolve(), *out.resolve().parents) if one.exists())
    for name, place in (("disk", where), ("temporary folder", Path(tempfile.gettempdir()))):
        free = shutil.disk_usage(place).free / _GIB
        found = f"{free:.1f} GiB are free at {place}"
        state: State = "ok"
        if free < _SCARCE_GIB:
            state = "warning" if free >= _NOTHING_GIB else "problem"
        fix = "Free disk space: the worker's image takes several GiB."
        yield Finding(name, state, found, "" if state == "ok" else fix)


def _packages(plans: Plans) -> tuple[str, ...]:
    try:
        return _load(plans).packages
    except (GraderError, OSError):
        return ()   # `_rubric` reports it


def _rubric(plans: Plans) -> Iterator[Finding]:
    if not plans.rubric_path.exists() and not plans.rubric_is_named:
        yield Finding("rubric", "warning", f"no {plans.rubric_path} here",
                      "Name one with --rubric, or start a homework with `grader init`.")
        return
    try:
        rubric = _load(plans)
    except GraderError as error:
        yield Finding("rubric", "problem", str(error), "Fix what is named.")
        return
    count, points = len(rubric.criteria), f"{rubric.total:g}"
    yield Finding("rubric", "ok", f"{rubric.title}: {count} criteria, {points} points, profile "
                  f"{rubric.profile}" if rubric.profiles else
                  f"{rubric.title}: {count} criteria, {points} points")
    if rubric.recorded is None and not rubric.reference.exists():
        yield Finding("reference", "problem", f"{rubric.reference} is missing",
                      "Put the solution there, or fix the rubric's key 'reference'.")
    yield _data(rubric.active.data)


def _load(plans: Plans) -> Rubric:
    return load(plans.rubric_path, parameter_models, plans.profile)


def _data(spec: DataSpec) -> Finding:
    """Check that the files exist; decoding them may take minutes."""
    places = [one for one in (spec.path, spec.hidden.images, spec.hidden.labels) if one is not None]
    missing = [place for place in places if not place.exists()]
    if missing:
        return Finding("data", "problem", f"{missing[0]} is missing",
                       "Put the data there, fix the profile's 'data', or use another "
                       "--profile.")
    if spec.source == "none":
        return Finding("data", "ok", "none needed: the rubric trains nothing")
    return Finding("data", "ok", f"{spec.source} {' '.join(map(str, places))}".strip())


def _results(out: Path) -> Iterator[Finding]:
    book = out / NAME
    if not book.is_file():
        yield Finding("results", "ok", f"nothing in {out} yet")
        return
    seen = condition(out)
    if seen.damage:
        yield Finding("results", "warning", f"{book} is damaged: {seen.damage}",
                      "The next run sets it aside and grades again. A backup may be better.")
    elif seen.version > VERSION:
        yield Finding("results", "problem", f"{book} needs a later grader ({seen.version})",
                      "Use the grader that wrote it, or another folder with --out.")
    else:
        yield Finding("results", "ok", f"{book}: {seen.students} students")
