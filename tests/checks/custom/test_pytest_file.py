"""An instructor's pytest file: its questions, points and feedback."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from grader.checks.registry import CHECKS
from grader.errors import CheckError, RubricError, SandboxError
from grader.reports.student.page import make_page
from grader.run.cache.evidence import EvidenceCache
from grader.run.cache.file import open_cache
from grader.run.cache.recall import Recall
from grader.sandbox.base import Job, Sandbox
from grader.sandbox.process import ProcessSandbox
from tests.checks.custom.homework import (
    Overheard,
    examined,
    found,
    graded,
    read,
    rubric_in,
    setup_of,
    write,
)
from tests.factories import grade_file

SOFTMAX = '''
import numpy as np
import pytest

@pytest.mark.points(3)
def test_rows(student):
    "Each row of softmax adds up to one."
    rows = student.call("softmax", student.tensor(np.arange(6.0).reshape(2, 3)))
    assert rows.sum(axis=1) == pytest.approx(1), "rows must add up to one"

@pytest.mark.hidden
def test_secret_large_numbers(student):
    "Large numbers don't overflow."
    rows = student.call("softmax", student.tensor(np.full((1, 3), 12345.0)))
    assert rows == pytest.approx(1 / 3), "subtract the maximum before you exponentiate"
'''
RIGHT = """
def softmax(x):
    return x.softmax(1)
"""
OVERFLOWS = """
def softmax(x):
    if x.max() > 100:
        raise ValueError(f"too large: {x.max()}")
    return x.exp() / x.exp().sum(1, keepdim=True)
"""

BEHAVIOUR = """
import os, sys, time, torch
count = 0
net = torch.nn.Linear(2, 1)
net.bias.requires_grad_(False)

def add(a, b=0): return a + b
def hang(): time.sleep(1000)
def crash(): os.abort()
def leave(): os._exit(0)
def quit_politely(): exit()
def divide(x):
    y = 0
    return x / y
def counted():
    global count
    count += 1
    return count
def build_model(width): return torch.nn.Linear(width, 3, bias=False)
def elements(model): return sum(p.numel() for p in model.parameters())
def nan(): return [1.0, float("nan")]

if __name__ == "__main__":
    print("hello", sys.argv[1], input())
    open("out.txt", "w").write("written")
    sys.exit(3)
