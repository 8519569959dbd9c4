"""Instructors' tests that hang, leave processes behind or mix up calls. No worker is needed."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from grader.packing import unpack
from grader.records import Evidence, Outcome, Question
from grader.run import pytest_session
from tests.checks.custom.homework import found, write

ASKS = """
import os, signal, threading, time
def test_first(student): assert student.call("f", 1) == 1
def test_second(student):
    assert student.call("f", 2) == 2
"""
HANGS = {
    "a sleep": "    time.sleep(1000)\n",
    "a lock that nobody opens": "    threading.Semaphore(0).acquire()\n",
    "an endless loop": "    while True: pass\n",
}
TWO_THREADS = """
from concurrent.futures import ThreadPoolExecutor
def test_threads(student):
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda n: student.call("f", n), range(40))) == list(range(40))
"""


class Echo:
    """Answers each call with its argument after some seconds, in place of a worker."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def put(self, question: Question) -> Evidence:
        """Answer."""
        time.sleep(self.seconds)
        given: Any = unpack(question.args["arguments"], question.blobs)
        (number,) = given["args"]
        return Evidence(question, Outcome("answered", "student", seconds=0.1), number)


def examined(folder: Path, tests: str, seconds: float = 0.0) -> Evidence:
    """The results of a file of tests for a submission that echoes."""
    file = write(folder, "test_hw.py", tests)
    question = Question("tests", "pytest", {}, "tests", 3, tests=file)
    worker: Any = Echo(seconds)
    return pytest_session._examined(worker, question)


@pytest.mark.parametrize("hang", HANGS)
def test_a_test_that_hangs_is_named_with_its_line_and_is_not_scored(
    hang: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pytest_session, "LEAST_SECONDS", 3.0)
    evidence = examined(tmp_path, ASKS + HANGS[hang])
    assert (evidence.outcome.kind, evidence.outcome.owner) == ("worker_failed", "harness")
    assert evidence.outcome.message == "the tests did not finish within 3 s"
    first = evidence.value["ended"].splitlines()[0]
    assert first == "nothing for 3 s of its time, in line 6 of test_hw.py, test_second"


def test_a_process_that_outlives_the_tests_does_not_hold_the_run_up(tmp_path: Path) -> None:
    tests = ASKS + "    if not os.fork(): time.sleep(1000)\n    os._exit(3)\n"
    evidence = examined(tmp_path, tests)
    assert evidence.outcome.message == "the tests did not finish"   # long before their limit


def test_a_timer_that_interrupts_a_call_ends_the_tests_instead_of_shifting_answers(
    tmp_path: Path,
) -> None:
    tests = ASKS + '''
    def late(*_): raise TimeoutError("too slow")
    signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    try: student.call("f", 3)
    except TimeoutError: pass
    assert student.call("f", 4) == 4
'''
    evidence = examined(tmp_path, tests, seconds=0.5)
    assert evidence.outcome.owner == "harness"
    assert "`student.within(SECONDS)` limits its time" in evidence.value["ended"]


def test_calls_from_several_threads_get_their_own_answers(tmp_path: Path) -> None:
    evidence = examined(tmp_path, ASKS + TWO_THREADS)
    assert {status for status, _ in found(evidence).values()} == {"passed"}
    assert len(found(evidence)) == 3
    assert threading.active_count() < 20   # nobody watches tests that have ended
