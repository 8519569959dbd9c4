"""What a run asks with, and the secrets that verdicts are made by: labels and reference answers.

Nothing of an `AnswerKey` is ever sent to a worker that runs a student's code.
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
    """The reference solution has no answer to a question of the students: nobody can be graded."""


class KeyLost(GraderError):
    """The grader failed to ask the reference solution; another attempt may succeed."""


Images = NDArray[np.uint8]
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class EvalInputs:
    """The inputs of a run, the same for every submission.

    Attributes:
        seed: The run's seed. Hidden networks, inputs and the order of the images are drawn from it.
        profile: The rubric's profile that the run uses: data, budget, thresholds.
        threads: Processor threads for each training.
        classes: Names of the data's classes.
        hidden_images: uint8 (N, H, W, 3), in the shuffled order in which they are predicted.
        validation_images: uint8 (M, H, W, 3).
    """

    seed: int
    profile: Profile
    threads: int
    classes: tuple[str, ...]
    hidden_images: Images
    validation_images: Images

    def draw(self, purpose: str) -> np.random.Generator:
        """A random generator for one purpose, seeded alike in every process of this run."""
        return np.random.default_rng([self.seed, *purpose.encode()])


@dataclass(frozen=True)
class AnswerKey:
    """The labels of the images, and the reference solution's answers.

    Attributes:
        inputs: The inputs of the run.
        hidden_labels: int64 (N,), in the order of `inputs.hidden_images`.
        validation_labels: int64 (M,).
        reference_answers: The reference solution's evidence, by question id.
    """

    inputs: EvalInputs
    hidden_labels: Labels
    validation_labels: Labels
    reference_answers: Mapping[str, Evidence]

    @property
    def exam(self) -> EvalInputs:
        """Old name of `inputs`, kept for one release."""
        return self.inputs

    def value(self, question: str) -> Any:
        """The reference solution's answer to a question, as JSON data.

        Raises:
            NoKey: The reference solution has no answer.
            KeyLost: The grader failed to ask it.
        """
        return self._evidence(question).value

    def blobs(self, question: str) -> tuple[bytes, ...]:
        """The arrays of the reference solution's answer, as bytes.

        Raises:
            NoKey: The reference solution has no answer.
            KeyLost: The grader failed to ask it.
        """
        return self._evidence(question).blobs

    def _evidence(self, question: str) -> Evidence:
        evidence = self.reference_answers.get(question)
        lost = evidence is not None and evidence.outcome.owner == "harness"
        # A worker that breaks on the reference, or a probe, will break again.
        if evidence is not None and lost and evidence.outcome.kind != wire.WORKER_FAILED:
            text = f"the reference solution could not be asked about '{question}'"
            raise KeyLost(f"{text}: {evidence.outcome.message}")
        if evidence is None or not evidence.outcome.answered:
            found = "was not asked" if evidence is None else (
                f"ended with {evidence.outcome.kind}: {evidence.outcome.message}"
            )
            raise NoKey(
                f"the reference solution has no answer to '{question}': it {found}. "
                "Run `grader validate` to see what the reference earns."
            )
        return evidence
