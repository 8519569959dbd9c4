"""Runs on a node of a Ray cluster: one actor per worker, in a container of the node's own engine.

An actor passes bytes between the machine that grades and one container. It gets files, limits and
frames, and knows no question, label, threshold or student.
"""

from __future__ import annotations

import functools
import hashlib
import os
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grader
from grader.errors import GraderError, ImageMissing
from grader.rubric.model import Limits
from grader.sandbox.base import Exit, Job, WorkerPaths
from grader.sandbox.docker import DockerSandbox, connect
from grader.sandbox.docker.engine import check_runtime
from grader.sandbox.docker.image import id_of
from grader.sandbox.docker.leftovers import reap_leftovers, remove_run
from grader.sandbox.gpu_models import installed_models
from grader.sandbox.pools.depot import Depot

NOBODY = "a submission"   # the name of every job here: students' names stay where they are


@dataclass(frozen=True)
class Settings:
    """The part of a worker's start that is the same for all workers of a run.

    Attributes:
        image_id: Id of the worker's image. A node that has no such image starts no worker.
        runtime: The engine's container runtime; None: the engine's default.
        run: Id of the run, in the labels of its containers.
        lend_gpus: Containers get the GPUs that Ray assigned. False where GPUs are made up.
        command: Replaces the image's entrypoint, for tests; None: the worker.
    """

    image_id: str
    runtime: str | None
    run: str
    lend_gpus: bool = True
    command: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Condition:
    """A node's description of itself; see `grader.sandbox.pools.pool.NodeReport`."""

    gpu_models: tuple[str, ...]
    image_id: str | None
    problems: tuple[str, ...]
    code: str
    wants_tokens: bool


class Cell:
    """The actor of one worker. Its container ends with it, because the container's stdin does."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._held = ExitStack()
        self._worker: Any = None

    def node(self) -> str:
        """Return Ray's id of the node, which is the proof that there was room on it."""
        import ray

        return str(ray.get_runtime_context().get_node_id())

    def start(
        self,
        submission: bytes,
        limits: dict[str, Any],
        data: tuple[str, list[Any]] | None,
    ) -> WorkerPaths:
        """Start the worker and return its folders.

        Args:
            submission: The archive of the student's files.
            limits: Limits of the worker.
            data: Digest and Ray reference of the archive of the student's data; None: no data.

        Raises:
            SandboxError: The worker could not be started.
        """
        import ray

        settings, depot = self._settings, Depot()
        try:
            engine = self._held.enter_context(closing(connect()))
            folder = self._held.enter_context(depot.submission(submission))
            view = None
            if data is not None:
                digest, (reference,) = data
                view = self._held.enter_context(depot.data(digest, lambda: ray.get(reference)))
            sandbox = DockerSandbox(
                engine, settings.image_id, settings.runtime, settings.command, settings.run
            )
            job = Job(NOBODY, folder, (), Limits(**limits), view)
            gpus = [str(one) for one in ray.get_gpu_ids()] if settings.lend_gpus else []
            self._worker = self._held.enter_context(sandbox.start(job, gpus))
            # Ray gave it these resources for itself, so it never waits for a turn on this node.
            self._worker.full_speed()
        except BaseException:
            self._held.close()
            raise
        paths: WorkerPaths = self._worker.paths
        return paths

    def write(self, data: bytes) -> None:
        """Send all of `data` to the worker; see `grader.sandbox.base.Worker`, as for the next ones.

        Raises:
            OSError: The worker no longer reads.
        """
        self._worker.write(data)

    def read(self, size: int) -> bytes:
        piece: bytes = self._worker.read(size)
        return piece

    def processor_seconds(self) -> float | None:
        seconds: float | None = self._worker.processor_seconds()
        return seconds

    def stop(self) -> tuple[Exit, str]:
        """End the worker; return how it ended, and the last part of its own stderr."""
        return self._worker.stop(), self._worker.stderr

    def close(self) -> None:
        """End the worker and remove every trace of it from this node."""
        self._held.close()


def describe(image: str, runtime: str | None) -> Condition:
    """Return what this node has and lacks. Nothing is started or changed."""
    problems = []
    found = None
    try:
        with closing(connect()) as engine:
            with suppress(ImageMissing):
                found = id_of(engine, image)
            if runtime is not None:
                check_runtime(runtime, engine)
        Depot()
    except (GraderError, OSError) as error:
        problems.append(str(error))
    if found is None and not problems:
        problems.append(
            f"it has no image {image}: build it on one machine with `grader image build`, and load"
            f" the same image on the others (`docker save {image} | ssh NODE docker load`)"
        )
    wants_tokens = os.environ.get("RAY_AUTH_MODE") == "token"
    return Condition(installed_models(), found, tuple(problems), code(), wants_tokens)


def tidy(run: str | None) -> None:
    """Remove what dead graders left on this node, and every container of `run`."""
    with suppress(GraderError, OSError):
        Depot().sweep()
        with closing(connect()) as engine:
            reap_leftovers(engine)
            if run is not None:
                remove_run(engine, run)


@functools.cache
def code() -> str:
    """Return the version and a digest of this grader's code; head and nodes must have the same."""
    digest = hashlib.sha256()
    package = Path(grader.__file__).parent
    for path in sorted(package.rglob("*.py")):
        digest.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes())
    return f"{grader.__version__} ({digest.hexdigest()[:8]})"
