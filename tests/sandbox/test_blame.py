"""Whose fault it was: what a worker says is believed no further than the host can follow."""

from __future__ import annotations

import pytest

from grader import wire
from grader.sandbox import blame
from grader.sandbox.base import Exit


@pytest.mark.parametrize("kind", [blame.MEMORY_LIMIT, blame.WORKER_LOST, blame.NOT_STARTED])
def test_what_only_the_host_can_know_is_not_taken_from_a_worker(kind: str) -> None:
    outcome = blame.from_answer({"outcome": kind}, 1.0)
    assert (outcome.kind, outcome.owner) == (wire.BAD_ANSWER, "student")


def test_an_unknown_word_is_a_bad_answer() -> None:
    assert blame.from_answer({"outcome": ["answered"], "phase": 3}, 1.0).kind == wire.BAD_ANSWER


def test_silence_is_the_limit_the_memory_or_the_harness() -> None:
    assert blame.from_silence(Exit(0), 31, 30).kind == wire.TIME_LIMIT
    assert blame.from_silence(Exit(137, out_of_memory=True), 3, 30).kind == blame.MEMORY_LIMIT
    assert blame.from_silence(Exit(137), 3, 30).owner == "harness"
    assert blame.from_silence(Exit(None, lost="the daemon"), 31, 30).owner == "harness"
