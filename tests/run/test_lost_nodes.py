"""A machine of a pool that goes away costs nobody a point, and nobody else a repetition."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest

from grader.checks.registry import parameter_models
from grader.errors import NoNodeLeft, SandboxError
from grader.grading.gradebook_file import open_gradebook
from grader.records import Grade, Question
from grader.rubric.load import load
from grader.rubric.model import Limits, Rubric
from grader.run import tries
from grader.run.cache.file import open_cache
from grader.run.grade_class import Class, Unwatched, grade_class
from grader.run.options import RunOptions
from grader.run.setup import RunSetup, set_up
from grader.run.tries import MOVES, Tries
from grader.sandbox.base import Job
from grader.sandbox.interactive import InteractiveSession
from grader.sandbox.outcomes import NO_NODE_LEFT, NODE_LOST, NOT_STARTED, WORKER_LOST
from grader.sandbox.process import ProcessSandbox
from grader.submissions.discover import discover
from tests import factories
from tests.support.nodes import MOMENTS, Nodes
from tests.support.scripted import ScriptedSandbox, ScriptedWorker

MANY = tuple(f"node-{number}" for number in range(10))
HONEST = (factories.ROOT / "tests" / "hostile" / "honest.py").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tries, "PAUSES", (0.0, 0.0))
    monkeypatch.setattr(tries, "MOVE_SECONDS", 0.0)


def class_of(folder: Path, *students: str, code: str = "") -> Path:
    place = folder / "class"
    place.mkdir()
    for student in students:
        (place / f"{student}.py").write_text(f"# {student}\n{code}", encoding="utf-8")
    return place


class Once:
    """Loses the node of a job at a moment, so many times."""

    def __init__(self, job: str, moment: str, times: int = 1) -> None:
        self.when, self.times = (job, moment), times

    def __call__(self, job: str, moment: str) -> bool:
        if (job, moment) != self.when or not self.times:
            return False
        self.times -= 1
        return True


def setup_on(nodes: Nodes, rubric: Rubric, folder: Path) -> RunSetup:
    return set_up(rubric, ["mode-switch"], nodes, folder / "work", folder / "cache", seed=1)


def graded(nodes: Nodes, rubric: Rubric, folder: Path, *students: str) -> dict[str, Grade]:
    setup = setup_on(nodes, rubric, folder)
    return factories.grade_class(setup, discover(class_of(folder, *students)))


@pytest.mark.parametrize("moment", MOMENTS)
def test_what_ran_on_a_lost_machine_is_asked_on_another(
    moment: str, rubric: Rubric, tmp_path: Path
) -> None:
    nodes = Nodes(ScriptedSandbox(), MANY, Once("ada", moment))
    found = graded(nodes, rubric, tmp_path, "ada", "grace")
    assert {one.state for one in found.values()} == {"graded"}
    assert len(nodes.lost) == 1
    where = [node for job, node in nodes.started if job == "ada"]
    asked_again = moment != "stop"   # by then every answer had come
    assert where[0] in nodes.lost and (where[-1] not in nodes.lost) == asked_again


def test_a_submission_that_takes_machines_with_it_leaves_some_to_the_others(
    rubric: Rubric, tmp_path: Path
) -> None:
    nodes = Nodes(ScriptedSandbox(), MANY, Once("ada", "asked", times=1000))
    found = graded(nodes, rubric, tmp_path, "ada", "grace")
    assert (found["ada"].state, found["grace"].state) == ("not_scored", "graded")
    (row,) = (row for row in found["ada"].criteria if row.verdict.criterion == "mode-switch")
    assert row.points is None and "went away" in row.verdict.reason
    assert len(nodes.lost) == 2 * (MOVES + 1), "in the round over the class, and in the one after"


class NeedsThree(ScriptedSandbox):
    """Starts a student's worker at the third attempt only."""

    @contextmanager
    def start(self, job: Job, gpus: Iterable[str]) -> Iterator[ScriptedWorker]:
        self.events.append((job.name, "tried"))
        if self.events.count((job.name, "tried")) < 3:
            raise SandboxError("the disk of the test is full")
        with super().start(job, gpus) as worker:
            yield worker


