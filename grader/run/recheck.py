"""Checks one student's work again after every change, for `grader check --watch`.

The data, the hidden inputs and the reference's answers are prepared once, and workers wait with
torch imported. Each round asks the quick questions first and then trains; a new round ends the
one before.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from grader.errors import GraderError, UsageError
from grader.records import ALL_GPUS, Concluded, Grade, Submission, Verdict
from grader.rubric.model import Criterion, Rubric
from grader.run import pipeline
from grader.run.context import TRAINING
from grader.run.open import data_cache
from grader.run.recorded_answers import read_recorded
from grader.run.schedule import Slots, cores
from grader.run.setup import RunSetup, set_up
from grader.run.workspace import workspace
from grader.sandbox.process import ProcessSandbox
from grader.sandbox.warm import Round, WarmSandbox
from grader.submissions.discover import own_work

_ENDING_SECONDS = 20.0   # until a round has ended after its workers were stopped
_LANES = 2               # a waiting worker holds a quarter of a GiB, so no more


@dataclass(frozen=True)
class Checked:
    """An interim or final result of a round.

    `pending` are the ids of criteria whose training still runs; `seconds` is the time so far.
    """

    round: int
    grade: Grade
    pending: tuple[str, ...]
    seconds: float


@dataclass(frozen=True)
class Broken:
    """A round that failed because of the rubric or the machine, not because of the work."""

    round: int
    error: GraderError


Tell = Callable[[Checked | Broken], None]


@dataclass(frozen=True)
class _Lane:
    """A setup with warm workers and an unpacked copy of the work of its own."""

    setup: RunSetup
    warm: WarmSandbox

    def for_a_round(self) -> RunSetup:
        """Return the setup of one round."""
        asker = dataclasses.replace(
            self.setup.asker, sandbox=Round(self.warm), slots=Slots(1, ALL_GPUS),
            stop=threading.Event(), absent=threading.Event(),
        )  # fmt: skip
        return dataclasses.replace(self.setup, asker=asker)


class Rechecker:
    """Checks a file in rounds.

    Args:
        lanes: Setups that are used side by side.
        file: The work.
        tell: Called with each result, from the round's own thread.
    """

    def __init__(self, lanes: Sequence[_Lane], file: Path, tell: Tell) -> None:
        self._lanes = lanes
        self._file = file
        self._tell = tell
        self._setups: list[RunSetup] = []
        self._thread: threading.Thread | None = None
        self.round = 0

    def begin(self) -> None:
        """End the round before, and begin a new one with the file as it is now."""
        self.end()
        self.round += 1
        self._setups = [lane.for_a_round() for lane in self._lanes]
        self._thread = threading.Thread(
            target=self._check, args=(self._setups, self.round), daemon=True
        )
        self._thread.start()

    def end(self) -> None:
        """End the round: no result follows, and its processes have left their folder."""
        for setup in self._setups:
            setup.asker.stop.set()
            setup.asker.absent.set()   # no question is repeated
            assert isinstance(setup.sandbox, Round)
            setup.sandbox.end()
        if self._thread is not None:
            self._thread.join(_ENDING_SECONDS)

    def _check(self, setups: Sequence[RunSetup], number: int) -> None:
        began = time.monotonic()
        try:
            quick, slow = _in_two(setups[0])
            known = self._side_by_side(setups, quick)
            if quick:
                grade = self._grade(setups[0], quick, known)
                pending = tuple(one.id for one in slow)
                self._tell(Checked(number, grade, pending, time.monotonic() - began))
            if slow:
                grade = self._grade(setups[0], setups[0].criteria, known)
                self._tell(Checked(number, grade, (), time.monotonic() - began))
        except UsageError as error:
            if self._file.exists():   # otherwise it is being saved, and another round follows
                self._tell(Broken(number, error))
        except GraderError as error:
            self._tell(Broken(number, error))
        except Exception as error:
            self._tell(Broken(number, GraderError(f"{type(error).__name__}: {error}")))

    def _side_by_side(
        self, setups: Sequence[RunSetup], criteria: Sequence[Criterion]
    ) -> Mapping[str, Verdict]:
        """Return the verdicts by criterion; each lane asks a share of the criteria."""
        found: dict[str, Verdict] = {}

        def keep(submission: Submission, concluded: Concluded) -> None:
            found.update(concluded.verdicts)

        def ask(number: int) -> None:
            mine = criteria[number :: len(setups)]
            if mine:
                self._grade(dataclasses.replace(setups[number], keep=keep), mine, {})

        with ThreadPoolExecutor(len(setups)) as pool:
            list(pool.map(ask, range(len(setups))))
        return found

    def _grade(
        self, setup: RunSetup, criteria: Sequence[Criterion], known: Mapping[str, Verdict]
    ) -> Grade:
        concluded = Concluded(known)
        now = dataclasses.replace(
            setup, criteria=tuple(criteria), known=lambda submission: concluded
        )
        return pipeline.grade_one(now, own_work(self._file), lambda student, what: None)


@contextmanager
def open_rechecker(
    rubric: Rubric, criteria: Collection[str], seed: int | None, file: Path, tell: Tell
) -> Iterator[Rechecker]:
    """Open a rechecker for the work in `file`; leaving the context ends what runs.

    Args:
        rubric: The rubric to check by.
        criteria: Ids of the criteria to check.
        seed: Seed of the hidden inputs; None for a new one.
        file: The work.
        tell: Called with each result, from a thread.
    """
    with workspace() as folder, ExitStack() as closing_all:
        sandbox = ProcessSandbox(scratch=folder)
        if seed is None and rubric.recorded is not None:
            seed = read_recorded(rubric.recorded).seed
        setup = set_up(rubric, criteria, sandbox, folder, data_cache(), seed=seed)
        lanes = []
        for number in range(min(_LANES, cores())):
            # The first lane also trains, right after the quick questions.
            warm = WarmSandbox(sandbox, spares=1 if number else 2)
            closing_all.callback(warm.close)
            mine = dataclasses.replace(setup, workspace=folder / f"lane-{number}")
            lanes.append(_Lane(mine, warm))
        rechecker = Rechecker(lanes, file, tell)
        closing_all.callback(rechecker.end)
        yield rechecker


def _in_two(setup: RunSetup) -> tuple[tuple[Criterion, ...], tuple[Criterion, ...]]:
    """Split the criteria into those without a training and those with one."""
    context, limits = setup.context(), setup.rubric.limits
    slow = tuple(
        one
        for one in setup.criteria
        if any(asked.kind == TRAINING for asked in context.question_set_of([one], limits).questions)
    )
    return tuple(one for one in setup.criteria if one not in slow), slow

