"""What a run is opened with, and closed after: a sandbox, the GPUs that it lends, a workspace."""

from __future__ import annotations

import dataclasses
import importlib.util
import sys
import threading
from collections.abc import Callable, Collection, Generator, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from grader.errors import EngineMissing, UsageError
from grader.grading.gradebook import Gradebook
from grader.records import ALL_GPUS, Grade
from grader.rubric.model import Rubric
from grader.run import (
    pipeline,
    schedule,
)
from grader.run.cache.evidence import EvidenceCache
from grader.run.cache.file import CacheFile
from grader.run.cache.recall import Recall
from grader.run.conditions import conditions
from grader.run.context import draw_seed
from grader.run.event_log import EventLog, no_log
from grader.run.fingerprint import fingerprints, ground_of
from grader.run.jobs import Tell
from grader.run.recorded_answers import read_recorded
from grader.run.workspace import workspace
from grader.sandbox.base import Sandbox
from grader.submissions.discover import HandIn

UNPROTECTED = (
    "The process sandbox keeps time and memory and protects against nothing else: submissions run "
    "with your own rights. Grade a class with --sandbox docker."
)

Say = Callable[[str], None]
Opened = AbstractContextManager[tuple[Sandbox, tuple[str, ...]]]
Opener = Callable[[Mapping[str, Any], Path, Say], Opened]


def grades_of(
    rubric: Rubric,
    hand_ins: Collection[HandIn],
    options: Mapping[str, Any],
    say: Say,
    tell: Tell,
    book: Gradebook,
    cache: CacheFile,
    stop: threading.Event,
    opener: Opener | None = None,
    event_log: EventLog | None = None,
) -> Generator[Grade, None, None]:
    """Grade with what the command line's `options` ask for; grades come as they are ready.

    `say` is told what the instructor should know before it starts, `tell` what each student's
    submission is at. What stands in `book` is not concluded again and what `cache` holds is not
    asked again; what is new is kept in both. Once `stop` is set nothing new begins. Leaving this
    early ends what runs. `opener` opens another sandbox than the options name, `journal` takes down
    what happens to each submission.
    """
    criteria = options["criterion"] or [criterion.id for criterion in rubric.criteria]
    fresh = options["fresh"]
    opened = opener or open_sandbox
    with workspace() as folder, opened(options, folder, say) as (sandbox, gpus):
        slots, memory = options["slots_per_gpu"], rubric.limits.memory_mib
        on_gpus = schedule.gpu_turns(gpus, slots)
        jobs = options["jobs"] or schedule.default_jobs(memory, beside=on_gpus)
        slots = schedule.Slots(jobs, gpus, slots)
        share = slots.gpu_share
        seed = book.begin(
            fingerprints(rubric, rubric.criteria, sandbox, gpus, share),
            seed=options["seed"], drawn=_drawn(rubric), fresh=fresh and options["whole"],
        )
        book.keep_conditions(conditions(rubric, sandbox, gpus, share, options))
        ahead = schedule.workers_ahead(slots.turns, memory)
        setup = pipeline.set_up(
            rubric, criteria, sandbox, folder, data_cache(),
            slots=slots,
            ahead=ahead if sandbox.waits_quietly else 0,
            memory=Recall(
                EvidenceCache(cache), ground_of(sandbox, rubric.limits, gpus, share), book.run,
                book.run if fresh else book.first,
            ),
            seed=seed,
            stop=stop,
            log=no_log if event_log is None else partial(event_log.note, book.run),
        )  # fmt: skip
        known = partial(book.known, afresh=criteria if fresh else ())
        setup = dataclasses.replace(
            setup, known=known, keep=book.add, marks=book.marks, expected=book.seconds_of
        )
        try:
            yield from pipeline.grade_all(setup, hand_ins, tell)
        finally:
            # Before the sandbox and the folder go: code that misses its files is not at fault.
            stop.set()
            book.seal()


def _drawn(rubric: Rubric) -> int:
    """A seed; that of the recorded answers, where there are no others."""
    return draw_seed() if rubric.recorded is None else read_recorded(rubric.recorded).seed


def data_cache() -> Path:
    """Where image folders are kept that were decoded once."""
    return user_cache_path("grader")


@contextmanager
def open_sandbox(
    options: Mapping[str, Any], folder: Path, say: Say
) -> Iterator[tuple[Sandbox, tuple[str, ...]]]:
    """The sandbox that was asked for, and the GPUs that it may lend; its scratch is in `folder`."""
    name, gpus = options["sandbox_name"], options["gpus"]
    if name != "process":
        from grader.sandbox.docker import Build, DockerSandbox, connect, ensure_image, resolve_gpus

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
                container = DockerSandbox(engine, tag, runtime=options["runtime"])
                container.reap_leftovers()
                try:
                    yield container, resolve_gpus(gpus, engine, tag)
                finally:
                    container.close()
            return
    from grader.sandbox.process import ProcessSandbox

    _require("torch", "torchvision")
    say(UNPROTECTED)
    lent = {"none": (), "auto": ALL_GPUS, "all": ALL_GPUS}
    sandbox = ProcessSandbox(scratch=folder)
    try:
        yield sandbox, lent.get(gpus, tuple(gpus.split(",")))
    finally:
        sandbox.close()


def _require(*packages: str) -> None:
    """Raises UsageError where a process of this interpreter has not what every submission needs."""
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageError(
            f"{sys.executable} has no {' and no '.join(missing)}, and submissions run with it "
            "without Docker. Install them beside the grader (`pip install 'torch-grader[torch]'`), "
            "or take --sandbox docker, whose image brings its own."
        )
