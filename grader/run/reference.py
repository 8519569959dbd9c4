"""The reference solution's answers: asked for in the background, once per run."""

from __future__ import annotations

import dataclasses
import functools
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TypeVar

from grader.records import Evidence
from grader.rubric.model import Criterion, Rubric
from grader.run.context import TRAINING, RunContext, question_set_of
from grader.run.jobs import Asker, ask
from grader.run.recorded_answers import reference_answers_of
from grader.submissions.discover import hand_in
from grader.submissions.prepare import prepare_trusted

Answers = Mapping[str, Evidence]
Value = TypeVar("Value")


class ReferenceAnswers(Mapping[str, Evidence]):
    """The reference's evidence by question id, asked for once and in the background.

    Reading it waits until the reference has answered, and raises what asking it raised: NoKey or
    KeyLost.
    """

    def __init__(self, ask: Callable[[], Answers]) -> None:
        self._ask = ask
        self._future = begun_once(ask)
        self._begun = False

    def begin(self) -> Future[Answers]:
        """Begin to ask, unless that was done, and do not wait."""
        self._begun = True
        return self._future()

    def retried(self) -> ReferenceAnswers:
        """Return these answers, or new ones to ask for if asking has failed. Waits for its end."""
        failed = self._begun and self.begin().exception() is not None
        return ReferenceAnswers(self._ask) if failed else self

    def __getitem__(self, question: str) -> Evidence:
        return self.begin().result()[question]

    def __iter__(self) -> Iterator[str]:
        return iter(self.begin().result())

    def __len__(self) -> int:
        return len(self.begin().result())


def begun_once(make: Callable[[], Value]) -> Callable[[], Future[Value]]:
    """Return a function that calls `make` in a thread on its first call, and returns its future.

    Every later call returns the same future, also if `make` has failed. The thread is a daemon: it
    does not keep the program from ending.
    """
    lock = threading.Lock()

    @functools.cache
    def begin() -> Future[Value]:
        future: Future[Value] = Future()

        def run() -> None:
            try:
                future.set_result(make())
            except BaseException as error:
                future.set_exception(error)

        threading.Thread(target=run, daemon=True).start()
        return future

    def future() -> Future[Value]:
        with lock:
            return begin()

    return future


def ask_reference(
    rubric: Rubric, criteria: Sequence[Criterion], workspace: Path, asker: Asker,
    context: RunContext,
) -> Answers:
    """Ask the reference solution what the students are asked, or read its recorded answers.

    The training is left out: its thresholds stand in the rubric.

    Args:
        rubric: Names the reference solution, or the file of its recorded answers.
        criteria: The criteria that are graded; those whose check needs the reference count.
        workspace: A folder to unpack the reference into.
        asker: Where to ask; it should have slots of its own.
        context: The questions' inputs.

    Raises:
        NoKey: The reference has no answer, so nobody can be graded.
        KeyLost: The harness could not ask it; another attempt may succeed.
    """
    needing = [one for one in criteria if context.checks[one.check].needs_reference]
    asked = question_set_of(needing, context.checks, context.inputs, rubric.limits).questions
    questions = tuple(one for one in asked if one.kind != TRAINING)
    if rubric.recorded is not None:
        return reference_answers_of(rubric.recorded, questions)
    reference = dataclasses.replace(hand_in(rubric.reference), student="reference")
    submission = prepare_trusted(reference, workspace / "reference")
    answers = ask(asker, submission, questions, context, lambda who, what: None)
    key = context.key(answers)
    for question in questions:
        key.value(question.id)   # raises where there is no answer
    return answers
