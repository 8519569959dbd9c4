"""The pipeline: rubric -> submissions -> jobs -> evidence -> verdicts -> grades.

It prints nothing; callers pass `tell` to follow a submission's progress.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Collection, Iterator, Sequence

from grader.checks.accuracy import is_unfinished, stopped_in_vain
from grader.checks.answer_key import AnswerKey, KeyLost, NoKey
from grader.checks.check import Check, Work, with_doubt, with_notes, with_unread
from grader.checks.early_stopping import without_rule
from grader.checks.forbidden_names import with_forbidden
from grader.checks.retraining import again_questions, another
from grader.checks.training_report import with_run
from grader.checks.training_run import TRAIN, oddities
from grader.errors import CheckError, DataError, GpuUnavailable, GraderError, NoNodeLeft
from grader.grading.points import grade
from grader.records import Concluded, Evidence, Grade, Question, Submission, Trace, Verdict
from grader.rubric.model import Criterion
from grader.run import schedule
from grader.run.jobs import LOST, SLOW, UNPACKING, Tell, ask
from grader.run.provenance.event_log import of_grade, of_submission, of_verdicts
from grader.run.provenance.traces import traces
from grader.run.schedule import Stopped
from grader.run.setup import RunSetup
from grader.submissions.allowlist import imports_of
from grader.submissions.discover import HandIn
from grader.submissions.forbidden import all_rules
from grader.submissions.prepare import prepare

Later = dict[str, tuple[HandIn, Grade]]   # by student: to be graded once more, the grade so far


def grade_all(setup: RunSetup, hand_ins: Collection[HandIn], tell: Tell) -> Iterator[Grade]:
    """Grade every hand-in and yield grades as they are ready.

    Submissions that could not be scored are tried once more after all the others, and so is a
    reference that could not be asked: an engine may be back by then. Trainings that time ended are
    put again last of all, one by one, with nothing else running.

    Args:
        setup: What all submissions share.
        hand_ins: What to grade, in any order; the longest are begun first.
        tell: Called with a student and a short text whenever the submission enters a new step.

    Raises:
        DataError: The dataset cannot be used.
        CheckError: A check of the instructor's is wrong.
        NoKey: The reference has no answer, so nobody can be graded.
        NoNodeLeft: No machine is left to grade on. Who is in hand then has no grade.
        GpuUnavailable: A GPU that was lent does not work, so nobody can be graded.
    """
    lost: Later = {}
    slow: Later = {}
    for item, found in _round(setup, hand_ins, tell):
        if found.state == "not_scored":
            lost[item.student] = item, found
            tell(item.student, LOST)
        elif _is_unfinished(found):
            slow[item.student] = item, found
            tell(item.student, SLOW)
        else:
            yield found
    if lost:
        again = dataclasses.replace(setup, reference=setup.reference.retried())
        for found in _later(again, lost, tell):
            if _is_unfinished(found):
                slow[found.student] = lost[found.student][0], found
            else:
                yield found
    if slow:
        asker = dataclasses.replace(setup.asker, alone=True)
        yield from _later(dataclasses.replace(setup, asker=asker, in_hand=1), slow, tell)


def _later(setup: RunSetup, waiting: Later, tell: Tell) -> Iterator[Grade]:
    """Grade these once more. The grade that is known stays where the run is stopped before."""
    left = dict(waiting)
    for item, found in _round(setup, [item for item, _ in waiting.values()], tell):
        del left[item.student]
        yield found
    yield from (found for _, found in left.values())


def _is_unfinished(found: Grade) -> bool:
    return any(is_unfinished(one.verdict) for one in found.criteria)


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
    """Grade one submission, from its files to its grade.

    Whatever goes wrong in the harness becomes `not_scored` for this submission alone.

    Args:
        setup: What all submissions share.
        item: The student's files.
        tell: As in `grade_all`.

    Raises:
        DataError, CheckError, NoKey, NoNodeLeft, GpuUnavailable: As in `grade_all`; they stop the
            class.
        Stopped: The run was stopped before this submission had its turn.
    """
    tell(item.student, UNPACKING)
    known, missing, log = Concluded(), setup.criteria, setup.asker.log
    try:
        submission = prepare(item, setup.workspace, imports=imports_of(setup.rubric),
                             rules=all_rules(setup.rubric))
        log(item.student, "opened", of_submission(submission))
        known = setup.known(submission)
        if known.verdicts:
            log(item.student, "known", {"criteria": sorted(known.verdicts)})
        missing = tuple(one for one in setup.criteria if one.id not in known.verdicts)
        fresh = _conclude(setup, submission, missing, known, tell)
    except (DataError, CheckError, NoKey, NoNodeLeft, GpuUnavailable, Stopped):
        raise
    except Exception as error:
        # One submission's failure must not stop the class, and must not become a zero.
        ours = isinstance(error, (GraderError, OSError))
        why = str(error) if ours else f"{type(error).__name__}: {error}"
        submission = Submission(item.student, item.sources[0], setup.workspace, (), "")
        fresh = _concluded([_not_scored(criterion, why) for criterion in missing])
    for verdict in of_verdicts(fresh):
        log(item.student, "judged", verdict)
    # Kept even without a new verdict: the time of submission or the group may have changed.
    kept = _final(fresh, setup.asker.alone)
    setup.keep(submission, kept if kept.verdicts else Concluded(seconds=known.seconds))
    verdicts = [*known.verdicts.values(), *fresh.verdicts.values()]
    seconds = fresh.seconds if fresh.verdicts else known.seconds
    found = grade(setup.rubric, submission, verdicts, seconds, setup.marks(item.student))
    log(item.student, "graded", of_grade(found))
    return found


def _final(found: Concluded, alone: bool) -> Concluded:
    """Leave out verdicts on trainings that time ended, unless nothing else was running."""
    final = {id: one for id, one in found.verdicts.items() if alone or not is_unfinished(one)}
    return dataclasses.replace(found, verdicts=final)


def _conclude(
    setup: RunSetup, submission: Submission, criteria: Sequence[Criterion], known: Concluded,
    tell: Tell,
) -> Concluded:
    """Reach a verdict on each of `criteria`, whose verdicts are not `known` yet."""
    if not criteria:
        return Concluded()
    if submission.refused is not None:
        return _concluded([_refused(criterion, submission.refused) for criterion in criteria])
    context = setup.context()
    by_hand = [one for one in criteria if context.checks[one.check].by_hand]
    waiting = _without_code(submission, criteria, by_hand)
    criteria = [one for one in criteria if one.id not in waiting]
    with_reference = [one.id for one in criteria if context.checks[one.check].needs_reference]
    if with_reference:
        setup.reference.begin()   # it answers beside this submission
    asked = context.question_set_of(criteria, setup.rubric.limits)
    evidence = _ask_all(setup, submission, criteria, asked.questions, tell)
    tell(submission.student, "judging")
    verdicts = _judge_all(setup, submission, criteria, evidence)
    seconds = sum(one.outcome.seconds for one in evidence.values())
    keys = setup.asker.recall.keys(submission, asked.questions, context.digest)
    return _concluded(
        [*waiting.values(), *with_run(criteria, verdicts, evidence, known.verdicts.values())],
        round(seconds, 1),
        traces(asked, with_reference, evidence, keys, setup.key),
    )


def _ask_all(
    setup: RunSetup, submission: Submission, criteria: Sequence[Criterion],
    questions: Sequence[Question], tell: Tell,
) -> dict[str, Evidence]:
    """Ask the questions, and repeat a training whose early end or threshold calls for it."""
    context, limits = setup.context(), setup.rubric.limits
    evidence = ask(setup.asker, submission, questions, context, tell)
    # A submission that has begun is finished, even when the run is being stopped.
    begun = dataclasses.replace(setup.asker, stop=threading.Event())
    if stopped_in_vain(evidence, setup.key):
        in_full = without_rule(one for one in questions if one.session == TRAIN)
        evidence |= ask(begun, submission, in_full, context, tell)
    while (number := another(evidence, setup.key)) is not None:
        more = again_questions(context.inputs, limits, number)
        evidence |= ask(begun, submission, more, context, tell)
    for criterion in criteria:
        further, own = context.checks[criterion.check].further, criterion.limits_of(limits)
        while further and (due := further(criterion, Work(submission, evidence), setup.key, own)):
            evidence |= ask(begun, submission, due, context, tell)
    return evidence


def _judge_all(
    setup: RunSetup, submission: Submission, criteria: Sequence[Criterion],
    evidence: dict[str, Evidence],
) -> list[Verdict]:
    checks = [setup.context().checks[criterion.check] for criterion in criteria]
    work, key = Work(submission, evidence), setup.key
    judged = zip(criteria, checks, strict=True)
    verdicts = [_judge(criterion, check, work, key) for criterion, check in judged]
    if submission.source == setup.rubric.reference.resolve():   # the instructor's own work
        return verdicts
    odd = oddities(evidence.get(TRAIN))
    return [
        with_doubt(verdict, submission, check, odd)
        for verdict, check in zip(verdicts, checks, strict=True)
    ]


def _judge(criterion: Criterion, check: Check, work: Work, key: AnswerKey) -> Verdict:
    try:
        verdict = with_notes(check.judge(criterion, work, key), work.submission)
        verdict = with_forbidden(verdict, criterion, work.submission)
        return with_unread(verdict, work.submission)
    except (NoKey, KeyLost, NoNodeLeft):
        raise
    except Exception as error:
        # An answer that no check expected must not stop the class, and must not become a mark.
        # The error's message may quote an answer about hidden data, so only its type is shown.
        return _not_scored(
            criterion, f"the check failed on this answer ({type(error).__name__})"
        )


def _concluded(
    verdicts: Sequence[Verdict], seconds: float = 0.0, traced: tuple[Trace, ...] = ()
) -> Concluded:
    return Concluded({verdict.criterion: verdict for verdict in verdicts}, seconds, traced)


def _refused(criterion: Criterion, why: str) -> Verdict:
    return Verdict(
        criterion.id,
        "failed",
        0.0,
        f"The submission was not opened: {why}",
        next_step="Hand in the .py or .ipynb itself, or a plain zip of it.",
        seen={"refused": True},
    )


def _without_code(
    submission: Submission, criteria: Sequence[Criterion], by_hand: Collection[Criterion] = ()
) -> dict[str, Verdict]:
    """Return verdicts for a person where there is no code, unless answers are all there is.

    Written answers, which are `by_hand`, are judged as always if anything was read. A PDF may hold
    the code, too.
    """
    was_read = submission.answers.keys() - {"pdf"}
    if submission.has_code or (was_read and not submission.unread):
        return {}
    reason = " ".join(("A person looks at what was handed in.", *submission.notes))
    step = "Hand in the .py or .ipynb itself, or a plain zip of it."
    return {
        one.id: Verdict(one.id, "needs_marking", 0.0, reason, next_step=step)
        for one in criteria if not (submission.answers and one in by_hand)
    }


def _not_scored(criterion: Criterion, why: str) -> Verdict:
    reason = f"This could not be graded, through no fault of yours: {why}"
    return Verdict(criterion.id, "not_scored", 0.0, reason)
