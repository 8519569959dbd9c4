"""An answer is not asked for again until something that it depends on changes."""

from __future__ import annotations

import dataclasses
import shutil
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from grader.checks.registry import parameter_models
from grader.cli.app import cli
from grader.grading.gradebook_file import open_gradebook
from grader.records import Evidence, Outcome, Question, Submission
from grader.rubric.load import load
from grader.rubric.model import Limits
from grader.run.cache import file as cache_file
from grader.run.cache.evidence import EvidenceCache
from grader.run.cache.file import open_cache
from grader.run.grade_class import Class, ClassGrades, Unwatched, grade_class
from grader.run.options import RunOptions
from grader.run.provenance.fingerprints import answer_keys, ground_of
from grader.run.provenance.hardware import Hardware
from grader.sandbox.base import Job
from grader.sandbox.process import ProcessSandbox, ProcessWorker
from grader.submissions.discover import discover
from tests.factories import replace_in, submission

ROOT = Path(__file__).parent.parent.parent.parent
SAID = {"classes": 10}
QUESTION = Question("p", "predict", {"shapes": [[2, 8, 8, 3]]}, "s", 5.0, (b"pixels",))
ANSWER = Evidence(QUESTION, Outcome("answered", "student", seconds=1.5), SAID, (bytes(80),))
ADA = submission(digest="d1")
CODE = """
import torchvision


def group_parameters(model):
    return [p for p in model.parameters()], [], []
"""


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[EvidenceCache]:
    with open_cache(tmp_path) as opened:
        yield EvidenceCache(opened)


def test_an_answer_comes_back_as_it_was(cache: EvidenceCache) -> None:
    cache.add("k", ANSWER, "ada", run=1)
    assert cache.find("k", QUESTION, since=0) == ANSWER


def test_how_a_question_failed_comes_back_too(cache: EvidenceCache) -> None:
    failed = Evidence(QUESTION, Outcome("exception", "student", "hw2.py, line 3: ValueError"))
    cache.add("k", failed, "ada", run=1)
    assert cache.find("k", QUESTION, since=0) == failed


def test_what_the_harness_is_to_blame_for_is_not_kept(cache: EvidenceCache) -> None:
    cache.add("k", Evidence(QUESTION, Outcome("worker_lost", "harness")), "ada", run=1)
    assert cache.find("k", QUESTION, since=0) is None


def test_what_was_answered_before_a_fresh_run_is_not_found(cache: EvidenceCache) -> None:
    cache.add("k", ANSWER, "ada", run=3)
    assert cache.find("k", QUESTION, since=4) is None
    assert cache.find("k", QUESTION, since=3) == ANSWER


@pytest.mark.parametrize(
    "damage",
    [
        "update evidence set body = substr(body, 1, length(body) - 1)",
        "update evidence set body = zeroblob(length(body))",
        "update evidence set digest = 'another'",
        "update evidence set body = 7",
    ],
)
def test_a_damaged_entry_is_dropped(tmp_path: Path, damage: str) -> None:
    with open_cache(tmp_path) as opened:
        cache = EvidenceCache(opened)
        cache.add("k", ANSWER, "ada", run=1)
    with closing(sqlite3.connect(tmp_path / cache_file.NAME)) as connection, connection:
        connection.execute(damage)
    with open_cache(tmp_path) as opened:
        cache = EvidenceCache(opened)
        assert cache.find("k", QUESTION, since=0) is None
    assert cache_file.summary(tmp_path).answers == 0
    with open_cache(tmp_path) as opened:
        cache = EvidenceCache(opened)
        cache.add("k", ANSWER, "ada", run=1)
        assert cache.find("k", QUESTION, since=0) == ANSWER


def test_an_entry_whose_answer_no_worker_may_give_was_never_there(cache: EvidenceCache) -> None:
    cache.add("k", dataclasses.replace(ANSWER, value={"classes": -1}), "ada", run=1)
    assert cache.find("k", QUESTION, since=0) is None


