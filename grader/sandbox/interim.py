"""What is said between a training's question and its answer: looks at a network on the way.

A session says that its network could predict, and gets images; it predicts them, and is told to go
on or to stop. Everything that it says is a stranger's word: what does not fit is no reply, and the
conversation ends as it does with any other garbage.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from grader import wire
from grader.records import Evidence, Outcome, Question
from grader.sandbox.base import Job

MOST_REQUESTS = 10_000   # of one training; an honest one makes two or fewer in an epoch
MOST_CLASSES = 100_000
NOT_SHOWN = (
    "What the code printed and drew is not shown: its network was given a part of the hidden "
    "images on the way, to see whether the training could be ended early."
)


class Looks:
    """The looks at one training, put once. `looked`: hidden images were sent."""

    def __init__(self, job: Job, question: Question) -> None:
        self.looked = False
        self._job, self._question = job, question
        self._requests = 0
        self._waiting = 0   # images that were sent and not predicted yet
        self._stopped = False

    def reply(self, message: Mapping[str, Any], blobs: tuple[bytes, ...]) -> bytes | None:
        """The frame to answer with; None when this is no message of an honest look."""
        if message.get("type") != wire.INTERIM or message.get("id") != self._question.id:
            return None
        if self._question.stopping is None or self._stopped or self._requests >= MOST_REQUESTS:
            return None
        self._requests += 1
        return self._judge(message, blobs) if blobs else self._give(message)

    def as_seen(self, evidence: Evidence) -> Evidence:
        """The evidence as far as the host can vouch for it; after a look, when the student's code
        has had hidden images, without what it printed, drew or raised. What is told of the training
        in numbers and names stays: see SECURITY.md."""
        value = evidence.value
        if isinstance(value, dict) and value.get("stopped") == "sure" and not self._stopped:
            text = "it says that it was stopped by the grader, which it was not"
            seconds = evidence.outcome.seconds
            return Evidence(self._question, Outcome(wire.BAD_ANSWER, "student", text, seconds))
        if not self.looked:
            return evidence
        outcome = dataclasses.replace(evidence.outcome, message="", traceback="", output="")
        if not outcome.answered:
            return dataclasses.replace(evidence, outcome=outcome)
        told = {**value, "figures": [], "notes": [*value["notes"], NOT_SHOWN]}
        if value["error"]:
            told["error"] = {"message": "an exception", "traceback": ""}
        return dataclasses.replace(evidence, outcome=outcome, value=told, blobs=())

    def _give(self, message: Mapping[str, Any]) -> bytes | None:
        correct, seen = message.get("correct"), message.get("seen")
        if type(correct) is not int or type(seen) is not int or self._job.early_stopper is None:
            return None
        images = self._job.early_stopper.part(self._job.name, self._question, correct, seen)
        if images is None:
            return _continue()
        self.looked, self._waiting = True, len(images)
        return _continue(shape=list(images.shape), blobs=(images.tobytes(),))

    def _judge(self, message: Mapping[str, Any], blobs: tuple[bytes, ...]) -> bytes | None:
        classes, count = message.get("classes"), self._waiting
        if type(classes) is not int or not 1 <= classes <= MOST_CLASSES or len(blobs) != 1:
            return None
        if not count or len(blobs[0]) != 4 * count * classes or self._job.early_stopper is None:
            return None
        self._waiting = 0
        logits = np.frombuffer(blobs[0], dtype="<f4").reshape(count, classes)
        self._stopped = self._job.early_stopper.is_sure(self._job.name, self._question, logits)
        return _continue(stop=self._stopped)


def _continue(
    stop: bool = False, shape: list[int] | None = None, blobs: tuple[bytes, ...] = ()
) -> bytes:
    return wire.encode({"type": wire.CONTINUE, "stop": stop, "shape": shape}, blobs)
