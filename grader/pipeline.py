"""The story: rubric -> submissions -> jobs -> evidence -> verdicts -> grades.

It prints nothing; whoever calls it is told by `tell`.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from grader import asking, data, schedule
from grader.answer_key import AnswerKey
from grader.asking import Asker, Tell
from grader.checks.accuracy import stopped_in_vain
from grader.checks.base import Work, with_doubt, with_notes
from grader.checks.registry import CHECKS
from grader.checks.stopping import HiddenParts, without_rule
from grader.checks.training_run import TRAIN
from grader.checks.watched import with_run
from grader.class_folder import HandIn, hand_in
from grader.errors import GraderError, UsageError
from grader.grading import grade
from grader.records import Concluded, Evidence, Grade, Submission, Verdict
from grader.rubric import Criterion, Rubric
from grader.sandbox.base import Examiner, Sandbox
from grader.submissions import prepare

GOLD = "the reference solution"


@dataclass(frozen=True)
class Setting:
    """What all submissions of a run share.

    `known` looks a submission up in what earlier runs concluded, `keep` adds what this one does.
    Once `stop` is set nothing new begins.
    """

    rubric: Rubric
    criteria: tuple[Criterion, ...]
    sandbox: Sandbox
    workspace: Path
    view: Path
    key: AnswerKey
    gpus: tuple[str, ...] = ()
    jobs: int = 1
    known: Callable[[Submission], Concluded] = lambda submission: Concluded()
    keep: Callable[[Submission, Concluded], None] = lambda submission, found: None
    stop: threading.Event = field(default_factory=threading.Event)
    absent: threading.Event = field(default_factory=threading.Event)
    examiner: Examiner | None = None

    @property
    def asker(self) -> Asker:
        return Asker(
            self.sandbox, self.rubric.limits, self.view, self.stop, self.absent, self.examiner
        )


def set_up(
    rubric: Rubric,
    criteria: Collection[str],
    sandbox: Sandbox,
    workspace: Path,
    cache: Path,
    *,
    gpus: tuple[str, ...] = (),
    jobs: int = 1,
    seed: int | None = None,
    stop: threading.Event | None = None,
    tell: Tell = lambda who, what: None,
) -> Setting:
    """Load the data, draw the exam, and ask the reference for the key.

    `criteria` are the ids to grade. Raises GraderError when the reference has no answer: without a
    key nobody can be graded.
    """
    chosen = choose(rubric, criteria)
    tell(GOLD, "reading the data")
    dataset = data.load(rubric.active.data, cache)
    view = workspace / "data"
    data.write_view(dataset, view, rubric.handouts)
    seed = asking.draw_seed() if seed is None else seed
    threads = max(1, schedule.cores() // jobs)
    exam, hidden_labels = asking.draw_exam(rubric, dataset, seed, threads)
    key = AnswerKey(exam, hidden_labels, dataset.validation_labels, {})
    setting = Setting(
        rubric, chosen, sandbox, workspace, view, key, gpus, jobs, stop=stop or threading.Event(),
        examiner=HiddenParts(key),
    )
    tell(GOLD, "answering what students will be asked")
    return dataclasses.replace(setting, key=dataclasses.replace(key, gold=_gold(setting)))


def grade_all(
    setting: Setting, hand_ins: Collection[HandIn], tell: Tell
) -> Iterator[Grade]:
    """Grade every hand-in, as many at a time as there are slots; grades come as they are ready.

    What could not be scored gets another try after all the others: an engine may be back by then.
    """
    lost: dict[str, tuple[HandIn, Grade]] = {}
    for item, found in _round(setting, hand_ins, tell):
        if found.state == "not_scored":
            lost[item.student] = item, found
            tell(item.student, "not scored yet; tried again at the end")
        else:
            yield found
    for item, found in _round(setting, [item for item, _ in lost.values()], tell):
        del lost[item.student]
        yield found
    yield from (found for _, found in lost.values())


def _round(
    setting: Setting, hand_ins: Collection[HandIn], tell: Tell
) -> Iterator[tuple[HandIn, Grade]]:
    pool = schedule.GpuPool(setting.gpus)

    def one(item: HandIn) -> tuple[HandIn, Grade]:
        with pool.lent() as gpus:
            return item, grade_one(setting, item, gpus, tell)

    return schedule.in_slots(one, hand_ins, setting.jobs, setting.stop)


def grade_one(
    setting: Setting, item: HandIn, gpus: tuple[str, ...], tell: Tell
) -> Grade:
    """One submission from its files to its grade. What the harness gets wrong is `not_scored`."""
    began = time.monotonic()
    tell(item.student, "unpacking")
    known, missing = Concluded(), setting.criteria
    try:
        submission = prepare(item, setting.workspace)
        known = setting.known(submission)
        missing = tuple(one for one in setting.criteria if one.id not in known.verdicts)
        fresh = _verdicts(setting, submission, missing, gpus, tell)
    except Exception as error:
        # Whatever it is, it is one student's: the class goes on, and nobody gets a zero for it.
        told = isinstance(error, (GraderError, OSError))
        why = str(error) if told else f"{type(error).__name__}: {error}"
        submission = Submission(item.student, item.sources[0], setting.workspace, (), "")
        fresh = [_not_scored(criterion, why) for criterion in missing]
    by_id = {verdict.criterion: verdict for verdict in fresh}
    seconds = round(time.monotonic() - began, 1)
    if fresh:
        setting.keep(submission, Concluded(by_id, seconds))
    verdicts = [*known.verdicts.values(), *fresh]
    return grade(setting.rubric, submission, verdicts, seconds if fresh else known.seconds)


def _verdicts(
    setting: Setting,
    submission: Submission,
    criteria: Sequence[Criterion],
    gpus: tuple[str, ...],
    tell: Tell,
) -> list[Verdict]:
    if submission.refused is not None:
        return [_refused(criterion, submission.refused) for criterion in criteria]
    questions = asking.questions_of(criteria, setting.key.exam, setting.rubric.limits)
    evidence = asking.ask(setting.asker, submission, questions, gpus, tell)
    if stopped_in_vain(evidence, setting.key):   # a stop costs nobody a mark
        again = without_rule(one for one in questions if one.session == TRAIN)
        evidence = {**evidence, **asking.ask(setting.asker, submission, again, gpus, tell)}
    tell(submission.student, "judging")
    work = Work(submission, evidence)
    verdicts = [_judge(criterion, work, setting.key) for criterion in criteria]
    if submission.source != setting.rubric.reference.resolve():   # that is the instructor's
        verdicts = [
            with_doubt(verdict, submission) if CHECKS[criterion.check].testimony else verdict
            for criterion, verdict in zip(criteria, verdicts, strict=True)
        ]
    return with_run(criteria, verdicts, evidence)


def _judge(criterion: Criterion, work: Work, key: AnswerKey) -> Verdict:
    check = CHECKS[criterion.check]
    try:
        return with_notes(check.judge(criterion, work, key), work.submission)
    except Exception as error:
        # An answer that no check expected must not stop the class, and must not become a mark.
        # The error's own words may quote an answer about hidden data: its kind has to do.
        return _not_scored(
            criterion, f"the check failed on this answer ({type(error).__name__})"
        )


def _gold(setting: Setting) -> Mapping[str, Evidence]:
    """The reference's answers to what the checks that need a key will ask; the training is not
    among them: what it must reach stands in the rubric."""
    exam, limits = setting.key.exam, setting.rubric.limits
    needing = [item for item in setting.criteria if CHECKS[item.check].needs_gold]
    questions = tuple(
        one for one in asking.questions_of(needing, exam, limits) if one.kind != "train"
    )
    if not questions:
        return {}
    reference = hand_in(setting.rubric.reference)
    submission = prepare(
        dataclasses.replace(reference, student="reference"), setting.workspace / "gold"
    )
    gold = asking.ask(setting.asker, submission, questions, (), lambda who, what: None)
    key = dataclasses.replace(setting.key, gold=gold)
    for question in questions:
        key.value(question.id)  # raises where there is no answer: without a key nobody is graded
    return gold


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
