"""Interim looks at a network in training, by which a training may be ended early.

Between a training's question and its answer, the session says that its network can predict now and
gets hidden images; it sends its predictions and is told to go on or to stop. None of its messages
is trusted: one that does not fit gets no reply, and the conversation ends as after other garbage.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from grader import wire
from grader.records import Evidence, Outcome, Question
from grader.sandbox.base import Job

MOST_REQUESTS = 10_000   # in one training; honest code makes at most two in an epoch
MOST_CLASSES = 100_000
NOT_SHOWN = (
    "What the code printed and drew is not shown: its network was given a part of the hidden "
    "images during the training, to see whether the training could be ended early."
)


class InterimLooks:
    """The interim looks at one training.

    Attributes:
        looked: Hidden images were sent to the student's code.
    """

    def __init__(self, job: Job, question: Question) -> None:
        self.looked = False
        self._job, self._question = job, question
        self._requests = 0
        self._waiting = 0   # images that were sent and are not predicted yet
        self._stopped = False

    def reply(self, message: Mapping[str, Any], blobs: tuple[bytes, ...]) -> bytes | None:
        """Return the frame to send back; None if the message is not one of an interim look."""
        if message.get("type") != wire.INTERIM or message.get("id") != self._question.id:
            return None
        if self._question.stopping is None or self._stopped or self._requests >= MOST_REQUESTS:
            return None
        self._requests += 1
        return self._score(message, blobs) if blobs else self._send_images(message)

    def as_seen(self, evidence: Evidence) -> Evidence:
        """Return the evidence without what could carry hidden images out of the sandbox.

        If hidden images were sent, everything that the code printed, drew or raised is removed.
        Numbers and names about the training stay; SECURITY.md says why. A training that claims to
        have been stopped, and was not, is a bad answer.
        """
        value = evidence.value
        if isinstance(value, dict) and value.get("stopped") == "sure" and not self._stopped:
            text = "the answer claims that the grader stopped the training, but the grader did not"
            seconds = evidence.outcome.seconds
            return Evidence(self._question, Outcome(wire.BAD_ANSWER, "student", text, seconds))
        if not self.looked:
            return evidence
        outcome = dataclasses.replace(evidence.outcome, message="", traceback="", output="")
        if not outcome.answered:
            return dataclasses.replace(evidence, outcome=outcome)
        kept = {**value, "figures": [], "notes": [*value["notes"], NOT_SHOWN]}
        if value["error"]:
            kept["error"] = {"message": "an exception", "traceback": ""}
        return dataclasses.replace(evidence, outcome=outcome, value=kept, blobs=())

    def _send_images(self, message: Mapping[str, Any]) -> bytes | None:
        correct, seen = message.get("correct"), message.get("seen")
        if type(correct) is not int or type(seen) is not int or self._job.early_stopper is None:
            return None
        images = self._job.early_stopper.part(self._job.name, self._question, correct, seen)
        if images is None:
            return _continue()
        self.looked, self._waiting = True, len(images)
        return _continue(
            shape=list(images.shape), dtype=images.dtype.str, blobs=(images.tobytes(),)
        )

    def _score(self, message: Mapping[str, Any], blobs: tuple[bytes, ...]) -> bytes | None:
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
    stop: bool = False, shape: list[int] | None = None, dtype: str | None = None,
    blobs: tuple[bytes, ...] = (),
) -> bytes:
    fields = {"type": wire.CONTINUE, "stop": stop, "shape": shape, "dtype": dtype}
    return wire.encode(fields, blobs)
