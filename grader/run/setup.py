"""Sets up what all submissions of a run share: rubric, slots, data and reference."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.checks.answer_key import AnswerKey
from grader.errors import UsageError
from grader.grading.marks import Mark
from grader.records import Concluded, Submission
from grader.rubric.model import Criterion, Rubric
from grader.run import schedule
from grader.run.cache.evidence import EvidenceCache
from grader.run.cache.file import no_cache
from grader.run.cache.recall import Recall
from grader.run.context import RunContext, draw_seed, prepare_context
from grader.run.jobs import Asker
from grader.run.provenance.event_log import Log, no_log
from grader.run.reference import ReferenceAnswers, ask_reference, begun_once
from grader.run.schedule import Slots
from grader.sandbox.base import Sandbox


@dataclass(frozen=True)
class RunSetup:
    """Everything that all submissions of a run share.

    The data are loaded when the first question is about to be asked, and the reference is asked
    beside the first submissions: a run whose verdicts are all known does neither.

    Attributes:
        rubric: The rubric, with its active profile.
        criteria: The criteria that this run grades.
        workspace: The folder that submissions are unpacked into.
        asker: Asks workers, in slots.
        context: Returns the questions' inputs and labels. Raises DataError and CheckError.
        reference: The reference's answers; it is asked when somebody needs them.
        in_hand: Submissions that are unpacked and under way at a time.
        known: Looks up what earlier runs concluded about a submission.
        keep: Stores what this run concluded about a submission.
        marks: Looks up the marks that people gave a student.
        expected: Looks up how many seconds a student's submission took last time.
    """

    rubric: Rubric
    criteria: tuple[Criterion, ...]
    workspace: Path
    asker: Asker
    context: Callable[[], RunContext]
    reference: ReferenceAnswers
    in_hand: int = 1
    known: Callable[[Submission], Concluded] = lambda submission: Concluded()
    keep: Callable[[Submission, Concluded], None] = lambda submission, found: None
    marks: Callable[[str], Sequence[Mark]] = lambda student: ()
    expected: Callable[[str], float | None] = lambda student: None

    @property
    def sandbox(self) -> Sandbox:
        """The sandbox that submissions run in."""
        return self.asker.sandbox

    @property
    def key(self) -> AnswerKey:
        """The labels and the reference's answers; only reading the latter waits for them."""
        return self.context().key(self.reference)


def set_up(
    rubric: Rubric,
    criteria: Collection[str],
    sandbox: Sandbox,
    workspace: Path,
    cache: Path,
    *,
    slots: Slots | None = None,
    threads: int | None = None,
    ahead: int = 0,
    recall: Recall | None = None,
    seed: int | None = None,
    stop: threading.Event | None = None,
    log: Log = no_log,
    ready: Callable[[], object] = lambda: None,
) -> RunSetup:
    """Prepare a run. Nothing is loaded or asked yet.

    Args:
        rubric: The rubric to grade by.
        criteria: Ids of the criteria to grade.
        sandbox: Where submissions run.
        workspace: A folder for unpacked submissions and for the data that students' code sees.
        cache: A folder for decoded datasets.
        slots: Turns on processors and GPUs; by default one turn and no GPU.
        threads: Threads for each training. None: those that this machine has for each turn.
        ahead: Submissions that get ready beyond those that have a turn.
        recall: Looks answers up in the cache; by default nothing is cached.
        seed: Seed of the hidden inputs; by default a new one.
        stop: Once set, no new submission begins.
        log: Takes each event of each submission.
        ready: Called once, before the first question is asked. Raises GpuUnavailable.

    Raises:
        UsageError: The rubric has no criterion of that id.
    """
    chosen = choose(rubric, criteria)
    examined = begun_once(ready)
    asker = Asker(
        sandbox,
        rubric.limits,
        slots or Slots(1),
        recall or Recall(EvidenceCache(no_cache()), ""),
        stop or threading.Event(),
        log=log,
        ready=lambda: examined().result(),
    )
    drawn = draw_seed() if seed is None else seed
    turns = asker.slots.turns
    each = threads or schedule.threads_each(turns, rubric.limits.threads)
    prepared = begun_once(
        lambda: prepare_context(rubric, drawn, each, workspace / "data", cache)
    )

    def context() -> RunContext:
        return prepared().result()

    # The reference waits for no other submission's turn, and it finishes even when nothing new
    # begins: submissions that were already asked need its answers.
    apart = dataclasses.replace(
        asker, slots=Slots(1), stop=threading.Event(), absent=threading.Event()
    )

    reference = ReferenceAnswers(
        lambda: ask_reference(rubric, chosen, workspace, apart, context())
    )
    return RunSetup(rubric, chosen, workspace, asker, context, reference, turns + ahead)


def choose(rubric: Rubric, criteria: Collection[str]) -> tuple[Criterion, ...]:
    """Return the rubric's criteria with these ids, in the rubric's order.

    Raises:
        UsageError: The rubric has no criterion of that id.
    """
    known = [criterion.id for criterion in rubric.criteria]
    unknown = sorted(set(criteria) - set(known))
    if unknown:
        raise UsageError(f"no criterion '{unknown[0]}' in the rubric; it has {', '.join(known)}")
    return tuple(criterion for criterion in rubric.criteria if criterion.id in criteria)
