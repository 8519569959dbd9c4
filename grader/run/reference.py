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
from grader.submissions.prepare import prepare

Answers = Mapping[str, Evidence]
Value = TypeVar("Value")


class LazyAnswers(Mapping[str, Evidence]):
    """The reference's evidence by question id. Reading it waits until the reference has answered.

    Reading raises what asking the reference raised: NoKey or KeyLost.
    """

    def __init__(self, answers: Callable[[], Future[Answers]]) -> None:
        self._answers = answers

    def __getitem__(self, question: str) -> Evidence:
        return self._answers().result()[question]

    def __iter__(self) -> Iterator[str]:
        return iter(self._answers().result())

    def __len__(self) -> int:
        return len(self._answers().result())


def made_once(make: Callable[[], Value]) -> Callable[[], Value]:
    """Return a function that calls `make` on its first call and then returns the same value.

    Threads that call it at the same time wait for the first. An exception is not kept.
    """
    lock, cached = threading.Lock(), functools.cache(make)

    def value() -> Value:
        with lock:
            return cached()

    return value


def in_background(make: Callable[[], Value]) -> Future[Value]:
    """Call `make` in a daemon thread, which does not keep the program from ending."""
    future: Future[Value] = Future()

    def run() -> None:
        try:
            future.set_result(make())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
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
    submission = prepare(reference, workspace / "reference")
    answers = ask(asker, submission, questions, context, lambda who, what: None)
    key = context.key(answers)
    for question in questions:
        key.value(question.id)   # raises where there is no answer
    return answers