def test_machines_that_one_submission_loses_cost_another_no_repetition(
    rubric: Rubric, tmp_path: Path
) -> None:
    inner = NeedsThree()
    nodes = Nodes(inner, MANY, Once("ada", "start", times=MOVES + 1))
    setup = setup_on(nodes, rubric, tmp_path)
    ada, grace = sorted(discover(class_of(tmp_path, "ada", "grace")), key=lambda one: one.student)
    assert factories.grade_file(setup, ada).state == "not_scored"
    assert not setup.asker.absent.is_set()
    assert factories.grade_file(setup, grace).state == "graded"


def test_moves_and_repetitions_are_counted_apart() -> None:
    one = Tries()
    moves = [one.pause({NODE_LOST}, absent=False) for _ in range(MOVES + 1)]
    assert None not in moves[:MOVES] and moves[MOVES] is None
    repetitions = [one.pause({WORKER_LOST}, absent=False) for _ in range(3)]
    assert None not in repetitions[:2] and repetitions[2] is None


@pytest.mark.parametrize(
    ("kinds", "absent", "again"),
    [
        ({NODE_LOST}, True, True),            # another machine may start one
        ({NOT_STARTED}, True, False),
        ({NODE_LOST, NOT_STARTED}, True, False),
        ({NODE_LOST, WORKER_LOST}, False, True),
        ({NO_NODE_LEFT}, False, False),
        ({NO_NODE_LEFT, NODE_LOST}, False, False),
    ],
)
def test_who_may_be_asked_again(kinds: set[str], absent: bool, again: bool) -> None:
    assert (Tries().pause(kinds, absent=absent) is not None) == again


def run(folder: Path, nodes: Nodes) -> None:
    """Grade the class in `folder` as `grader run` does."""

    @contextmanager
    def opener(*opened: object) -> Iterator[tuple[Nodes, tuple[str, ...]]]:
        yield nodes, ()

    rubric = load(factories.ROOT / "tests" / "hostile" / "rubric.yaml", parameter_models)
    everyone, out = tuple(discover(folder / "class")), folder / "results"
    options = RunOptions(criteria=("layer-counts",), jobs=1)
    with open_gradebook(out, print) as book, open_cache(out) as cache:
        group = Class(rubric, everyone, everyone, out)
        grade_class(group, options, book, cache, Unwatched(), opener=opener)


def test_without_a_machine_the_run_ends_and_the_next_one_goes_on_with_the_same_marks(
    tmp_path: Path,
) -> None:
    class_of(tmp_path, "ada", "grace", code=HONEST)
    students: list[str] = []   # in the order in which they were asked first

    def second_student(job: str, moment: str) -> bool:
        if moment == "asked" and job != "reference" and job not in students:
            students.append(job)
        return len(students) > 1

    first = Nodes(ProcessSandbox(), ["a"], second_student)
    with pytest.raises(NoNodeLeft, match=r"no machine is left: a .* run the same command"):
        run(tmp_path, first)
    assert scores(tmp_path) == {students[0]: "10.0"}, "the others have no mark yet, and no zero"
    second = Nodes(ProcessSandbox(), ["b"], lambda job, moment: False)
    run(tmp_path, second)
    assert scores(tmp_path) == {"ada": "10.0", "grace": "10.0"}
    assert students[0] not in [job for job, _ in second.started]


def scores(folder: Path) -> dict[str, str]:
    with (folder / "results" / "grades.csv").open(encoding="utf-8", newline="") as file:
        return {row["student"]: row["score"] for row in csv.DictReader(file)}


def test_an_instructors_tests_move_as_a_whole(tmp_path: Path) -> None:
    nodes = Nodes(ScriptedSandbox(), MANY, Once("ada", "asked"))
    questions = [Question(f"tests/{number}", "own", {}, f"tests/{number}", 5) for number in "123"]
    job = Job("ada", tmp_path, tuple(questions), Limits())
    with InteractiveSession(nodes, job, (), nullcontext) as session:
        kinds = {session.put(question).outcome.kind for question in questions}
    assert kinds == {NODE_LOST} and len(nodes.started) == 1
