"""The story: rubric -> submissions -> jobs -> evidence -> verdicts -> grades.

It prints nothing; whoever calls it is told by `tell`.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from grader.checks.accuracy import stopped_in_vain
from grader.checks.answer_key import AnswerKey, KeyLost, NoKey
from grader.checks.check import Check, Work, with_doubt, with_notes
from grader.checks.early_stopping import without_rule
from grader.checks.retraining import again_questions, another
from grader.checks.training_report import with_run
from grader.checks.training_run import TRAIN
from grader.errors import CheckError, DataError, GraderError, UsageError
from grader.grading.marks import Mark
from grader.grading.points import grade
from grader.records import Concluded, Evidence, Grade, Submission, Trace, Verdict
from grader.rubric.model import Criterion, Rubric
from grader.run import schedule
from grader.run.cache.evidence import EvidenceCache
from grader.run.cache.file import no_cache
from grader.run.cache.recall import Recall
from grader.run.context import TRAINING, RunContext, draw_seed, prepare_context, question_set_of
from grader.run.event_log import Log, no_log, of_grade, of_submission, of_verdicts
from grader.run.explain.traces import traces
from grader.run.jobs import Asker, Tell, ask
from grader.run.lazy import LazyMapping, Once
from grader.run.recorded_answers import reference_answers_of
from grader.run.schedule import Slots, Stopped
from grader.sandbox.base import Sandbox
from grader.submissions.discover import HandIn, hand_in
from grader.submissions.prepare import prepare


@dataclass(frozen=True)
class RunSetup:
    """What all submissions of a run share.

    The data are read and the exam is drawn when the first question is about to be asked, and the
    reference answers beside the first submissions: a run that finds everything concluded does
    neither. `known` looks a submission up in what earlier runs concluded, `keep` adds what this one
    does, `marks` are those that people gave a student, `expected` tells how many seconds a
    student's submission took the last time.
    """

    rubric: Rubric
    criteria: tuple[Criterion, ...]
    workspace: Path
    asker: Asker
    context: Once[RunContext]
    reference_answers: Once[Mapping[str, Evidence]]
    in_hand: int = 1
    known: Callable[[Submission], Concluded] = lambda submission: Concluded()
    keep: Callable[[Submission, Concluded], None] = lambda submission, found: None
    marks: Callable[[str], Sequence[Mark]] = lambda student: ()
    expected: Callable[[str], float | None] = lambda student: None

    @property
    def sandbox(self) -> Sandbox:
        return self.asker.sandbox

    @property
    def key(self) -> AnswerKey:
        return self.context().key(LazyMapping(self.reference_answers))


def set_up(
    rubric: Rubric,
    criteria: Collection[str],
    sandbox: Sandbox,
    workspace: Path,
    cache: Path,
    *,
    slots: Slots | None = None,
    ahead: int = 0,
    memory: Recall | None = None,
    seed: int | None = None,
    stop: threading.Event | None = None,
    log: Log = no_log,
) -> RunSetup:
    """What to grade by; `criteria` are the ids. `ahead` submissions more than `lanes` has turns (by
    default one) get ready meanwhile. Raises UsageError for a criterion that there is not.
    """
    chosen = choose(rubric, criteria)
    asker = Asker(
        sandbox,
        rubric.limits,
        slots or Slots(1),
        memory or Recall(EvidenceCache(no_cache()), ""),
        stop or threading.Event(),
        log=log,
    )
    seed = draw_seed() if seed is None else seed
    turns = asker.slots.turns
    threads = schedule.threads_each(turns)
    context = Once(
        partial(prepare_context, rubric, seed, threads, workspace / "data", cache)
    )
    # The reference waits for nobody's turn and comes to its end when nothing new begins: whoever
    # has been asked waits for its answers.
    reference_asker = dataclasses.replace(
        asker, slots=Slots(1), stop=threading.Event(), absent=threading.Event()
    )
    reference_answers = Once(
        lambda: _reference_answers(rubric, chosen, workspace, reference_asker, context())
    )
    return RunSetup(rubric, chosen, workspace, asker, context, reference_answers, turns + ahead)


def grade_all(
    setup: RunSetup, hand_ins: Collection[HandIn], tell: Tell
) -> Iterator[Grade]:
    """Grade every hand-in, as many at a time as there are slots; grades come as they are ready.

    What could not be scored gets another try after all the others, and so does the reference: an
    engine may be back by then.
    Raises DataError, CheckError, and NoKey when the reference has no answer: then nobody can be
    graded.
    """
    lost: dict[str, tuple[HandIn, Grade]] = {}
    for item, found in _round(setup, hand_ins, tell):
        if found.state == "not_scored":
            lost[item.student] = item, found
            tell(item.student, "not scored yet; tried again at the end")
        else:
            yield found
    again = (
        dataclasses.replace(setup, reference_answers=setup.reference_answers.another())
        if lost
        else setup
    )
    for item, found in _round(again, [item for item, _ in lost.values()], tell):
        del lost[item.student]
        yield found
    yield from (found for _, found in lost.values())


def _round(
    setup: RunSetup, hand_ins: Collection[HandIn], tell: Tell
) -> Iterator[tuple[HandIn, Grade]]:
    def one(item: HandIn) -> tuple[HandIn, Grade] | None:
        try:
            return item, grade_one(setup, item, tell)
        except Stopped:
            return None   # it had not begun

    stop = setup.asker.stop
    in_order = schedule.longest_first(hand_ins, lambda item: setup.expected(item.student))
    for found in schedule.in_slots(one, in_order, setup.in_hand, stop):
        if found is not None:
            yield found


def grade_one(setup: RunSetup, item: HandIn, tell: Tell) -> Grade:
    """One submission from its files to its grade. What the harness gets wrong is `not_scored`.

    Raises DataError, CheckError and NoKey, which stop the class, and Stopped when its turn had not
    come.
    """
    tell(item.student, "unpacking")
    known, missing, log = Concluded(), setup.criteria, setup.asker.log
    try:
        submission = prepare(item, setup.workspace)
        log(item.student, "opened", of_submission(submission))
        known = setup.known(submission)
        if known.verdicts:
            log(item.student, "known", {"criteria": sorted(known.verdicts)})
        missing = tuple(one for one in setup.criteria if one.id not in known.verdicts)
        fresh = _verdicts(setup, submission, missing, known, tell)
    except (DataError, CheckError, NoKey, Stopped):
        raise
    except Exception as error:
        # Whatever it is, it is one student's: the class goes on, and nobody gets a zero for it.
        told = isinstance(error, (GraderError, OSError))
        why = str(error) if told else f"{type(error).__name__}: {error}"
        submission = Submission(item.student, item.sources[0], setup.workspace, (), "")
        fresh = _concluded([_not_scored(criterion, why) for criterion in missing])
    for verdict in of_verdicts(fresh):
        log(item.student, "judged", verdict)
    # Without a verdict, too: when it was handed in, and by whom, may be known otherwise by now.
    setup.keep(submission, fresh if fresh.verdicts else Concluded(seconds=known.seconds))
    verdicts = [*known.verdicts.values(), *fresh.verdicts.values()]
    seconds = fresh.seconds if fresh.verdicts else known.seconds
    marks = setup.marks(item.student)
    found = grade(setup.rubric, submission, verdicts, seconds, marks)
    log(item.student, "graded", of_grade(found))
    return found


def _verdicts(
    setup: RunSetup,
    submission: Submission,
    criteria: Sequence[Criterion],
    known: Concluded,
    tell: Tell,
) -> Concluded:
    """Verdicts beside those that are known."""
    if not criteria:
        return Concluded()
    if submission.refused is not None:
        return _concluded([_refused(criterion, submission.refused) for criterion in criteria])
    context, rubric = setup.context(), setup.rubric
    checks = [context.checks[criterion.check] for criterion in criteria]
    with_reference = [one.id for one in criteria if context.checks[one.check].needs_reference]
    if with_reference:
        setup.reference_answers.begin()
    question_set = context.question_set_of(criteria, rubric.limits)
    questions, asker = question_set.questions, setup.asker
    evidence = ask(asker, submission, questions, context, tell)
    begun = dataclasses.replace(asker, stop=threading.Event())   # it comes to its end
    if stopped_in_vain(evidence, setup.key):   # a stop costs nobody a mark
        in_full = without_rule(one for one in questions if one.session == TRAIN)
        evidence |= ask(begun, submission, in_full, context, tell)
    while (number := another(evidence, setup.key)) is not None:   # near a threshold
        more = again_questions(context.inputs, rubric.limits, number)
        evidence |= ask(begun, submission, more, context, tell)
    tell(submission.student, "judging")
    work, key = Work(submission, evidence), setup.key
    judged = zip(criteria, checks, strict=True)
    verdicts = [_judge(criterion, check, work, key) for criterion, check in judged]
    if submission.source != rubric.reference.resolve():   # that is the instructor's
        verdicts = [
            with_doubt(verdict, submission) if check.self_reported else verdict
            for check, verdict in zip(checks, verdicts, strict=True)
        ]
    seconds = sum(one.outcome.seconds for one in evidence.values())
    keys = asker.memory.keys(submission, questions, context.digest)
    return _concluded(
        with_run(criteria, verdicts, evidence, known.verdicts.values()),
        round(seconds, 1),
        traces(question_set, with_reference, evidence, keys, key),
    )


def _concluded(
    verdicts: Sequence[Verdict], seconds: float = 0.0, traced: tuple[Trace, ...] = ()
) -> Concluded:
    return Concluded({verdict.criterion: verdict for verdict in verdicts}, seconds, traced)


def _judge(criterion: Criterion, check: Check, work: Work, key: AnswerKey) -> Verdict:
    try:
        return with_notes(check.judge(criterion, work, key), work.submission)
    except (NoKey, KeyLost):
        raise
    except Exception as error:
        # An answer that no check expected must not stop the class, and must not become a mark.
        # The error's own words may quote an answer about hidden data: its kind has to do.
        return _not_scored(
            criterion, f"the check failed on this answer ({type(error).__name__})"
        )


def _reference_answers(
    rubric: Rubric,
    criteria: Sequence[Criterion],
    workspace: Path,
    asker: Asker,
    context: RunContext,
) -> Mapping[str, Evidence]:
    """The reference's answers to what the checks that need a key will ask, asked for now or as they
    were recorded; the training is not among them: what it must reach stands in the rubric. Raises
    NoKey and KeyLost."""
    needing = [item for item in criteria if context.checks[item.check].needs_reference]
    questions = tuple(
        one
        for one in question_set_of(needing, context.checks, context.inputs, rubric.limits).questions
        if one.kind != TRAINING
    )
    if rubric.recorded is not None:
        return reference_answers_of(rubric.recorded, questions)
    reference = dataclasses.replace(hand_in(rubric.reference), student="reference")
    submission = prepare(reference, workspace / "gold")
    reference_answers = ask(asker, submission, questions, context, lambda who, what: None)
    key = context.key(reference_answers)
    for question in questions:
        key.value(question.id)  # raises where there is no answer: without a key nobody is graded
    return reference_answers


def choose(rubric: Rubric, criteria: Collection[str]) -> tuple[Criterion, ...]:
    """The rubric's criteria with these ids; raises UsageError for one that it does not have."""
    known = [criterion.id for criterion in rubric.criteria]
    unknown = sorted(set(criteria) - set(known))
    if unknown:
        raise UsageError(f"no criterion '{unknown[0]}' in the rubric; it has {', '.join(known)}")
    return tuple(criterion for criterion in rubric.criteria if criterion.id in criteria)


def _refused(criterion: Criterion, why: str) -> Verdict:
    return Verdict(
        criterion.id,
        "failed",
        0.0,
        f"The submission was not opened: {why}",
        next_step="Hand in the .py or .ipynb itself, or a plain zip of it.",
    )


def _not_scored(criterion: Criterion, why: str) -> Verdict:
    reason = f"This could not be graded, through no fault of yours: {why}"
    return Verdict(criterion.id, "not_scored", 0.0, reason)
