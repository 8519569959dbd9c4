"""Opens what a run needs (a workspace, a sandbox, GPUs) and closes it afterwards."""

from __future__ import annotations

import dataclasses
import importlib.util
import sys
import threading
from collections.abc import Callable, Collection, Generator, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from functools import partial
from pathlib import Path

from platformdirs import user_cache_path

from grader.errors import EngineMissing, GpuUnavailable, UsageError
from grader.grading.gradebook import Gradebook
from grader.records import Grade
from grader.rubric.model import Limits, Rubric
from grader.run import pipeline, schedule
from grader.run.cache.evidence import EvidenceCache
from grader.run.cache.file import CacheFile
from grader.run.cache.recall import Recall
from grader.run.context import draw_seed
from grader.run.differences import differences
from grader.run.gpu_canary import examine_gpus
from grader.run.jobs import Tell
from grader.run.options import RunOptions
from grader.run.pools import is_pooled, pool_of
from grader.run.provenance.changes import changes
from grader.run.provenance.conditions import conditions
from grader.run.provenance.event_log import EventLog, no_log
from grader.run.provenance.fingerprints import fingerprints, ground_of
from grader.run.provenance.hardware import hardware_of
from grader.run.recorded_answers import read_recorded
from grader.run.setup import set_up
from grader.run.workspace import workspace
from grader.sandbox.base import Sandbox
from grader.sandbox.gpu_names import gpus_of_this_machine
from grader.sandbox.pools.pool import Capacity
from grader.submissions.discover import HandIn
from grader.text import counted

UNPROTECTED = (
    "The process sandbox limits time and memory and protects against nothing else: submissions run "
    "with your own rights. Grade a class with --sandbox docker."
)

Say = Callable[[str], None]
Opened = AbstractContextManager[tuple[Sandbox, tuple[str, ...]]]
Opener = Callable[[RunOptions, Path, Say], Opened]


def grades_of(
    rubric: Rubric,
    hand_ins: Collection[HandIn],
    options: RunOptions,
    book: Gradebook,
    cache: CacheFile,
    say: Say,
    tell: Tell,
    stop: threading.Event | None = None,
    opener: Opener | None = None,
    event_log: EventLog | None = None,
    present: Collection[str] | None = None,
    begun: Callable[[], None] = lambda: None,
) -> Generator[Grade, None, None]:
    """Grade hand-ins and yield grades as they are ready. Closing the generator ends what runs.

    Args:
        rubric: The rubric to grade by.
        hand_ins: What to grade.
        options: How to carry out the run.
        book: The gradebook: verdicts that still hold are taken from it, new ones are added.
        cache: The cache: answers that still hold are taken from it, new ones are added.
        say: Called with what the instructor should know before grading starts.
        tell: Called with a student and a short text whenever a submission enters a new step.
        stop: Once set, no new submission begins.
        opener: Opens another sandbox than `options` names.
        event_log: Takes each event of each submission.
        present: Names of all hand-ins of the class, also of those not to grade. None: not known.
        begun: Called once the gradebook knows which earlier verdicts hold in this run.

    Raises:
        EngineMissing, UsageError: The sandbox cannot be opened.
        DataError, CheckError, NoKey, NoNodeLeft, GpuUnavailable: As `pipeline.grade_all`.
    """
    stop = stop or threading.Event()
    criteria = options.criteria or tuple(criterion.id for criterion in rubric.criteria)
    where = dataclasses.replace(options, packages=rubric.packages)
    with (
        workspace() as folder,
        _machines(where, rubric.limits, folder, say, stop, opener) as (sandbox, gpus, capacity),
    ):
        if sandbox.name in ("process", "slurm"):   # it grades with this Python
            for line in differences(rubric):
                say(line)
        memory = rubric.limits.memory_mib
        on_gpus = schedule.gpu_turns(gpus, options.slots_per_gpu)
        usual = capacity.jobs if capacity else schedule.default_jobs(memory, beside=on_gpus)
        jobs, pooled = options.jobs or usual, capacity is not None
        slots = schedule.Slots(jobs, gpus, options.slots_per_gpu, pooled)
        hardware = hardware_of(sandbox, gpus, slots.gpu_share)
        seed = book.begin(
            fingerprints(rubric, rubric.criteria, sandbox, hardware),
            seed=options.seed, drawn=_drawn(rubric), fresh=options.fresh and options.whole,
        )
        now = conditions(rubric, sandbox, hardware, options, present)
        book.keep_conditions(now)
        before = None if options.fresh else book.conditions_before()
        if before is not None and (changed := changes(before, now)):
            say(f"Since the last run {', and '.join(changed)}. Verdicts are reached again; answers "
                "that still hold are not asked for again.")
        ahead = schedule.workers_ahead(slots.turns, memory)
        ground = ground_of(sandbox, rubric.limits, hardware)
        since = book.run if options.fresh else book.first
        setup = set_up(
            rubric, criteria, sandbox, folder, data_cache(),
            slots=slots,
            # Part of every question. On a pool each worker has its processors to itself, so they
            # depend on the rubric alone, and not on the head or on today's machines.
            threads=rubric.limits.threads if pooled else None,
            ahead=ahead if sandbox.waits_quietly else 0,
            recall=Recall(EvidenceCache(cache), ground, book.run, since),
            seed=seed,
            stop=stop,
            log=no_log if event_log is None else partial(event_log.note, book.run),
            ready=partial(
                examine_gpus, sandbox, gpus, options.slots_per_gpu, slots.gpu_share, rubric.limits,
                folder,
            ),
        )  # fmt: skip
        known = partial(book.known, afresh=criteria if options.fresh else ())
        begun()
        setup = dataclasses.replace(
            setup, known=known, keep=book.add, marks=book.marks, expected=book.seconds_of
        )
        try:
            yield from pipeline.grade_all(setup, hand_ins, tell)
        finally:
            # Before the sandbox and the folder close: code that then misses its files is not at
            # fault, so no verdict is taken any more.
            stop.set()
            book.finish()


