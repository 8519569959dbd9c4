"""Right solutions trained over many seeds, in the sandbox and by the questions of a grading.

What comes out are figures: right answers on the hidden images and seconds, by solution and seed.
Each seed draws its own noise on the hidden images as well, as each class has its own.
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
from grader.run.jobs import Asker, ask
from grader.run.open import Say, data_cache, open_sandbox
from grader.run.options import RunOptions
from grader.run.provenance.fingerprints import ground_of
from grader.run.workspace import workspace
from grader.submissions.discover import HandIn
from grader.submissions.prepare import prepare
from grader.validation.calibration.hardware import Environment, environment

AT_A_TIME = 5   # seeds that one worker is asked about: it imports torch once for all of them
Contexts = Callable[[int], RunContext]


@dataclass(frozen=True)
class Solution:
    """A right solution. `name` is what the evidence calls it, `digest` is of its files."""

    name: str
    digest: str
    hand_in: HandIn


@dataclass(frozen=True)
class Run:
    """One training. `network` tells networks apart by what they predict on the same images;
    `cut`: its budget of seconds ended it."""

    solution: str
    seed: int
    correct: int
    seconds: float
    network: int
    cut: bool = False


@dataclass(frozen=True)
class Figures:
    """All runs, of so many hidden images each, and under which circumstances they were."""

    images: int
    environment: Environment
    runs: tuple[Run, ...]


def figures_of(
    rubric: Rubric,
    solutions: Sequence[Solution],
    seeds: Sequence[int],
    options: RunOptions,
    cache: CacheFile,
    say: Say,
    done: Callable[[Run], None],
) -> Figures:
    """Train every solution with every seed, as the command line's `options` say; `done` is told
    each run as it comes. What `cache` holds of an earlier calibration is not trained again.

    Raises UsageError for a solution that is not right: it gives no prediction. Raises GraderError
    where the harness could not ask.
    """
    with workspace() as folder, open_sandbox(options, folder, say) as (sandbox, gpus):
        beside = schedule.gpu_turns(gpus, options.slots_per_gpu)
        # As in a grading.
        jobs = options.jobs or schedule.default_jobs(rubric.limits.memory_mib, beside)
        slots = schedule.Slots(jobs, gpus, options.slots_per_gpu)
        ground = ground_of(sandbox, rubric.limits, gpus, slots.gpu_share)
        stop = threading.Event()
        asker = Asker(
            sandbox, rubric.limits, slots, Recall(EvidenceCache(cache), ground), stop
        )
        contexts = _contexts(rubric, folder / "data", schedule.threads_each(slots.turns))
        prepared = {one.name: prepare(one.hand_in, folder / f"solution-{number}")
                    for number, one in enumerate(solutions)}
        now = environment(sandbox, folder, rubric.limits, gpus, slots.turns)
        parts = [tuple(seeds[at : at + AT_A_TIME]) for at in range(0, len(seeds), AT_A_TIME)]
        work = [(name, part) for part in parts for name in prepared]

        def one(item: tuple[str, tuple[int, ...]]) -> list[Run]:
            name, part = item
            return list(_runs(asker, name, prepared[name], part, contexts))

        found: list[Run] = []
        try:
            for runs in schedule.in_slots(one, work, slots.turns, stop):
                for run in runs:
                    done(run)
                found += runs
        finally:
            stop.set()   # before the sandbox and the folder go
    return Figures(len(contexts(seeds[0]).hidden_labels), now, tuple(found))


def _contexts(rubric: Rubric, view: Path, threads: int) -> Contexts:
    """The exam of a seed; data are read once."""
    dataset = load_dataset(rubric.active.data, data_cache())
    write_view(dataset, view, rubric.handouts)
    return lambda seed: draw_context(dataset, rubric, seed, threads, view)


def _runs(
    asker: Asker, name: str, submission: Submission, seeds: Sequence[int], contexts: Contexts
) -> Iterator[Run]:
    """In one worker, each seed in a session of its own. Raises like `figures_of`."""
    if submission.refused is not None:
        raise UsageError(f"{name}: it was not opened: {submission.refused}")
    rooms = {seed: contexts(seed) for seed in seeds}
    questions = [
        question for seed, context in rooms.items()
        for question in _questions(context, seed, asker.limits)
    ]
    found = ask(asker, submission, questions, rooms[seeds[0]], lambda who, what: None)
    for seed, context in rooms.items():
        training, predictions = (found[question] for question in _ids(seed))
        yield _run(name, seed, context, _answered(name, seed, training),
                   _answered(name, seed, predictions))


def _questions(context: RunContext, seed: int, limits: Limits) -> tuple[Question, ...]:
    """Those of a grading, to be answered in full, with this seed."""
    asked = without_rule(
        (train_question(context.inputs, limits), predict_question(context.inputs, limits))
    )
    session, _ = _ids(seed)
    return tuple(
        dataclasses.replace(
            one, id=name, session=session,
            args={**one.args, **({"seed": seed} if one.id == TRAIN else {})},
        )
        for one, name in zip(asked, _ids(seed), strict=True)
    )


def _ids(seed: int) -> tuple[str, str]:
    return f"{TRAIN}/seed-{seed}", f"{PREDICT}/seed-{seed}"


def _answered(name: str, seed: int, evidence: Evidence) -> Evidence:
    outcome = evidence.outcome
    if outcome.answered:
        return evidence
    what = f"{name}, seed {seed}: '{evidence.question.kind}' ended with {outcome.kind}"
    if outcome.owner == "harness":
        raise GraderError(f"{what}: {outcome.message}. Mend that, and run the same command again")
    raise UsageError(
        f"{what}: {outcome.message or outcome.traceback[-500:]}. Thresholds are calibrated by "
        "solutions that are right: mend it, or leave it out"
    )


def _run(
    name: str, seed: int, context: RunContext, training: Evidence, predictions: Evidence
) -> Run:
    # A network that diverged has no right answer, and that is a figure like any other.
    accuracy = hidden_accuracy(predictions, context.key({})) or 0.0
    return Run(
        name,
        seed,
        round(accuracy * len(context.hidden_labels)),
        round(training.outcome.seconds, 1),
        hash(predictions.blobs[1]),   # the validation images bear no noise
        training.value["stopped"] == "seconds",
    )

