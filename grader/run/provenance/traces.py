"""Summarizes evidence in a few hundred bytes per question, so that verdicts can be explained.

The answers themselves are in the cache; of hidden labels only a digest and their number are stored.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Collection, Mapping
from typing import Any

from grader.checks.answer_key import AnswerKey
from grader.errors import GraderError
from grader.records import Evidence, Outcome, Question, Trace
from grader.run.cache.evidence import digest_of
from grader.run.context import QuestionSet

_MOST_ARGUMENTS = 4000   # characters of a question's arguments, as JSON
_MOST_WORDS = 300


def traces(
    question_set: QuestionSet,
    with_reference: Collection[str],
    evidence: Mapping[str, Evidence],
    keys: Mapping[str, str],
    key: AnswerKey,
) -> tuple[Trace, ...]:
    """Return a trace of each question's evidence.

    Args:
        question_set: The questions, and the criteria that rest on each.
        with_reference: Ids of the criteria that are judged by the reference's answers.
        evidence: The evidence, by question id.
        keys: The answers' keys in the cache, by question id.
        key: The answer key.
    """
    found = []
    for question in question_set.questions:
        one, askers = evidence[question.id], question_set.askers[question.id]
        reference = _reference(question, key) if set(askers) & set(with_reference) else ""
        found.append(
            Trace(
                _asked(question), question.digest[:32], askers, _observed(one.outcome),
                digest_of(one.value, one.blobs) if one.outcome.answered else "",
                keys.get(question.id, ""), reference, _labels(question, key), one.worker,
            )
        )
    return tuple(found)


def _asked(question: Question) -> dict[str, Any]:
    arguments = json.dumps(dict(question.args), sort_keys=True)
    return {
        "id": question.id,
        "kind": question.kind,
        "seconds": question.seconds,
        "args": arguments if len(arguments) <= _MOST_ARGUMENTS else f"{len(arguments)} characters",
        "arrays": [len(blob) for blob in question.blobs],
    }


def _observed(outcome: Outcome) -> Outcome:
    return dataclasses.replace(outcome, message=outcome.message[:_MOST_WORDS], traceback="",
                               output="", seconds=round(outcome.seconds, 2))


def _reference(question: Question, key: AnswerKey) -> str:
    """Return a digest of the reference's answer; "" if there is none."""
    try:
        one = key.reference_answers.get(question.id)
    except GraderError:   # it could not be asked, and no verdict here needed it
        return ""
    return digest_of(one.value, one.blobs) if one is not None and one.outcome.answered else ""


def _labels(question: Question, key: AnswerKey) -> str:
    """Return the number and digest of the labels that a prediction is compared with, or ""."""
    if question.kind != "predict":
        return ""
    digest = hashlib.sha256(key.hidden_labels.tobytes()).hexdigest()[:32]
    return f"{len(key.hidden_labels)} hidden labels, digest {digest}"
