"""One code-only submission in a Docker container that is warm: from the request to the verdict.

Before the clock starts, the run is set up (data, exam, the reference's answers), and a container
has been started for the submission and has said that it is ready: its worker has imported torch and
waits for its first question. What is timed is `grade_one`: the submission is unpacked, all its
questions are put to that worker, the worker is stopped and asked how it ended, and the answers are
judged and become a grade. What comes after is not: the removal of the container, and the feedback
page. A container serves one submission, so each repetition has a container of its own.

The bare script beside it is a process of its own, from its start to its end.
"""

from __future__ import annotations

import dataclasses
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

from benchmarks.code_only import FULL, RUBRIC, SOLUTIONS, write_class
from benchmarks.engine import engine_missing
from benchmarks.figures import Figure, Sizes, ratios
from benchmarks.timing import bare, in_turns, seconds_of
from grader import asking, pipeline, wire
from grader.checks.registry import parameter_models
from grader.class_folder import hand_in
from grader.rubric_file import load
from grader.sandbox.base import Exit, Job, Sandbox, Worker
from grader.sandbox.docker import Build, DockerSandbox, connect, ensure_image
from grader.submissions import prepare

TARGET = 0.08
NAME = "the same through a warm Docker container, from request to verdict, over bare"


def measure(sizes: Sizes) -> Iterable[Figure]:
    if missing := engine_missing():
        yield Figure(NAME, to_reach=TARGET, skipped=missing)
        return
    rubric = load(RUBRIC, parameter_models())
    with tempfile.TemporaryDirectory() as name, closing(connect()) as engine:
        folder = Path(name)
        right = range(0, sizes.pairs * len(SOLUTIONS), len(SOLUTIONS))   # all of one solution
        scripts = write_class(folder / "class", right)
        sandbox = DockerSandbox(engine, ensure_image(engine, Build(), print))
        criteria = [criterion.id for criterion in rubric.criteria]
        try:
            setting = pipeline.set_up(
                rubric, criteria, sandbox, folder / "work", folder / "cache", seed=0
            )
            ours, theirs = in_turns([
                [partial(_graded, setting, script) for script in scripts],
                [partial(seconds_of, bare(script)) for script in scripts],
            ])
        finally:
            sandbox.close()
    yield Figure(NAME, ratios(ours, theirs), to_reach=TARGET)
    yield Figure("the warm container of that", tuple(1000 * one for one in ours), "ms")


def _graded(setting: pipeline.Setting, script: Path) -> float:
    """Seconds from the request to the grade, in a new container that is warm by then."""
    item = hand_in(script)
    submission = prepare(item, setting.workspace / "warm")
    exam, limits = setting.key.exam, setting.rubric.limits
    questions = asking.questions_of(setting.criteria, exam, limits)
    job = Job(submission.student, submission.folder, questions, limits, setting.view)
    with setting.sandbox.start(job, ()) as worker:
        warm = Warm(setting.sandbox, ReadyWorker(worker, job))
        began = time.perf_counter()
        grade = pipeline.grade_one(
            dataclasses.replace(setting, sandbox=warm), item, (), lambda who, what: None
        )
        seconds = time.perf_counter() - began
    assert grade.score == FULL, f"a right solution must get all points, not {grade.score}"
    return seconds


class ReadyWorker:
    """A worker that has been told to start and has said that it is ready: `base.Worker`.

    To the interview it looks like one that is only now told to start, and is ready at once.
    """

    def __init__(self, worker: Worker, job: Job) -> None:
        self.places = worker.places
        self._worker = worker
        start = {
            "type": wire.START,
            "submission": self.places.submission,
            "data": self.places.data,
            "scratch": self.places.scratch,
            "output_bytes": job.limits.output_kib * 1024,
        }
        worker.write(wire.encode(start))
        frame = wire.read_frame(worker.read)
        assert frame is not None and frame[0]["type"] == wire.READY, f"not ready: {frame}"
        self._ready = wire.encode(*frame)
        self._started = False

    def write(self, data: bytes) -> None:
        if self._started:
            self._worker.write(data)
        self._started = True   # the interview's own START has been given before

    def read(self, size: int) -> bytes:
        if self._ready:
            part, self._ready = self._ready[:size], self._ready[size:]
            return part
        return self._worker.read(size)

    def stop(self) -> Exit:
        return self._worker.stop()


@dataclasses.dataclass(frozen=True)
class Warm:
    """A sandbox whose one worker is ready: `base.Sandbox`."""

    sandbox: Sandbox
    worker: ReadyWorker

    @property
    def name(self) -> str:
        return self.sandbox.name

    @property
    def version(self) -> str:
        return self.sandbox.version

    @contextmanager
    def start(self, job: Job, gpus: Iterable[str]) -> Iterator[ReadyWorker]:
        yield self.worker
