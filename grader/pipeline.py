"""The story: rubric -> submissions -> jobs -> evidence -> verdicts -> grades.

The only module that knows all the stages. It prints nothing; whoever calls it is told by `tell`.
"""

from __future__ import annotations

import dataclasses
import secrets
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from grader import data, schedule
from grader.answer_key import AnswerKey, Exam
from grader.checks.base import Check, Work, with_notes
from grader.checks.registry import CHECKS
from grader.class_folder import HandIn, hand_in
from grader.errors import GraderError, UsageError
from grader.grading import grade
from grader.records import Evidence, Grade, Question, Submission, Verdict
from grader.rubric import Criterion, Rubric
from grader.sandbox.base import Job, Sandbox
from grader.sandbox.interview import interview
from grader.submissions import prepare

GOLD = "the reference solution"
ATTEMPTS = 2   # a question that the harness failed to put is put once more

Tell = Callable[[str, str], None]   # (student, what is happening now)


@dataclass(frozen=True)
class Setting:
    """What all submissions of a run share."""

    rubric: Rubric
    criteria: tuple[Criterion, ...]
    sandbox: Sandbox
    workspace: Path
    view: Path
    key: AnswerKey
    gpus: tuple[str, ...] = ()
    jobs: int = 1


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
    tell: Tell = lambda who, what: None,
) -> Setting:
    """Load the data, draw the exam, and ask the reference for the key.

    `criteria` are the ids to grade. Raises GraderError when the reference has no answer: without a
    key nobody can be graded.
    """
    chosen = _chosen(rubric, criteria)
    tell(GOLD, "reading the data")
    dataset = data.load(rubric.active.data, cache)
    view = workspace / "data"
    data.write_view(dataset, view)
    exam, hidden_labels = _draw(rubric, dataset, seed, max(1, schedule.cores() // jobs))
    key = AnswerKey(exam, hidden_labels, dataset.validation_labels, {})
    setting = Setting(rubric, chosen, sandbox, workspace, view, key, gpus, jobs)
    tell(GOLD, "answering what students will be asked")
    return dataclasses.replace(setting, key=dataclasses.replace(key, gold=_gold(setting)))


def grade_all(
    setting: Setting, hand_ins: Collection[HandIn], tell: Tell
) -> Iterator[Grade]:
    """Grade every hand-in, as many at a time as there are slots; grades come as they are ready."""
    pool = schedule.GpuPool(setting.gpus)

    def one(item: HandIn) -> Grade:
        with pool.lent() as gpus:
            return grade_one(setting, item, gpus, tell)

    return schedule.in_slots(one, hand_ins, setting.jobs)


def grade_one(
    setting: Setting, item: HandIn, gpus: tuple[str, ...], tell: Tell
) -> Grade:
    """One submission from its files to its grade. What the harness gets wrong is `not_scored`."""
    began = time.monotonic()
    tell(item.student, "unpacking")
    try:
        submission = prepare(item, setting.workspace)
        verdicts = _verdicts(setting, submission, gpus, tell)
    except Exception as error:
        # Whatever it is, it is one student's: the class goes on, and nobody gets a zero for it.
        known = isinstance(error, (GraderError, OSError))
        why = str(error) if known else f"{type(error).__name__}: {error}"
        submission = Submission(item.student, item.sources[0], setting.workspace, (), "")
        verdicts = [_not_scored(criterion, why) for criterion in setting.criteria]
    seconds = round(time.monotonic() - began, 1)
    return grade(setting.rubric, submission, verdicts, seconds)


def _verdicts(
    setting: Setting, submission: Submission, gpus: tuple[str, ...], tell: Tell
) -> list[Verdict]:
    if submission.refused is not None:
        return [_refused(criterion, submission.refused) for criterion in setting.criteria]
    questions = _questions(setting, setting.criteria)
    evidence = _ask(setting, submission, questions, gpus, tell)
    tell(submission.student, "judging")
    work = Work(submission, evidence)
    return [_judge(criterion, work, setting.key) for criterion in setting.criteria]


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


def _ask(
    setting: Setting,
    submission: Submission,
    questions: tuple[Question, ...],
    gpus: tuple[str, ...],
    tell: Tell,
) -> Mapping[str, Evidence]:
    """Evidence by question id; what the harness failed to ask is asked once more."""
    found: dict[str, Evidence] = {}
    for _ in range(ATTEMPTS):
        open_ = [q for q in questions if q.id not in found or _is_ours(found[q.id])]
        # A follow-up question makes sense only after the one that it follows.
        sessions = {question.session for question in open_}
        again = tuple(question for question in questions if question.session in sessions)
        if not again:
            break
        job = Job(
            submission.student,
            submission.folder,
            again,
            setting.rubric.limits,
            setting.view,
        )
        tell(submission.student, again[0].id)
        following = iter([*(question.id for question in again[1:]), "finishing"])
        pieces = interview(
            setting.sandbox,
            job,
            gpus,
            lambda evidence, rest=following: tell(submission.student, next(rest, "finishing")),  # type: ignore[misc]  # mypy cannot type a lambda's default
        )
        found |= {evidence.question.id: evidence for evidence in pieces}
    return found


def _is_ours(evidence: Evidence) -> bool:
    return evidence.outcome.owner == "harness"


def _gold(setting: Setting) -> Mapping[str, Evidence]:
    """The reference's answers to what the checks that need a key will ask; the training is not
    among them: what it must reach stands in the rubric."""
    needing = [item for item in setting.criteria if CHECKS[item.check].needs_gold]
    questions = tuple(q for q in _questions(setting, needing) if q.kind != "train")
    if not questions:
        return {}
    reference = hand_in(setting.rubric.reference)
    submission = prepare(
        dataclasses.replace(reference, student="reference"), setting.workspace / "gold"
    )
    gold = _ask(setting, submission, questions, (), lambda who, what: None)
    key = dataclasses.replace(setting.key, gold=gold)
    for question in questions:
        key.value(question.id)  # raises where there is no answer: without a key nobody is graded
    return gold


def _questions(setting: Setting, criteria: Collection[Criterion]) -> tuple[Question, ...]:
    """What the criteria ask, each question once, and those of one session side by side."""
    asked: dict[str, Question] = {}
    for criterion in criteria:
        check: Check = CHECKS[criterion.check]
        for question in check.ask(criterion, setting.key.exam, setting.rubric.limits):
            asked.setdefault(question.id, question)
    sessions = list(dict.fromkeys(question.session for question in asked.values()))
    return tuple(sorted(asked.values(), key=lambda question: sessions.index(question.session)))


def _chosen(rubric: Rubric, criteria: Collection[str]) -> tuple[Criterion, ...]:
    known = [criterion.id for criterion in rubric.criteria]
    unknown = sorted(set(criteria) - set(known))
    if unknown:
        raise UsageError(f"no criterion '{unknown[0]}' in the rubric; it has {', '.join(known)}")
    return tuple(criterion for criterion in rubric.criteria if criterion.id in criteria)


def _draw(
    rubric: Rubric, dataset: data.Dataset, seed: int | None, threads: int
) -> tuple[Exam, np.ndarray[tuple[int, ...], np.dtype[np.int64]]]:
    """This run's exam, and the labels of its hidden images in the order in which they are asked."""
    seed = secrets.randbits(31) if seed is None else seed
    order = np.random.default_rng([seed, 1]).permutation(len(dataset.hidden_labels))
    exam = Exam(
        seed,
        rubric.active,
        threads,
        dataset.classes,
        dataset.hidden_images[order],
        dataset.validation_images,
    )
    return exam, dataset.hidden_labels[order]


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
