"""Interim looks: which messages are answered, and what is kept of the evidence afterwards."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from grader import wire
from grader.records import Evidence, Outcome, Question, StopRule
from grader.rubric.model import Limits
from grader.sandbox.base import Job
from grader.sandbox.interim import InterimLooks

QUESTION = Question("training", "train", {}, "training", 10, stopping=StopRule(0.5, 2, 0.1))
REQUEST = {"type": "interim", "id": "training", "correct": 3, "seen": 4}
ANSWER = {"type": "interim", "id": "training", "classes": 3}
LOGITS = np.eye(3, dtype="<f4")[:2].tobytes()   # of two images


class EarlyStopper:
    """Has two images; is sure where the first row's first class wins."""

    def part(
        self, student: str, question: Question, correct: int, seen: int
    ) -> NDArray[np.uint8] | None:
        return np.ones((2, 1, 1, 3), np.uint8) if correct else None

    def is_sure(self, student: str, question: Question, logits: NDArray[np.float32]) -> bool:
        return bool(logits[0].argmax() == 0)


def looks(question: Question = QUESTION) -> InterimLooks:
    job = Job("ada", Path(), (question,), Limits(), early_stopper=EarlyStopper())
    return InterimLooks(job, question)


def said(frame: bytes | None) -> tuple[Mapping[str, Any], tuple[bytes, ...]]:
    assert frame is not None
    found = wire.read_frame(io.BytesIO(frame).read)
    assert found is not None and found[0].pop("type") == wire.CONTINUE
    return found


def evidence(value: Any, kind: str = "answered") -> Evidence:
    outcome = Outcome(kind, "student", "pixels", 1.0, traceback="pixels", output="pixels")
    return Evidence(QUESTION, outcome, value, (b"pixels",) if value else ())


TRAINED: dict[str, Any] = {
    "stopped": None, "notes": ["one"], "figures": [{}], "error": {"message": "pixels"},
}


def test_a_look_sends_images_takes_logits_and_says_whether_to_stop() -> None:
    one = looks()
    nothing = {"stop": False, "shape": None, "dtype": None}
    assert said(one.reply(REQUEST | {"correct": 0}, ())) == (nothing, ())
    assert not one.looked
    for _ in range(2):
        told = said(one.reply(REQUEST, ()))
        assert told == ({"stop": False, "shape": [2, 1, 1, 3], "dtype": "|u1"}, (bytes([1] * 6),))
        assert said(one.reply(ANSWER, (LOGITS[12:] + LOGITS[:12],)))[0]["stop"] is False
    assert one.looked
    one.reply(REQUEST, ())
    assert said(one.reply(ANSWER, (LOGITS,)))[0]["stop"] is True
    assert one.reply(REQUEST, ()) is None   # it was told to stop


@pytest.mark.parametrize(
    ("message", "blobs"),
    [
        (REQUEST | {"type": "answer"}, ()),
        (REQUEST | {"id": "another"}, ()),
        (REQUEST | {"correct": True}, ()),
        (REQUEST | {"seen": 4.0}, ()),
        (REQUEST | {"seen": None}, ()),
        (ANSWER, (LOGITS, b"")),
        (ANSWER, (LOGITS[:-1],)),
        (ANSWER, (LOGITS * 2,)),
        (ANSWER | {"classes": 0}, (b"x",)),
        (ANSWER | {"classes": -3}, (LOGITS,)),
        (ANSWER | {"classes": True}, (LOGITS[:8],)),
        (ANSWER | {"classes": 10**9}, (LOGITS,)),
    ],
)
def test_anything_else_is_garbage(message: Mapping[str, Any], blobs: tuple[bytes, ...]) -> None:
    one = looks()
    assert one.reply(REQUEST, ()) is not None
    assert one.reply(message, blobs) is None


def test_logits_without_a_part_are_garbage_and_so_are_those_that_come_twice() -> None:
    one = looks()
    assert one.reply(ANSWER, (LOGITS,)) is None
    one.reply(REQUEST, ())
    assert one.reply(ANSWER, (LOGITS[12:] + LOGITS[:12],)) is not None
    assert one.reply(ANSWER, (LOGITS,)) is None


def test_without_a_rule_or_an_early_stopper_there_are_no_looks() -> None:
    question = Question("training", "train", {}, "training", 10)
    assert looks(question).reply(REQUEST, ()) is None
    assert InterimLooks(Job("ada", Path(), (), Limits()), QUESTION).reply(REQUEST, ()) is None


def test_requests_come_to_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grader.sandbox.interim.MOST_REQUESTS", 3)
    one = looks()
    answers = [one.reply(REQUEST | {"correct": 0}, ()) for _ in range(4)]
    assert [answer is None for answer in answers] == [False, False, False, True]


def test_only_the_host_can_stop_a_training() -> None:
    one, claim = looks(), evidence(TRAINED | {"stopped": "sure"})
    assert one.as_seen(claim).outcome.kind == wire.BAD_ANSWER
    one.reply(REQUEST, ())
    assert one.as_seen(claim).outcome.kind == wire.BAD_ANSWER
    one.reply(ANSWER, (LOGITS,))
    assert one.as_seen(claim).value["stopped"] == "sure"


@pytest.mark.parametrize("kind", ["answered", "exception", "bad_answer", "crashed"])
def test_after_a_look_nothing_that_the_code_printed_or_drew_is_kept(kind: str) -> None:
    one = looks()
    found = evidence(TRAINED if kind == "answered" else None, kind)
    assert one.as_seen(found) is found
    one.reply(REQUEST, ())
    seen = one.as_seen(found)
    assert seen.outcome.kind == kind
    assert "pixels" not in f"{seen.value} {seen.outcome} {seen.blobs}"
