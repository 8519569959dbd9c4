"""Prepares a run: loads the dataset, draws hidden inputs from the seed, builds the questions."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from grader.checks.answer_key import AnswerKey, EvalInputs, Labels
from grader.checks.check import Check
from grader.checks.early_stopping import HiddenParts
from grader.checks.registry import checks_with
from grader.errors import DataError
from grader.records import Evidence, Question
from grader.rubric.model import Criterion, Limits, Rubric
from grader.run.data.datasets import Dataset, hidden_of_run, load_dataset, write_view
from grader.run.provenance.fingerprints import of_folder
from grader.sandbox.base import EarlyStopper

TRAINING = "train"   # the kind of question that needs data and, where there is one, a GPU


@dataclass(frozen=True)
class QuestionSet:
    """The questions of a run; `askers` maps a question's id to the criteria that rest on it."""

    questions: tuple[Question, ...]
    askers: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class RunContext:
    """The inputs, labels, data and checks that all submissions of a run share.

    Attributes:
        inputs: The seed, the profile and the images that questions are built from.
        hidden_labels, validation_labels: Labels of those images; they never leave the host.
        view: The folder of data that students' code may see.
        digest: A digest of the files in `view`.
        early_stopper: Decides when a training has surely passed.
        checks: The checks that the rubric may name.
    """

    inputs: EvalInputs
    hidden_labels: Labels
    validation_labels: Labels
    view: Path
    digest: str
    early_stopper: EarlyStopper
    checks: Mapping[str, Check]
    _asked: dict[tuple[object, ...], QuestionSet] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def key(self, reference_answers: Mapping[str, Evidence]) -> AnswerKey:
        """Return the answer key with these answers of the reference."""
        return AnswerKey(self.inputs, self.hidden_labels, self.validation_labels, reference_answers)

    def question_set_of(self, criteria: Sequence[Criterion], limits: Limits) -> QuestionSet:
        """Like the function of that name, and cached: questions carry images and digests."""
        key = (*(criterion.id for criterion in criteria), limits)
        if key not in self._asked:
            self._asked[key] = question_set_of(criteria, self.checks, self.inputs, limits)
        return self._asked[key]


def draw_seed() -> int:
    """Return a new random seed, from more than a program could try one by one."""
    return secrets.randbits(63)


def prepare_context(rubric: Rubric, seed: int, threads: int, view: Path, cache: Path) -> RunContext:
    """Load the data, write what students may see to `view`, and draw the hidden inputs.

    Args:
        rubric: The rubric, with its active profile.
        seed: Seed of the hidden inputs.
        threads: Threads for each training.
        view: The folder to write to.
        cache: A folder for decoded datasets.

    Raises:
        DataError: The dataset is missing or wrong.
    """
    dataset = load_dataset(rubric.active.data, cache)
    write_view(dataset, view, rubric.handouts)
    return draw_context(dataset, rubric, seed, threads, view)


def draw_context(
    dataset: Dataset, rubric: Rubric, seed: int, threads: int, view: Path
) -> RunContext:
    """Draw the hidden inputs of this seed; `view` is already written."""
    hidden = hidden_of_run(dataset, rubric.active.data, seed)
    inputs = EvalInputs(
        seed,
        rubric.active,
        threads,
        dataset.classes,
        hidden.images,
        dataset.validation_images,
    )
    validation = dataset.validation_labels
    early_stopper = HiddenParts(AnswerKey(inputs, hidden.labels, validation, {}))
    checks = checks_with(rubric.own_files)
    digest = of_folder(view)
    return RunContext(inputs, hidden.labels, validation, view, digest, early_stopper, checks)


def question_set_of(
    criteria: Collection[Criterion], checks: Mapping[str, Check], inputs: EvalInputs, limits: Limits
) -> QuestionSet:
    """Return what the criteria ask: each question once, the questions of one session together.

    Raises:
        DataError: A criterion trains a network and the rubric names no data.
    """
    asked: dict[str, Question] = {}
    askers: dict[str, tuple[str, ...]] = {}
    for criterion in criteria:
        own = criterion.limits_of(limits)
        for question in checks[criterion.check].ask(criterion, inputs, own):
            if question.kind == TRAINING and not inputs.classes:
                lacks = (
                    "the rubric has no data for that: give it 'profiles' with data, a budget and "
                    "thresholds" if not len(inputs.validation_images) else
                    "the labels of the data are no class numbers: give whole numbers from 0, one "
                    "for each example"
                )
                raise DataError(f"the criterion '{criterion.id}' trains, and {lacks}")
            known = asked.setdefault(question.id, question)
            if known.seconds < question.seconds:   # criteria that share it: the longest limit
                asked[question.id] = question
            askers[question.id] = (*askers.get(question.id, ()), criterion.id)
    sessions = list(dict.fromkeys(question.session for question in asked.values()))
    in_order = sorted(asked.values(), key=lambda question: sessions.index(question.session))
    return QuestionSet(tuple(in_order), askers)
