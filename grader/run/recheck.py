"""One student's work checked again and again: what need not be made twice is kept, and what a newer
version has made worthless ends.

The data, the exam and the reference's answers are made once, and workers wait warm. Each round asks
what is quick first and then what trains.
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
from grader.submissions.own_work import own_work

_ENDING_SECONDS = 20.0   # for a round to end once its workers are gone
_PLACES = 2              # more would be memory: a worker in waiting holds a quarter of a GiB


@dataclass(frozen=True)
class Checked:
    """What a round has come to by now; `pending` are the ids of criteria that are still trained
    for, `seconds` how long it took."""

    round: int
    grade: Grade
    pending: tuple[str, ...]
    seconds: float


@dataclass(frozen=True)
class Broken:
    """A round that cannot be concluded by any work: the rubric's fault, or the machine's. Of one
    that was ended it says nothing."""

    round: int
    error: GraderError


Tell = Callable[[Checked | Broken], None]


@dataclass(frozen=True)
class _Place:
    """Where a part of the questions is asked, with a copy of the work and warm workers of its own.
    """

    setup: RunSetup
    warm: WarmSandbox

    def for_a_round(self) -> RunSetup:
        asker = dataclasses.replace(
            self.setup.asker, sandbox=Round(self.warm), slots=Slots(1, ALL_GPUS),
            stop=threading.Event(), absent=threading.Event(),
        )  # fmt: skip
        return dataclasses.replace(self.setup, asker=asker)


class Desk:
    """Where one's work is checked. `tell` is called from a round's own thread."""

    def __init__(self, places: Sequence[_Place], file: Path, tell: Tell) -> None:
        self._places = places
        self._file = file
        self._tell = tell
        self._settings: list[RunSetup] = []
        self._thread: threading.Thread | None = None
        self.round = 0

    def begin(self) -> None:
        """A new round, of the file as it is now; the one before ends."""
        self.end()
        self.round += 1
        self._settings = [place.for_a_round() for place in self._places]
        self._thread = threading.Thread(
            target=self._check, args=(self._settings, self.round), daemon=True
        )
        self._thread.start()

    def end(self) -> None:
        """What runs comes to no result any more, and has left its folder when this returns."""
        for setup in self._settings:
            setup.asker.stop.set()
            setup.asker.absent.set()   # nothing is asked again
            assert isinstance(setup.sandbox, Round)
            setup.sandbox.end()
        if self._thread is not None:
            self._thread.join(_ENDING_SECONDS)

    def _check(self, settings: Sequence[RunSetup], number: int) -> None:
        began = time.monotonic()
        try:
            quick, slow = _in_two(settings[0])
            known = self._side_by_side(settings, quick)
            if quick:
                grade = self._grade(settings[0], quick, known)
                pending = tuple(one.id for one in slow)
                self._tell(Checked(number, grade, pending, time.monotonic() - began))
            if slow:
                grade = self._grade(settings[0], settings[0].criteria, known)
                self._tell(Checked(number, grade, (), time.monotonic() - began))
        except UsageError as error:
            if self._file.exists():   # or it is being written anew, and there will be another round
                self._tell(Broken(number, error))
        except GraderError as error:
            self._tell(Broken(number, error))
        except Exception as error:
            self._tell(Broken(number, GraderError(f"{type(error).__name__}: {error}")))

    def _side_by_side(
        self, settings: Sequence[RunSetup], criteria: Sequence[Criterion]
    ) -> Mapping[str, Verdict]:
        """The verdicts, with as many criteria asked at a time as there are places."""
        found: dict[str, Verdict] = {}

        def keep(submission: Submission, concluded: Concluded) -> None:
            found.update(concluded.verdicts)

        def ask(number: int) -> None:
            mine = criteria[number :: len(settings)]
            if mine:
                self._grade(dataclasses.replace(settings[number], keep=keep), mine, {})

        with ThreadPoolExecutor(len(settings)) as pool:
            list(pool.map(ask, range(len(settings))))
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
def open_desk(
    rubric: Rubric, criteria: Collection[str], seed: int | None, file: Path, tell: Tell
) -> Iterator[Desk]:
    """A desk for the work in `file`. Leaving it ends what runs."""
    with workspace() as folder, ExitStack() as closing_all:
        sandbox = ProcessSandbox(scratch=folder)
        if seed is None and rubric.recorded is not None:
            seed = read_recorded(rubric.recorded).seed
        setup = set_up(rubric, criteria, sandbox, folder, data_cache(), seed=seed)
        places = []
        for number in range(min(_PLACES, cores())):
            # The first place trains as well, right after what is asked at once.
            warm = WarmSandbox(sandbox, spares=1 if number else 2)
            closing_all.callback(warm.close)
            mine = dataclasses.replace(setup, workspace=folder / f"place-{number}")
            places.append(_Place(mine, warm))
        desk = Desk(places, file, tell)
        closing_all.callback(desk.end)
        yield desk


def _in_two(setup: RunSetup) -> tuple[tuple[Criterion, ...], tuple[Criterion, ...]]:
    """The criteria for which nothing is trained, and those that wait for a training."""
    context, limits = setup.context(), setup.rubric.limits
    slow = tuple(
        one
        for one in setup.criteria
        if any(asked.kind == TRAINING for asked in context.question_set_of([one], limits).questions)
    )
    return tuple(one for one in setup.criteria if one not in slow), slow

