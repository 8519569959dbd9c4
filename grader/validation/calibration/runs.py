"""Trains right solutions with many seeds, as in a grading: same sandbox, same questions.

The result of each run is the number of right answers on the hidden images, and its seconds. Each
seed also draws its own noise on the hidden images, since each class has its own.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.checks.early_stopping import without_rule
from grader.checks.scoring import hidden_accuracy
from grader.checks.training_run import PREDICT, TRAIN, predict_question, train_question
from grader.errors import GraderError, UsageError
from grader.records import Evidence, Question, Submission
from grader.rubric.model import Limits, Rubric
from grader.run import schedule
from grader.run.cache.evidence import EvidenceCache
from grader.run.cache.file import CacheFile
from grader.run.cache.recall import Recall
from grader.run.context import RunContext, draw_context
from grader.run.data.datasets import load_dataset, write_view
from grader.run.gpu_canary import examine_gpus
from grader.run.jobs import Asker, ask
from grader.run.open import Say, data_cache, open_sandbox
from grader.run.options import RunOptions
from grader.run.provenance.fingerprints import ground_of
from grader.run.provenance.hardware import Environment, environment, hardware_of
from grader.run.workspace import workspace
from grader.submissions.discover import HandIn
from grader.submissions.prepare import prepare_trusted

AT_A_TIME = 5   # seeds for one worker, which imports torch once for all of them
Contexts = Callable[[int], RunContext]


@dataclass(frozen=True)
class Solution:
    """A right solution: its name in the record, a digest of its files, and its files."""

    name: str
    digest: str
    hand_in: HandIn


@dataclass(frozen=True)
class SeedRun:
    """One training of one solution with one seed.

    Attributes:
        solution: Name of the solution.
        seed: The seed.
        correct: Right predictions on the hidden images.
        seconds: Time of the training.
        network: A hash of its predictions on the validation images, which tells networks apart.
        cut: The budget of seconds ended it.
    """

    solution: str
    seed: int
    correct: int
    seconds: float
    network: int
    cut: bool = False


@dataclass(frozen=True)
class Figures:
    """All runs of a calibration: hidden images per run, hardware and versions, and the runs."""

    images: int
    environment: Environment
    runs: tuple[SeedRun, ...]


def figures_of(
    rubric: Rubric,
    solutions: Sequence[Solution],
    seeds: Sequence[int],
    options: RunOptions,
    cache: CacheFile,
    say: Say,
    done: Callable[[SeedRun], None],
    stop: threading.Event | None = None,
) -> Figures:
    """Train every solution with every seed.

    Args:
        rubric: Its active profile, data and limits.
        solutions: The solutions.
        seeds: The seeds.
        options: Options of the command line: sandbox, jobs, GPUs.
        cache: Runs that it has from an earlier calibration are not trained again.
        say: Called with messages for the terminal.
        done: Called with each run as soon as it is complete.
        stop: Once set, no new training begins; those that run are finished and kept.

    Raises:
        UsageError: A solution gives no predictions, so it is not right.
        GpuUnavailable: A GPU that was lent does not work.
        GraderError: The harness failed.
    """
    options = dataclasses.replace(options, packages=rubric.packages)
    with workspace() as folder, open_sandbox(options, folder, say) as (sandbox, gpus):
        beside = schedule.gpu_turns(gpus, options.slots_per_gpu)
        # As in a grading.
        jobs = options.jobs or schedule.default_jobs(rubric.limits.memory_mib, beside)
        slots = schedule.Slots(jobs, gpus, options.slots_per_gpu)
        limits = rubric.limits
        examine_gpus(sandbox, gpus, options.slots_per_gpu, slots.gpu_share, limits, folder)
        ground = ground_of(sandbox, limits, hardware_of(sandbox, gpus, slots.gpu_share))
        stop = stop or threading.Event()
        asker = Asker(
            sandbox, rubric.limits, slots, Recall(EvidenceCache(cache), ground), stop
        )
        threads = schedule.threads_each(slots.turns, rubric.limits.threads)
        contexts = _contexts(rubric, folder / "data", threads)
        prepared = {one.name: prepare_trusted(one.hand_in, folder / f"solution-{number}")
                    for number, one in enumerate(solutions)}
        now = environment(sandbox, folder, rubric.limits, gpus, threads)
        parts = [tuple(seeds[at : at + AT_A_TIME]) for at in range(0, len(seeds), AT_A_TIME)]
        work = [(name, part) for part in parts for name in prepared]

        def train(item: tuple[str, tuple[int, ...]]) -> list[SeedRun]:
            name, part = item
            try:
                return list(_runs(asker, name, prepared[name], part, contexts))
            except schedule.Stopped:
                return []   # it had not begun

        found: list[SeedRun] = []
        try:
            for runs in schedule.in_slots(train, work, slots.turns, stop):
                for run in runs:
                    done(run)
                found += runs
        finally:
            stop.set()   # before the sandbox and the folder are removed
    return Figures(len(contexts(seeds[0]).hidden_labels), now, tuple(found))


def _contexts(rubric: Rubric, view: Path, threads: int) -> Contexts:
    """Return a function from a seed to its run context; the data are read once."""
    dataset = load_dataset(rubric.active.data, data_cache())
    write_view(dataset, view, rubric.handouts)
    return lambda seed: draw_context(dataset, rubric, seed, threads, view)


def _runs(
    asker: Asker, name: str, submission: Submission, seeds: Sequence[int], contexts: Contexts
) -> Iterator[SeedRun]:
    """Train in one worker, each seed in a session of its own. Raises like `figures_of`."""
    if submission.refused is not None:
        raise UsageError(f"{name} could not be unpacked: {submission.refused}")
    by_seed = {seed: contexts(seed) for seed in seeds}
    questions = [
        question for seed, context in by_seed.items()
        for question in _questions(context, seed, asker.limits)
    ]
    found = ask(asker, submission, questions, by_seed[seeds[0]], lambda who, what: None)
    for seed, context in by_seed.items():
        training, predictions = (found[question] for question in _ids(seed))
        yield _run(name, seed, context, _answered(name, seed, training),
                   _answered(name, seed, predictions))


def _questions(context: RunContext, seed: int, limits: Limits) -> tuple[Question, ...]:
    """Make a grading's questions for this seed; no training ends early."""
    usual = without_rule(
        (train_question(context.inputs, limits), predict_question(context.inputs, limits))
    )
    session, _ = _ids(seed)
    return tuple(
        dataclasses.replace(
            one, id=name, session=session,
            args={**one.args, **({"seed": seed} if one.id == TRAIN else {})},
        )
        for one, name in zip(usual, _ids(seed), strict=True)
    )


def _ids(seed: int) -> tuple[str, str]:
    return f"{TRAIN}/seed-{seed}", f"{PREDICT}/seed-{seed}"


def _answered(name: str, seed: int, evidence: Evidence) -> Evidence:
    outcome = evidence.outcome
    if outcome.answered:
        return evidence
    what = f"{name}, seed {seed}: '{evidence.question.kind}' ended with {outcome.kind}"
    if outcome.owner == "harness":
        raise GraderError(f"{what}: {outcome.message}. Fix that and run the same command again")
    raise UsageError(
        f"{what}: {outcome.message or outcome.traceback[-500:]}. Thresholds are calibrated with "
        "right solutions only: fix this one, or leave it out"
    )


def _run(
    name: str, seed: int, context: RunContext, training: Evidence, predictions: Evidence
) -> SeedRun:
    # A network that diverged has no right answers, which is a valid result.
    accuracy = hidden_accuracy(predictions, context.key({})) or 0.0
    return SeedRun(
        name,
        seed,
        round(accuracy * len(context.hidden_labels)),
        round(training.outcome.seconds, 1),
        hash(predictions.blobs[1]),   # the validation images have no noise
        training.value["stopped"] == "seconds",
    )

