"""The exam: what is drawn for a run, which questions that makes, and putting them to a worker."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from grader import data, wire
from grader.answer_key import Exam, Labels
from grader.checks.base import Check
from grader.checks.registry import CHECKS
from grader.records import Evidence, Question, Submission
from grader.rubric import Criterion, Limits, Rubric
from grader.sandbox import blame
from grader.sandbox.base import Examiner, Job, Sandbox
from grader.sandbox.interview import interview

Tell = Callable[[str, str], None]   # (student, what is happening now)

# A question that the harness failed to put is put again after so many seconds each: at once for a
# container that was lost, and then late enough for an engine that is being restarted.
PAUSES = (1.0, 10.0)
# What only the worker says of itself is asked once more: it may be a student's word.
REPEATS_OF_A_BROKEN_WORKER = 1


@dataclass(frozen=True)
class Asker:
    """Where questions are put, and until when: nothing is repeated once `stop` is set.

    `absent` is set while no worker can be started at all: one submission has waited for that to
    pass, and the others need not wait as long again. `examiner` ends trainings that are sure.
    """

    sandbox: Sandbox
    limits: Limits
    view: Path
    stop: threading.Event
    absent: threading.Event
    examiner: Examiner | None = None


def draw_seed() -> int:
    return secrets.randbits(31)


def draw_exam(
    rubric: Rubric, dataset: data.Dataset, seed: int, threads: int
) -> tuple[Exam, Labels]:
    """The run's exam, and the labels of its hidden images in the order in which they are asked."""
    order = np.random.default_rng([seed, 1]).permutation(len(dataset.hidden_labels))
    exam = Exam(
        seed,
        rubric.active,
        threads,
        dataset.classes,
        data.with_noise(dataset.hidden_images[order], np.random.default_rng([seed, 2])),
        dataset.validation_images,
    )
    return exam, dataset.hidden_labels[order]


def questions_of(
    criteria: Collection[Criterion], exam: Exam, limits: Limits
) -> tuple[Question, ...]:
    """What the criteria ask, each question once, and those of one session side by side."""
    asked: dict[str, Question] = {}
    for criterion in criteria:
        check: Check = CHECKS[criterion.check]
        for question in check.ask(criterion, exam, limits):
            asked.setdefault(question.id, question)
    sessions = list(dict.fromkeys(question.session for question in asked.values()))
    return tuple(sorted(asked.values(), key=lambda question: sessions.index(question.session)))


def ask(
    asker: Asker,
    submission: Submission,
    questions: tuple[Question, ...],
    gpus: tuple[str, ...],
    tell: Tell,
) -> Mapping[str, Evidence]:
    """Evidence by question id. What the harness failed to ask is asked again, within bounds."""
    found = _put(asker, submission, questions, gpus, tell)
    for attempt, pause in enumerate(PAUSES, 1):
        lost = {
            found[question.id].question.session
            for question in questions
            if _may_be_repeated(found[question.id], attempt)
        }
        if not lost or asker.absent.is_set() or asker.stop.wait(pause):
            break
        # A follow-up question makes sense only after the one that it follows.
        again = tuple(question for question in questions if question.session in lost)
        found |= _put(asker, submission, again, gpus, tell)
    nothing_starts = {one.outcome.kind for one in found.values()} == {blame.NOT_STARTED}
    asker.absent.set() if nothing_starts else asker.absent.clear()
    return found


def _may_be_repeated(evidence: Evidence, attempt: int) -> bool:
    if evidence.outcome.kind == wire.WORKER_FAILED:
        return attempt <= REPEATS_OF_A_BROKEN_WORKER
    return evidence.outcome.owner == "harness"


def _put(
    asker: Asker,
    submission: Submission,
    questions: tuple[Question, ...],
    gpus: tuple[str, ...],
    tell: Tell,
) -> dict[str, Evidence]:
    if not questions:
        return {}
    job = Job(
        submission.student, submission.folder, questions, asker.limits, asker.view, asker.examiner
    )
    following = iter([*(question.id for question in questions[1:]), "finishing"])
    tell(submission.student, questions[0].id)
    pieces = interview(
        asker.sandbox, job, gpus, lambda evidence: tell(submission.student, next(following, ""))
    )
    return {evidence.question.id: evidence for evidence in pieces}