"""
ASKS = '''
import numpy as np
import pytest
from grader.checks.custom.api import StudentError, probe

def test_add(student):
    assert student.call("add", 1, b=2) == 3
    assert student.call("add", [1], b=[{"x": (2, None)}]) == [1, {"x": (2, None)}]
    assert student.call("add", "a", b="b") == "ab"
    sums = student.call("add", np.arange(3), b=1)
    assert sums.dtype == np.int64 and sums.tolist() == [1, 2, 3]

def test_hang(student): student.within(3).call("hang")
def test_crash(student): student.call("crash")
def test_leave(student): student.call("leave")
def test_quit(student): student.call("quit_politely")
def test_divide(student): student.call("divide", 1)
def test_missing(student): student.call("subtract")
def test_arguments(student): student.call("add", 1, 2, 3)
def test_nan(student): student.call("nan")
def test_nan_that_may_be(student):
    assert np.isnan(student.with_nan.call("nan")[1])

def test_after_a_failure(student):
    with pytest.raises(StudentError, match="ZeroDivisionError") as raised:
        student.call("divide", 1)
    assert raised.value.kind == "exception"
    assert student.call("add", 1) == 1

def test_counts(student):
    assert [student.call("counted"), student.call("counted")] == [1, 2]
def test_counts_anew(student):
    assert student.call("counted") == 1

def test_run(student):
    ran = student.run(["there"], stdin="you")
    assert (ran.printed, ran.exit_code) == ("hello there you\\n", 3)
    assert ran.files == {"out.txt": b"written"}

def test_parameters(student):
    found = student.parameters("net")
    assert {name: (one.shape, one.elements, one.trainable) for name, one in found.items()} == {
        "weight": ((1, 2), 2, True), "bias": ((1,), 1, False)}
    assert student.weights("build_model", 5)["weight"].shape == (3, 5)

def test_network(student):
    tiny = student.network({"layers": [1, 1, 1, 1], "width": 4, "num_classes": 2})
    assert student.call("elements", tiny) > 1000

@probe
def sees(student, by):
    return student.get("net").weight * by

def test_probe(student):
    assert student.ask(sees, by=0).tolist() == [[0, 0]]

@pytest.mark.parametrize("a", [1, 2])
def test_each(student, a):
    "Adding nothing"
    assert student.call("add", a) == 1
'''
FAILING = {
    "test_hang": "hang(): The time limit was reached: no answer within the time limit",
    "test_crash": "crash(): The program crashed: SIGABRT",
    "test_leave": "the program ended itself with exit code 0",
    "test_quit": "the code called exit(",
    "test_divide": "hw.py, line 14: ZeroDivisionError: division by zero",
    "test_missing": "This was not found: subtract",
    "test_arguments": "cannot be called with 3 arguments",
    "test_nan": "nan(): in what was returned, [1] is NaN or infinite",
    "test_each[2]": "assert 2 == 1",
}


@pytest.fixture
def rubric(tmp_path: Path) -> Path:
    write(tmp_path, "test_hw.py", SOFTMAX)
    write(tmp_path, "reference/hw.py", RIGHT)
    return rubric_in(tmp_path, "check: pytest\nfile: test_hw.py")


def test_a_failure_costs_its_own_test_only(sandbox: Sandbox, tmp_path: Path) -> None:
    evidence = examined(tmp_path, ASKS, BEHAVIOUR, sandbox)
    assert evidence.outcome.answered
    tests = found(evidence)
    assert {name for name, (status, _) in tests.items() if status != "passed"} == set(FAILING)
    for name, words in FAILING.items():
        assert tests[name][0] == "failed" and words in tests[name][1], (name, tests[name])
    titles = [test["title"] for test in evidence.value["tests"]]
    assert titles[-2:] == ["Adding nothing [1]", "Adding nothing [2]"] and titles[0] == "add"


def test_messages_are_feedback_except_those_of_hidden_tests(
    rubric: Path, tmp_path: Path
) -> None:
    grade = graded(rubric, OVERFLOWS.replace(".sum(1,", ".sum(0,"), tmp_path / "wrong")
    (section,) = make_page(grade, "Sequences", datetime.now(UTC), None).sections
    assert section.reason == (
        "0 of 2 tests pass. Each row of softmax adds up to one: rows must add up to one."
    )
    shown, hidden = section.tables[0].rows
    assert shown[:3] == ("Each row of softmax adds up to one.", "failed", "0 of 3")
    assert shown[3] == "rows must add up to one"
    assert hidden == ("hidden test 1", "failed", "0 of 1", "")
    for word in ("12345", "large", "Large", "overflow", "maximum", "secret"):
        assert word not in repr(section)
    assert "12345" in repr(grade.criteria[0].verdict.seen)   # for whoever marks


def test_functions_that_the_starter_left_to_write_were_not_attempted(
    rubric: Path, tmp_path: Path
) -> None:
    stub = "def softmax(x):\n    raise NotImplementedError('softmax')\n"
    (row,) = graded(rubric, stub, tmp_path / "stub").criteria
    assert (row.verdict.result, row.points) == ("not_attempted", 0)
    assert "still raises NotImplementedError" in row.verdict.reason


def test_a_broken_test_costs_no_points(tmp_path: Path) -> None:
    tests = found(examined(tmp_path, '''
        import pytest

        @pytest.fixture
        def broken(): raise RuntimeError("no such file")

        def test_before(student): student.call("add", open("/nowhere"))
        def test_fixture(student, broken): pass
        def test_after(student): student.call("add", 1)["x"]
        def test_unpackable(student): student.call("add", object())
        def test_skipped(student): pytest.skip("not today")
        def test_swallows(student):
            try: student.call("subtract")
            except Exception: pass
        ''', BEHAVIOUR))
    statuses = {name: status for name, (status, _) in tests.items()}
    assert statuses == {
        "test_before": "not_scored", "test_fixture": "not_scored", "test_after": "failed",
        "test_unpackable": "not_scored", "test_skipped": "skipped", "test_swallows": "passed",
    }
    assert "near line 7: FileNotFoundError" in tests["test_before"][1]
    assert "cannot use the value that your code returned: TypeError" in tests["test_after"][1]
    assert "a object; numbers, text, lists" in tests["test_unpackable"][1]


class Absent(ProcessSandbox):
    """A sandbox that starts one worker only."""

    left = 0

    @contextmanager
    def start(self, job: Job, gpus: Iterable[str] = ()) -> Iterator[Any]:
        if not self.left:
            raise SandboxError("no engine")
        self.left -= 1
        with super().start(job, gpus) as worker:
            yield worker


def test_what_the_grader_fails_to_ask_is_not_scored(tmp_path: Path) -> None:
    evidence = examined(tmp_path, '''
        def test_one(student):
            try: student.call("add", 1)
            except Exception: pass
        def test_two(student): student.call("add", 1)
        ''', BEHAVIOUR, Absent())
    assert (evidence.outcome.kind, evidence.outcome.owner) == ("not_started", "harness")
    assert set(found(evidence).values()) == {("not_scored", "no engine")}


def test_tests_that_end_the_process_are_not_scored(rubric: Path, tmp_path: Path) -> None:
    evidence = examined(tmp_path, "import os\ndef test(student): os._exit(7)\n", RIGHT)
    assert (evidence.outcome.kind, evidence.outcome.owner) == ("worker_failed", "harness")
    (criterion,) = read(rubric).criteria
    (question,) = CHECKS["pytest"].ask(criterion, None, read(rubric).limits)   # type: ignore[arg-type]  # it looks at no exam
    work: Any = type("Work", (), {"evidence": {question.id: evidence}})
    verdict = CHECKS["pytest"].judge(criterion, work, None)   # type: ignore[arg-type]  # nor at a key
    assert verdict.status == "not_scored" and "the tests did not finish" in verdict.reason


@pytest.mark.parametrize(
    ("tests", "words"),
    [
        ("import numpyy\ndef test(student): pass\n", "No module named 'numpyy'"),
        ("def test(student:\n", "SyntaxError"),
        ("def check(student): pass\n", "NO_TESTS_COLLECTED"),
        ("import pytest\n@pytest.mark.point(2)\ndef test(student): pass\n", "'point' not found"),
    ],
)
def test_a_file_that_pytest_cannot_use_stops_the_class(
    tests: str, words: str, tmp_path: Path
) -> None:
    with pytest.raises(CheckError, match="pytest cannot use it") as error:
        examined(tmp_path, tests, RIGHT)
    assert words in str(error.value) and "test_hw.py" in str(error.value)


def test_a_file_that_is_not_there_is_reported_with_its_line(tmp_path: Path) -> None:
    rubric = rubric_in(tmp_path, "check: pytest\nfile: test_homework.py")
    with pytest.raises(RubricError, match=r"rubric.yaml:\d+: criteria.0.file: there is no file"):
        read(rubric)


def test_markers_share_the_points_and_results_are_cached(
    rubric: Path, tmp_path: Path
) -> None:
    overheard = Overheard()
    with open_cache(tmp_path) as cache:
        memory = Recall(EvidenceCache(cache), "ground")
        file = write(tmp_path, "in/hw.py", OVERFLOWS)
        scores = []
        for _ in range(2):
            setup = setup_of(rubric, tmp_path, overheard, memory)
            grade = grade_file(setup, file)
            scores.append(grade.score)
    assert scores == [3, 3] and overheard.started == 1
    assert b"softmax" in overheard.said
    for word in (b"adds up", b"maximum", b"secret", b"approx", b"test_hw", b"points("):
        assert word not in overheard.said, word
