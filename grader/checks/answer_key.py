"""The only door to what must stay secret: hidden labels and the reference's answers.

Nothing of this is ever sent to a worker that runs a student's code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grader import wire
from grader.errors import GraderError
from grader.records import Evidence
from grader.rubric.model import Profile


class NoKey(GraderError):
    """The reference has no answer to what students are asked: nobody can be graded."""


class KeyLost(GraderError):
    """The reference could not be asked, for the harness's sake: another time it may be."""


Images = NDArray[np.uint8]
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class EvalInputs:
    """What one run asks with. `seed` draws hidden networks, inputs and the order of the images.

    `hidden_images` are already in the shuffled order in which they are asked.
    """

    seed: int
    profile: Profile
    threads: int
    classes: tuple[str, ...]
    hidden_images: Images
    validation_images: Images

    def draw(self, purpose: str) -> np.random.Generator:
        """Random numbers for one purpose, the same in every process of this run."""
        return np.random.default_rng([self.seed, *purpose.encode()])


@dataclass(frozen=True)
class AnswerKey:
    """The labels of the exam's images, and the gold run: the reference's answers by question."""

    inputs: EvalInputs
    hidden_labels: Labels
    validation_labels: Labels
    reference_answers: Mapping[str, Evidence]

    def value(self, question: str) -> Any:
        """The reference's answer. Raises NoKey when it has none, KeyLost when it was not asked for
        the harness's sake."""
        return self._evidence(question).value

    def blobs(self, question: str) -> tuple[bytes, ...]:
        """The arrays of the reference's answer. Raises like `value`."""
        return self._evidence(question).blobs

    def _evidence(self, question: str) -> Evidence:
        evidence = self.reference_answers.get(question)
        lost = evidence is not None and evidence.outcome.owner == "harness"
        # A worker that breaks on the reference, or a probe, will break again.
        if evidence is not None and lost and evidence.outcome.kind != wire.WORKER_FAILED:
            what = f"the reference solution could not be asked about '{question}'"
            raise KeyLost(f"{what}: {evidence.outcome.message}")
        if evidence is None or not evidence.outcome.answered:
            found = "was not asked" if evidence is None else (
                f"ended with {evidence.outcome.kind}: {evidence.outcome.message}"
            )
            raise NoKey(
                f"the reference solution has no answer to '{question}': it {found}. "
                "Run `grader validate` to see what the reference earns."
            )
        return evidence
