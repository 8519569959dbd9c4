"""The host measures the time of a question, says when it is over, and reads what has arrived."""

from __future__ import annotations

import io
import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from grader import stopwatch, wire
from grader.records import Evidence, Question
from grader.rubric.model import Limits
from grader.sandbox import conversation, time_limit
from grader.sandbox.base import Exit, Job, WorkerPaths
from grader.sandbox.interim import InterimLooks
from grader.sandbox.outcomes import HELD_UP

QUESTION = Question("q", "kind", {}, "q", seconds=0.1)
Say = Callable[["Scripted"], None]


class Scripted:
    """A worker that says something when it is asked, and when it is told that time is over."""

    held_back = False

    def __init__(self, asked: Say, over: Say, share: float = 0.0) -> None:
        self.paths = WorkerPaths("", None, "")
        self.inbox: conversation.Inbox = queue.Queue()
        self.stopped = False
        self._says = {wire.ASK: asked, wire.OVER: over}
        self._share, self._began = share, time.monotonic()

    def write(self, data: bytes) -> None:
        frame = wire.read_frame(io.BytesIO(data).read)
        assert frame is not None and frame[0]["id"] == QUESTION.id
        self._says[frame[0]["type"]](self)

    def answers(self, outcome: str) -> None:
        self.inbox.put(({"type": wire.ANSWER, "id": QUESTION.id, "outcome": outcome}, ()))

    def full_speed(self) -> None: ...

    def read(self, size: int) -> bytes:
        return b""

    def processor_seconds(self) -> float:
        return self._share * (time.monotonic() - self._began)

    def stop(self) -> Exit:
        self.stopped = True
        return Exit(-9)


def nothing(worker: Scripted) -> None:
    """Say nothing."""


def asked(worker: Scripted) -> Evidence:
    job = Job("ada", Path(), (QUESTION,), Limits())
    evidence, alive = conversation.put(worker, worker.inbox, QUESTION, InterimLooks(job, QUESTION))
    assert alive is not worker.stopped
    return evidence


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversation, "_POLL_SECONDS", 0.01)
    monkeypatch.setattr(time_limit, "_PAUSE", 0.01)
    monkeypatch.setattr(conversation, "GRACE_SECONDS", 0.3)
    monkeypatch.setattr(stopwatch, "WINDOW", 0.01)


def test_code_that_computes_or_sleeps_for_too_long_reaches_its_limit() -> None:
    for share in (0.0, 0.5, 1.0):
        outcome = asked(Scripted(nothing, lambda me: me.answers("time_limit"), share)).outcome
        assert (outcome.kind, outcome.owner) == ("time_limit", "student")


def test_an_answer_counts_that_came_while_the_host_was_busy_with_others() -> None:
    """It had lain in the pipe when the host came to declare a time limit."""
    assert asked(Scripted(nothing, lambda me: me.answers("answered"))).outcome.kind != "time_limit"
    assert asked(Scripted(lambda me: me.answers("not_found"), nothing)).outcome.kind == "not_found"


def test_a_worker_that_does_not_say_that_time_is_over_is_asked_again() -> None:
    outcome = asked(Scripted(nothing, nothing)).outcome
    assert (outcome.kind, outcome.owner) == (HELD_UP, "harness")


def test_code_that_hardly_gets_the_processor_is_asked_again() -> None:
    outcome = asked(Scripted(nothing, lambda me: me.answers("time_limit"), share=0.07)).outcome
    assert (outcome.kind, outcome.owner) == (HELD_UP, "harness")
    assert "the machine was too busy" in outcome.message


class SlowEngine(Scripted):
    """Its engine does not tell the processor time for as long as a question is asked."""

    def __init__(self, asked: Say) -> None:
        super().__init__(asked, nothing)
        self.told = threading.Event()

    def processor_seconds(self) -> float:
        self.told.wait()
        return 0.0


def test_an_answer_does_not_wait_until_the_engine_tells_the_processor_time() -> None:
    """Docker's engine takes a second, and each question of a class cost that second."""

    def later(worker: Scripted) -> None:
        threading.Timer(0.1, worker.answers, ["not_found"]).start()

    for answers in (lambda me: me.answers("not_found"), later):
        worker = SlowEngine(answers)
        try:
            assert asked(worker).outcome.kind == "not_found"
        finally:
            worker.told.set()
