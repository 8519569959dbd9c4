"""Whose fault it was: a worker's report is believed only as far as the host can confirm it."""

from __future__ import annotations

import pytest

from grader import wire
from grader.checks.check import without_answer
from grader.records import Outcome
from grader.sandbox.base import Exit
from grader.sandbox.outcomes import (
    DISK_LIMIT,
    FILES_LIMIT,
    MEMORY_LIMIT,
    NO_NODE_LEFT,
    NODE_LOST,
    NOT_STARTED,
    OWNER,
    PROCESS_LIMIT,
    WORKER_LOST,
    from_answer,
    from_silence,
    too_crowded,
)
from tests import factories


@pytest.mark.parametrize(
    "kind",
    [
        MEMORY_LIMIT, PROCESS_LIMIT, DISK_LIMIT, FILES_LIMIT,
        WORKER_LOST, NOT_STARTED, NODE_LOST, NO_NODE_LEFT,
    ],
)
def test_outcomes_that_only_the_host_can_know_are_not_taken_from_a_worker(kind: str) -> None:
    outcome = from_answer({"outcome": kind}, 1.0)
    assert (outcome.kind, outcome.owner) == (wire.BAD_ANSWER, "student")


def test_an_unknown_word_is_a_bad_answer() -> None:
    assert from_answer({"outcome": ["answered"], "phase": 3}, 1.0).kind == wire.BAD_ANSWER


def test_silence_is_the_memory_limit_or_a_failure_of_the_harness() -> None:
    """A time limit that only the host saw is no zero: it is asked again, now and in later runs."""
    assert from_silence(Exit(0), 51, silent=True).owner == "harness"
    assert from_silence(Exit(137, out_of_memory=True), 3, silent=False).kind == MEMORY_LIMIT
    assert from_silence(Exit(137), 3, silent=False).owner == "harness"
    assert from_silence(Exit(None, lost="the daemon"), 31, silent=True).owner == "harness"


@pytest.mark.parametrize("silent", [True, False])
def test_a_machine_that_is_gone_is_told_from_a_sandbox_that_is_gone(silent: bool) -> None:
    gone = from_silence(Exit(-9, lost="node b went away", node_lost=True), 3, silent=silent)
    assert (gone.kind, gone.owner) == (NODE_LOST, "harness") and "node b" in gone.message
    assert from_silence(Exit(None, lost="it was removed"), 3, silent=silent).kind == WORKER_LOST


@pytest.mark.parametrize(
    ("error", "limit"),
    [
        ("MemoryError", MEMORY_LIMIT),
        ("OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total "
         "capacity of 79.19 GiB of which 50.11 GiB is free. 19.80 GiB allowed; Of the allocated",
         MEMORY_LIMIT),
        ("OSError: [Errno 12] Cannot allocate memory", MEMORY_LIMIT),
        ("RuntimeError: can't start new thread", PROCESS_LIMIT),
        ("BlockingIOError: [Errno 11] Resource temporarily unavailable", PROCESS_LIMIT),
        ("OSError: [Errno 28] No space left on device: 'x'", DISK_LIMIT),
        ("OSError: [Errno 27] File too large", DISK_LIMIT),
        ("OSError: [Errno 24] Too many open files: 'x'", FILES_LIMIT),
        ("ValueError: 24 is not 28", wire.EXCEPTION),
    ],
)
def test_an_exception_is_named_for_the_limit_that_raised_it(error: str, limit: str) -> None:
    message = {"outcome": wire.EXCEPTION, "message": f"hw2.py, line 3: {error}"}
    outcome = from_answer(message, 1.0)
    assert (outcome.kind, outcome.owner, outcome.message) == (limit, "student", message["message"])


@pytest.mark.parametrize(
    ("said", "limit"),
    [
        ({"outcome": wire.EXITED, "struck": ["processes"]}, PROCESS_LIMIT),
        ({"outcome": wire.EXITED, "struck": ["disk", "memory"]}, MEMORY_LIMIT),
        ({"outcome": wire.CRASHED, "message": "SIGBUS", "struck": ["disk"]}, DISK_LIMIT),
        ({"outcome": wire.CRASHED, "message": "SIGXFSZ"}, DISK_LIMIT),
        ({"outcome": wire.CRASHED, "message": "SIGSEGV", "struck": ["memory"]}, wire.CRASHED),
        ({"outcome": wire.EXCEPTION, "message": "NameError", "struck": ["disk"]}, wire.EXCEPTION),
        ({"outcome": wire.EXITED, "struck": "memory"}, wire.EXITED),
        ({"outcome": wire.EXITED, "struck": [["memory"], {}, None]}, wire.EXITED),
    ],
)
def test_a_silent_end_is_named_for_the_limit_that_the_kernel_counted(
    said: dict[str, object], limit: str
) -> None:
    assert from_answer(said, 1.0).kind == limit


def test_an_answer_stays_an_answer_although_a_limit_was_hit() -> None:
    said = {"outcome": wire.ANSWERED, "struck": ["memory", "processes", "disk"]}
    assert from_answer(said, 1.0).answered


def test_every_kind_that_a_student_owns_has_its_sentences() -> None:
    criterion = factories.criterion()
    for kind, owner in OWNER.items():
        if owner == "student" and kind != wire.ANSWERED:
            assert without_answer(criterion, Outcome(kind, owner), "asked").next_step


def test_code_that_got_no_processor_time_is_not_the_students_fault() -> None:
    late = from_answer({"outcome": wire.TIME_LIMIT, "phase": "load"}, seconds=300)
    assert late.owner == "student"
    crowded = too_crowded(late, used=12.3)
    assert (crowded.owner, crowded.phase) == ("harness", "load")
    assert "only 12 s of processor time within 300 s" in crowded.message
