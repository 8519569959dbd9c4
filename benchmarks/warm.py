"""Measures one code-only submission in a warm Docker container, from request to verdict.

Before the clock starts, the run is set up (data, run context, reference answers), the submission is
unpacked, and its container is ready: its worker has imported torch and waits for its turn. The
clock starts with that turn. It covers asking all questions, stopping the worker and asking how it
ended, removing the container, judging the answers and computing the grade; the feedback page comes
after. A container serves one submission, so each repetition has a container of its own.

The bare script beside it is a process of its own, from its start to its end.
"""

from __future__ import annotations

import dataclasses
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

from benchmarks.code_only import FULL, RUBRIC, SOLUTIONS, write_class
from benchmarks.engine import engine_missing
from benchmarks.figures import Figure, Sizes, ratios
from benchmarks.timing import bare, in_turns, seconds_of
from grader.checks.registry import parameter_models
from grader.rubric.load import load
from grader.run import pipeline
from grader.run.schedule import Slot, Slots
from grader.run.setup import RunSetup, set_up
from grader.sandbox.docker import Build, DockerSandbox, connect, ensure_image
from grader.submissions.discover import hand_in

TARGET = 0.08
SETTLED = 0.5   # seconds, after which the first session's process exists too
NAME = "the same through a warm Docker container, from request to verdict, over bare"


def measure(sizes: Sizes) -> Iterable[Figure]:
    if missing := engine_missing():
        yield Figure(NAME, to_reach=TARGET, skipped=missing)
        return
    rubric = load(RUBRIC, parameter_models)
    with tempfile.TemporaryDirectory() as name, closing(connect()) as engine:
        folder = Path(name)
        right = range(0, sizes.pairs * len(SOLUTIONS), len(SOLUTIONS))   # all of one solution
        scripts = write_class(folder / "class", right)
        sandbox = DockerSandbox(engine, ensure_image(engine, Build(), print))
        criteria = [criterion.id for criterion in rubric.criteria]
        try:
            setup = set_up(
                rubric, criteria, sandbox, folder / "work", folder / "cache", seed=0
            )
            ours, theirs = in_turns([
                [partial(_graded, setup, script) for script in scripts],
                [partial(seconds_of, bare(script)) for script in scripts],
            ])
        finally:
            sandbox.close()
    yield Figure(NAME, ratios(ours, theirs), to_reach=TARGET)
    yield Figure("the warm container of that", tuple(1000 * one for one in ours), "ms")


def _graded(setup: RunSetup, script: Path) -> float:
    """Return the seconds from the request to the grade, in a new container that is warm."""
    len(setup.key.reference_answers)   # waits for the reference's answers
    timed = TimedSlots()
    setup = dataclasses.replace(setup, asker=dataclasses.replace(setup.asker, slots=timed))
    grade = pipeline.grade_one(setup, hand_in(script), lambda who, what: None)
    seconds = time.perf_counter() - timed.began
    assert grade.score == FULL, f"a right solution must get all points, not {grade.score}"
    return seconds


class TimedSlots(Slots):
    """One slot; `began` is the time when its turn came, with its worker ready."""

    def __init__(self) -> None:
        super().__init__(1)
        self.began = 0.0

    @contextmanager
    def for_code(self) -> Iterator[tuple[Slot, tuple[str, ...]]]:
        slots = self

        class TimedSlot(Slot):
            @contextmanager
            def turn(self, stop: threading.Event) -> Iterator[None]:
                time.sleep(SETTLED)
                slots.began = time.perf_counter()
                yield

        yield TimedSlot(1), ()
