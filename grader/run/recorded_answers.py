"""Recorded answers of the reference to public questions, for `grader check` without a reference.

The file holds answers to the questions of one seed. Each is stored under its question's digest, so
a different version of the grader, which asks other questions, finds none.
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


class RecordedAnswer(_Model):
    """One answer of the reference; `arrays` are in base64."""

    question: str   # the question's digest
    value: Any
    arrays: tuple[str, ...] = ()


class Recorded(_Model):
    """A file of recorded answers, by question id. Its seed is public, so it grades no class."""

    seed: int
    answers: Mapping[str, RecordedAnswer]


def record_answers(seed: int, reference_answers: Mapping[str, Evidence]) -> str:
    """Return the text of the file with these answers."""
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
    """Read the file. Raises UsageError if it is missing or not written by `record_answers`."""
    try:
        return Recorded.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        why = str(error.strerror)
    except (UnicodeDecodeError, ValidationError) as error:
        why = f"not what `grader release` writes: {str(error).splitlines()[0]}"
    raise UsageError(f"{path}: {why}; unpack your course's bundle again")


def reference_answers_of(path: Path, questions: Iterable[Question]) -> dict[str, Evidence]:
    """Return the recorded answers as evidence, by question id.

    Raises:
        NoKey: A question has no recorded answer.
        UsageError: The file cannot be read.
    """
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