@pytest.mark.parametrize("content", [b"no database at all, but longer than its header" * 9, b"x"])
def test_a_damaged_file_is_made_anew(tmp_path: Path, content: bytes) -> None:
    (tmp_path / cache_file.NAME).write_bytes(content)
    with open_cache(tmp_path) as opened:
        cache = EvidenceCache(opened)
        cache.add("k", ANSWER, "ada", run=1)
        assert cache.find("k", QUESTION, since=0) == ANSWER


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(tmp_path: Path) -> None:
    (tmp_path / cache_file.NAME).mkdir()
    with open_cache(tmp_path) as opened:
        cache = EvidenceCache(opened)
        cache.add("k", ANSWER, "ada", run=1)
        assert cache.find("k", QUESTION, since=0) is None


def test_threads_may_use_it_together(cache: EvidenceCache) -> None:
    def work(number: int) -> None:
        for index in range(20):
            cache.add(f"{number}/{index}", ANSWER, "ada", run=1)
            assert cache.find(f"{number}/{index}", QUESTION, since=0) == ANSWER

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(cache.find(f"{n}/{i}", QUESTION, since=0) for n in range(4) for i in range(20))


# What an answer depends on -------------------------------------------------------------------


def key_of(submission: Submission = ADA, question: Question = QUESTION, data: str = "d",
           ground: str = "g", before: tuple[Question, ...] = ()) -> str:
    return answer_keys(ground, submission, (*before, question), data)[question.id]


@pytest.mark.parametrize(
    "other",
    [
        {"submission": dataclasses.replace(ADA, digest="d2")},
        {"submission": dataclasses.replace(ADA, student="grace")},
        {"question": dataclasses.replace(QUESTION, args={"shapes": [[3, 8, 8, 3]]})},
        {"question": dataclasses.replace(QUESTION, blobs=(b"others",))},
        {"question": dataclasses.replace(QUESTION, seconds=6.0)},
        {"data": "other data"},
        {"ground": "another worker"},
        {"before": (Question("t", "train", {"epochs": 3}, "s", 9.0),)},
    ],
)
def test_an_answer_to_anything_else_is_another(other: dict[str, Any]) -> None:
    assert key_of(**other) != key_of()


def test_what_another_session_is_asked_makes_no_difference() -> None:
    assert key_of(before=(Question("t", "train", {"epochs": 3}, "apart", 9.0),)) == key_of()


def test_limits_gpus_and_the_kind_of_sandbox_are_what_an_answer_depends_on() -> None:
    sandbox = ProcessSandbox()
    usual = ground_of(sandbox, Limits())
    assert usual == ground_of(ProcessSandbox(), Limits())
    assert usual != ground_of(sandbox, Limits(memory_mib=512))
    assert usual != ground_of(sandbox, Limits(), Hardware(gpus=True))


# A class, graded again -----------------------------------------------------------------------