def _drawn(rubric: Rubric) -> int:
    """Draw a seed; recorded answers of the reference come with the seed that they answer."""
    return draw_seed() if rubric.recorded is None else read_recorded(rubric.recorded).seed


def data_cache() -> Path:
    """Return the folder of this user's decoded image folders."""
    return user_cache_path("grader")


@contextmanager
def _machines(
    options: RunOptions, limits: Limits, folder: Path, say: Say, stop: threading.Event,
    opener: Opener | None,
) -> Iterator[tuple[Sandbox, tuple[str, ...], Capacity | None]]:
    """Open the sandbox of a run; yield it with GPUs to lend and a pool's capacity.

    The capacity is None on this machine.
    """
    if opener is not None or not is_pooled(options):
        with (opener or open_sandbox)(options, folder, say) as (sandbox, gpus):
            yield sandbox, gpus, None
        return
    pool = pool_of(options)
    try:
        on_pool = pool.open(folder, say, stop)
        lends = options.gpus != "none"
        capacity = pool.capacity(limits, options.slots_per_gpu if lends else 0)
        if options.gpus == "all" and not capacity.gpus:
            raise GpuUnavailable(f"--gpus all: no machine of --on {options.on} has such a GPU")
        gpus_too = f" and {counted(capacity.gpus, 'GPU')}" if capacity.gpus else ""
        say(f"Room for {counted(capacity.jobs, 'submission')} at a time{gpus_too}.")
        yield on_pool, capacity.tickets, capacity
    finally:
        pool.close()


@contextmanager
def open_sandbox(
    options: RunOptions, folder: Path, say: Say
) -> Iterator[tuple[Sandbox, tuple[str, ...]]]:
    """Open the sandbox that `options` name; yield it with the ids of the GPUs that it may lend.

    Args:
        options: Names the sandbox, the GPUs, the base image and the runtime.
        folder: A scratch folder for the sandbox.
        say: Called with what the instructor should know.

    Raises:
        EngineMissing: Docker is wanted and no engine answers.
        EngineUnsuitable: Podman answers in place of Docker.
        GpuUnavailable: All GPUs are wanted and there is none.
        UsageError: A process is wanted and this Python has no torch.
    """
    if options.sandbox != "process":
        from grader.sandbox.docker import Build, DockerSandbox, connect, ensure_image, resolve_gpus

        try:
            engine = connect()
        except EngineMissing:
            if options.sandbox == "docker":
                raise
            say("No Docker Engine answers, so submissions run in the process sandbox.")
        else:
            with closing(engine):
                build = Build.of(options.base_image, options.packages)
                tag = ensure_image(engine, build, say)
                container = DockerSandbox(engine, tag, runtime=options.runtime)
                container.reap_leftovers()
                try:
                    yield container, resolve_gpus(options.gpus, engine, tag)
                finally:
                    container.close()
            return
    from grader.sandbox.process import ProcessSandbox

    _require("torch", "torchvision")
    say(UNPROTECTED)
    gpus = gpus_of_this_machine(options.gpus)
    sandbox = ProcessSandbox(scratch=folder)
    try:
        yield sandbox, gpus
    finally:
        sandbox.close()


def _require(*packages: str) -> None:
    """Raise UsageError if this interpreter lacks a package that every submission needs."""
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageError(
            f"{sys.executable} has no {' and no '.join(missing)}. Without Docker, submissions run "
            "with this Python. Install what is missing (`pip install 'torch-grader[torch]'`), or "
            "use --sandbox docker, whose image brings its own."
        )
