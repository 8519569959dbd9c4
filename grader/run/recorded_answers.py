"""The reference's answers to public questions, recorded: what a student's check judges by at home,
where there is no reference.

Only questions that were drawn from the seed in the file have an answer in it, and each is told by
its digest: another grader, which asks something else, gets none.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from grader import wire
from grader.checks.answer_key import NoKey
from grader.errors import UsageError
from grader.records import Evidence, Outcome, Question


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Answer(_Model):
    """What the reference said. Of how it came to say it, and what it printed, nothing is kept."""

    question: str   # a digest of what was asked
    value: Any
    arrays: tuple[str, ...] = ()   # base64


class Recorded(_Model):
    """`answers` by the question's id. The seed is public, and no class is graded by it."""

    seed: int
    answers: Mapping[str, Answer]


def record_answers(seed: int, reference_answers: Mapping[str, Evidence]) -> str:
    """The text of the file."""
    answers = {
        name: {
            "question": one.question.digest,
            "value": one.value,
            "arrays": [base64.b64encode(blob).decode() for blob in one.blobs],
        }
        for name, one in reference_answers.items()
    }
    return json.dumps({"seed": seed, "answers": answers}, indent=1) + "\n"


def read_recorded(path: Path) -> Recorded:
    """Raises UsageError where the file is not there, or is none that `record` has written."""
    try:
        return Recorded.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        why = str(error.strerror)
    except (UnicodeDecodeError, ValidationError) as error:
        why = f"not what `grader release` writes: {str(error).splitlines()[0]}"
    raise UsageError(f"{path}: {why}; unpack the bundle that you were given once more")


def reference_answers_of(path: Path, questions: Iterable[Question]) -> dict[str, Evidence]:
    """The answers to these questions, as if the reference had been asked. Raises NoKey where one
    is missing, and UsageError like `read`."""
    recorded, reference_answers = read_recorded(path), {}
    for question in questions:
        answer = recorded.answers.get(question.id)
        if answer is None or answer.question != question.digest:
            raise NoKey(
                f"{path}: no answer is recorded to '{question.id}' as it is asked here. The "
                f"answers are for --seed {recorded.seed} and for the grader of the same bundle: "
                "run its `python check.py`"
            )
        arrays = tuple(base64.b64decode(text) for text in answer.arrays)
        reference_answers[question.id] = Evidence(
            question, Outcome(wire.ANSWERED, "student"), answer.value, arrays
        )
    return reference_answers