class Counting(ProcessSandbox):
    """Counts the workers that it starts, and what they are asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[str, str]] = []

    @contextmanager
    def start(self, job: Job, gpus: Iterable[str] = ()) -> Iterator[ProcessWorker]:
        self.asked += [(job.name, question.id) for question in job.questions]
        with super().start(job, gpus) as worker:
            yield worker


Asked = list[tuple[str, str]]


@pytest.fixture(scope="module")
def graded(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, list[tuple[ClassGrades, Asked]]]:
    """A class of two, graded by its parameter groups, and then by its layers, too; with what came
    of it and what workers were asked for that."""
    folder = tmp_path_factory.mktemp("homework")
    text = (ROOT / "rubric.yaml").read_text(encoding="utf-8")
    for name in ("reference", "handouts"):
        text = text.replace(f"{name}: {name}", f"{name}: {ROOT / name}")
    (folder / "rubric.yaml").write_text(text, encoding="utf-8")
    (folder / "class").mkdir()
    for name in ("ada", "grace"):
        code = f"# {name}\n{CODE}"
        (folder / "class" / f"{name}.py").write_text(code, encoding="utf-8")
    return folder, [grade(folder, "parameter-groups"), grade(folder)]


@pytest.fixture
def homework(graded: tuple[Path, list[tuple[ClassGrades, Asked]]], tmp_path: Path) -> Path:
    """A copy of it."""
    return shutil.copytree(graded[0], tmp_path / "homework")


@pytest.fixture
def first(graded: tuple[Path, list[tuple[ClassGrades, Asked]]]) -> ClassGrades:
    """The result of the last grading."""
    return graded[1][-1][0]


def grade(homework: Path, *criteria: str, fresh: bool = False) -> tuple[ClassGrades, Asked]:
    """Grade the class; what came of it, and what workers were asked for that."""
    sandbox = Counting()

    @contextmanager
    def opener(*opened: object) -> Iterator[tuple[ProcessSandbox, tuple[str, ...]]]:
        yield sandbox, ()

    rubric = load(homework / "rubric.yaml", parameter_models)
    everyone = tuple(discover(homework / "class"))
    out = homework / "results"
    options = RunOptions(
        criteria=criteria or ("parameter-groups", "layer-counts"), fresh=fresh, jobs=2
    )
    with open_gradebook(out, print) as book, open_cache(out) as cache:
        group = Class(rubric, everyone, everyone, out)
        ran = grade_class(group, options, book, cache, Unwatched(), opener=opener)
    return ran, sandbox.asked


def scores(ran: ClassGrades) -> dict[str, float]:
    return {one.student: one.score for one in ran.grades}


def test_all_are_asked_once(graded: tuple[Path, list[tuple[ClassGrades, Asked]]]) -> None:
    asked = [one for _, asked in graded[1] for one in asked]
    assert {name for name, _ in asked} == {"ada", "grace", "reference"}
    assert len(asked) == len(set(asked))


def test_a_criterion_that_is_new_is_asked_alone(
    graded: tuple[Path, list[tuple[ClassGrades, Asked]]],
) -> None:
    _, asked = graded[1][-1]
    assert asked and all(question.startswith("layer-counts") for _, question in asked)


def test_a_class_that_is_graded_again_is_asked_nothing(homework: Path, first: ClassGrades) -> None:
    again, asked = grade(homework)
    assert asked == [] and scores(again) == scores(first)


def test_what_was_answered_is_judged_anew(homework: Path, first: ClassGrades) -> None:
    """Another budget of the training is nothing that these criteria's answers depend on."""
    replace_in(homework / "rubric.yaml", "seconds: 800 ", "seconds: 801 ")
    again, asked = grade(homework)
    assert asked == [] and scores(again) == scores(first)


def test_another_reference_is_asked_and_the_students_are_not(homework: Path) -> None:
    """Their answers hold: only what they are compared with is another."""
    own = homework / "own"
    own.mkdir()
    for file in (ROOT / "reference").glob("*.py"):
        (own / file.name).write_bytes(file.read_bytes() + b"# corrected\n")
    replace_in(homework / "rubric.yaml", f"reference: {ROOT / 'reference'}", f"reference: {own}")
    _, asked = grade(homework)
    assert {name for name, _ in asked} == {"reference"}


def test_a_submission_that_changed_is_asked_alone(homework: Path) -> None:
    replace_in(homework / "class" / "grace.py", "# grace", "# grace, again")
    _, asked = grade(homework)
    assert {name for name, _ in asked} == {"grace"}


def test_a_fresh_run_asks_everything_again(
    homework: Path, graded: tuple[Path, list[tuple[ClassGrades, Asked]]]
) -> None:
    _, again = grade(homework, fresh=True)
    assert sorted(again) == sorted(one for _, asked in graded[1] for one in asked)


def test_answers_that_are_damaged_are_asked_for_again(homework: Path) -> None:
    path = homework / "results" / cache_file.NAME
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("update evidence set digest = 'x' where student = 'ada'")
    replace_in(homework / "rubric.yaml", "seconds: 800 ", "seconds: 801 ")
    _, asked = grade(homework)
    assert {name for name, _ in asked} == {"ada"}
    assert {question.partition("/")[0] for _, question in asked} == {
        "parameter-groups", "layer-counts",
    }  # fmt: skip


def test_the_cache_is_shown_and_cleared(homework: Path) -> None:
    out = str(homework / "results")
    shown = CliRunner().invoke(cli, ["cache", "show", "--out", out])
    assert "answers of 3 submissions" in shown.output
    cleared = CliRunner().invoke(cli, ["cache", "clear", "--out", out])
    assert cleared.exit_code == 0
    assert "0 answers" in CliRunner().invoke(cli, ["cache", "show", "--out", out]).output
    _, asked = grade(homework)
    assert asked == [], "marks are in the gradebook, and hold without it"
