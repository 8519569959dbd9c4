"""What a run is opened with, and closed after: a sandbox, the GPUs that it lends, a workspace."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from grader import pipeline, schedule
from grader.class_folder import HandIn
from grader.errors import EngineMissing
from grader.records import Grade
from grader.rubric import Rubric
from grader.sandbox.base import Sandbox

UNPROTECTED = (
    "The process sandbox keeps time and memory and protects against nothing else: submissions run "
    "with your own rights. Grade a class with --sandbox docker."
)

Say = Callable[[str], None]


def grades_of(
    rubric: Rubric,
    hand_ins: Collection[HandIn],
    options: Mapping[str, Any],
    say: Say,
    tell: pipeline.Tell,
) -> Iterator[Grade]:
    """Grade with what the command line's `options` ask for; grades come as they are ready.

    `say` is told what the instructor should know before it starts, `tell` what each student's
    submission is at.
    """
    with tempfile.TemporaryDirectory(prefix="grader-run-") as folder:
        # The worker's user in a container has to reach what is mounted from here.
        Path(folder).chmod(0o755)
        with open_sandbox(options, say) as (sandbox, gpus):
            setting = pipeline.set_up(
                rubric,
                options["criterion"] or [criterion.id for criterion in rubric.criteria],
                sandbox,
                Path(folder),
                user_cache_path("grader"),
                gpus=gpus,
                jobs=options["jobs"] or schedule.default_jobs(rubric.limits.memory_mib),
                seed=options["seed"],
                tell=tell,
            )
            yield from pipeline.grade_all(setting, hand_ins, tell)


@contextmanager
def open_sandbox(
    options: Mapping[str, Any], say: Say
) -> Iterator[tuple[Sandbox, tuple[str, ...]]]:
    """The sandbox that was asked for, and the GPUs that it may lend."""
    name, gpus = options["sandbox_name"], options["gpus"]
    if name != "process":
        from grader.sandbox.docker import (
            Build,
            DockerSandbox,
            connect,
            ensure_image,
            resolve_gpus,
        )

        try:
            engine = connect()
        except EngineMissing:
            if name == "docker":
                raise
            say("No Docker Engine answers: submissions run in the process sandbox.")
        else:
            with closing(engine):
                base = options["base_image"]
                tag = ensure_image(engine, Build({"BASE_IMAGE": base} if base else {}), say)
                sandbox = DockerSandbox(engine, tag, runtime=options["runtime"])
                sandbox.reap_leftovers()
                yield sandbox, resolve_gpus(gpus, engine, tag)
            return
    from grader.sandbox.process import ProcessSandbox

    say(UNPROTECTED)
    lent = {"none": (), "auto": ("all",), "all": ("all",)}
    yield ProcessSandbox(), lent.get(gpus, tuple(gpus.split(",")))
