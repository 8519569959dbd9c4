"""Asks workers: known answers are not asked for, and questions that were lost are repeated."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field

from grader.checks.training_run import ended_by_time
from grader.errors import NoNodeLeft
from grader.records import ALL_GPUS, Evidence, Question, Submission
from grader.rubric.model import Limits
from grader.run.cache.recall import Recall
from grader.run.context import TRAINING, RunContext
from grader.run.provenance.event_log import Log, no_log, of_evidence
from grader.run.pytest_session import examine
from grader.run.schedule import Slot, Slots, Stopped
from grader.run.tries import Tries
from grader.sandbox.base import Job, Sandbox
from grader.sandbox.conversation import converse
from grader.sandbox.outcomes import NO_NODE_LEFT, NODE_LOST, NOT_STARTED

Tell = Callable[[str, str], None]   # (student, what is happening now)
UNPACKING, GETTING_READY = "unpacking", "getting ready"
LOST = "not scored yet; tried again at the end"
SLOW = "its time was up while it trained; trained again alone at the end"
NOT_BEGUN = (UNPACKING, GETTING_READY, LOST, SLOW)   # a run that is stopped does not wait for these


@dataclass(frozen=True)
class Asker:
    """Asks questions in a sandbox, in slots.

    Attributes:
        sandbox: Where workers are started.
        limits: Limits of each worker.
        slots: Turns on the processor and on GPUs.
        recall: Looks answers up in the cache.
        stop: Once set, nothing is repeated and nothing new begins.
        alone: Nothing else runs. Trainings that time ended are asked for the last time.
        absent: Set while no worker can be started at all. One submission has waited for that to
            pass, so the others need not wait again.
        log: Takes each event.
        ready: Called before the first question. Raises GpuUnavailable if a lent GPU does not work.
    """

    sandbox: Sandbox
    limits: Limits
    slots: Slots
    recall: Recall
    stop: threading.Event
    alone: bool = False
    absent: threading.Event = field(default_factory=threading.Event)
    log: Log = no_log
    ready: Callable[[], object] = lambda: None


class Begun:
    """The `stop` event of one submission: the run's until its first turn, then one of its own.

    A submission that has begun is finished even when the run is being stopped.
    """

    def __init__(self, stop: threading.Event) -> None:
        self.stop = stop

    def now(self) -> None:
        """Note that the submission has had its turn."""
        self.stop = threading.Event()


def ask(
    asker: Asker,
    submission: Submission,
    questions: Sequence[Question],
    context: RunContext,
    tell: Tell,
) -> dict[str, Evidence]:
    """Return the evidence by question id, from the cache or from workers.

    Args:
        asker: Where to ask.
        submission: Whose code is asked.
        questions: What is asked.
        context: The data that the code may see, and the early stopper.
        tell: Called with the student and a short text at each step.

    Raises:
        NoNodeLeft: The sandbox has no machine left. Answers until then are in the cache.
        Stopped: `asker.stop` was set before the submission had its turn.
        GpuUnavailable: A lent GPU does not work, so nobody can be asked.
    """
    known = asker.recall.look_up(submission, questions, context.digest)
    if known:
        asker.log(submission.student, "remembered", {"questions": sorted(known)})
    begun = Begun(asker.stop)
    missing = _whole_sessions(questions, {one.id for one in questions if one.id not in known})
    if not missing:
        return known
    asker.ready()
    found = _ask_once(asker, submission, missing, context, begun, tell)
    tries = Tries()
    while lost := {id: one.outcome.kind for id, one in found.items() if tries.may_repeat(one)}:
        pause = tries.pause(set(lost.values()), absent=asker.absent.is_set())
        if pause is None or asker.stop.wait(pause):
            break
        if NODE_LOST in lost.values():
            tell(submission.student, "its machine went away; asked again on another")
        found |= _ask_once(asker, submission, _whole_sessions(missing, lost), context, begun, tell)
    nothing_starts = {one.outcome.kind for one in found.values()} == {NOT_STARTED}
    asker.absent.set() if nothing_starts else asker.absent.clear()
    asker.recall.remember(submission, questions, context.digest, _lasting(asker, found))
    _require_a_node(found.values())
    return known | found


def _require_a_node(found: Iterable[Evidence]) -> None:
    for one in found:
        if one.outcome.kind == NO_NODE_LEFT:
            raise NoNodeLeft(
                f"{one.outcome.message}. Start machines again, then run the same command, without "
                "--fresh: what was graded is kept, and nobody lost points."
            )


def _lasting(asker: Asker, found: Mapping[str, Evidence]) -> dict[str, Evidence]:
    """Return what need not be asked again: a training that time ended is put once more, alone."""
    unfinished = {
        one.question.session
        for one in found.values()
        if one.question.kind == TRAINING and ended_by_time(one) and not asker.alone
    }
    return {id: one for id, one in found.items() if one.question.session not in unfinished}


def _whole_sessions(
    questions: Sequence[Question], wanted: Collection[str]
) -> tuple[Question, ...]:
    """Return all questions of each session in which one is wanted: later ones need earlier ones."""
    sessions = {question.session for question in questions if question.id in wanted}
    return tuple(question for question in questions if question.session in sessions)


def _ask_once(
    asker: Asker,
    submission: Submission,
    questions: Sequence[Question],
    context: RunContext,
    begun: Begun,
    tell: Tell,
) -> dict[str, Evidence]:
    """Ask once, without repetition.

    Trainings have a worker and a turn of their own where there are GPUs. The instructor's tests
    have a worker to themselves, because they decide what to ask as they run.
    """
    tests = [question for question in questions if question.tests is not None]
    if tests:
        rest = [question for question in questions if question.tests is None]
        lent = asker.slots.for_code
        found = _ask_once(asker, submission, rest, context, begun, tell)
        return found | _in_turn(asker, submission, tests, lent, context, begun, tell, examine)
    trains = {question.session for question in questions if question.kind == TRAINING}
    slots = asker.slots
    if not (slots.has_gpus and trains):
        return _in_turn(asker, submission, questions, slots.for_code, context, begun, tell)
    code = [question for question in questions if question.session not in trains]
    training = [question for question in questions if question.session in trains]
    found = _in_turn(asker, submission, code, slots.for_code, context, begun, tell)
    return found | _in_turn(asker, submission, training, slots.for_training, context, begun, tell)


def _in_turn(
    asker: Asker,
    submission: Submission,
    questions: Sequence[Question],
    lent: Callable[[], AbstractContextManager[tuple[Slot, tuple[str, ...]]]],
    context: RunContext,
    begun: Begun,
    tell: Tell,
    converse: Callable[..., Iterable[Evidence]] = converse,
) -> dict[str, Evidence]:
    """Start a worker at once, and ask it when the submission has its turn."""
    if not questions:
        return {}
    student = submission.student
    heard_of: set[str] = set()
    following = iter([*map(_step, questions[1:]), "finishing"])
    with lent() as (slot, gpus):

        @contextmanager
        def turn() -> Iterator[None]:
            with slot.turn(begun.stop):
                begun.now()
                tell(student, _step(questions[0]))
                names = [question.id for question in questions]
                asker.log(student, "asked", {"questions": names, "gpus": list(gpus)})
                yield

        def heard(evidence: Evidence) -> None:
            asker.log(student, "answered", of_evidence(evidence))
            heard_of.add(evidence.question.id)
            tell(student, next(following, ""))

        tell(student, GETTING_READY)
        share = asker.slots.gpu_share if gpus else None
        job = Job(
            student, submission.folder, tuple(questions), asker.limits, context.view, share,
            context.early_stopper, gpu=bool(gpus) and gpus != ALL_GPUS,
        )  # fmt: skip
        pieces = tuple(converse(asker.sandbox, job, gpus, heard, turn))
    if begun.stop.is_set() and {one.outcome.kind for one in pieces} == {NOT_STARTED}:
        raise Stopped   # a worker that waited for a machine gave up because the run is stopped
    for evidence in pieces:
        if evidence.question.id not in heard_of:   # no worker started
            asker.log(student, "answered", of_evidence(evidence))
    return {evidence.question.id: evidence for evidence in pieces}


def _step(question: Question) -> str:
    """Tell an instructor what is being waited for, and for how long at most."""
    if question.tests is not None:
        return f"the tests, at most {question.seconds:g} s a call"
    return f"{question.id}, at most {question.seconds:g} s"
