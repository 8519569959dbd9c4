"""A trace of evidence explains a verdict and holds no hidden label."""

from __future__ import annotations

import dataclasses
import json

from grader.grading.gradebook import plain_value
from grader.records import Evidence, Question, Trace
from grader.run.context import QuestionSet
from grader.run.provenance.traces import traces
from tests.checks.evidence import CRITERION, answered, key, unanswered

PREDICT = Question("accuracy/predict", "predict", {"shapes": [[10, 3, 8, 8]]}, "train", 10, (b"x",))
GROUPS = Question("groups", "parameter_groups", {"network": {"layers": [1, 1, 1, 1]}}, "groups", 10)
MINE = CRITERION.model_copy(update={"check": "param_groups"})


def traced(
    question: Question, evidence: Evidence, reference_answers: Evidence | None = None
) -> Trace:
    question_set = QuestionSet((question,), {question.id: (MINE.id,)})
    answers = {question.id: reference_answers} if reference_answers is not None else {}
    (found,) = traces(
        question_set, [MINE.id], {question.id: evidence}, {question.id: "key"}, key(answers)
    )
    return found


def test_of_hidden_labels_there_are_a_digest_and_a_number() -> None:
    found = traced(PREDICT, answered({"classes": 3}))
    assert found.labels.startswith("10 hidden labels, digest ")
    text = json.dumps(dataclasses.asdict(found), default=plain_value)
    assert str(key().hidden_labels.tolist())[1:-1] not in text


def test_a_question_without_labels_is_traced_by_the_references_answer() -> None:
    found = traced(GROUPS, answered({"lists": [1]}), answered({"lists": [2]}))
    same = traced(GROUPS, answered({"lists": [2]}), answered({"lists": [2]}))
    assert (found.labels, found.key, found.criteria) == ("", "key", (MINE.id,))
    assert found.reported != found.reference == same.reported
    assert json.loads(found.question["args"]) == GROUPS.args


def test_what_the_code_printed_is_not_kept_twice() -> None:
    failure = unanswered("exception", "m" * 5000, output="o" * 5000, traceback="t" * 5000)
    found = traced(GROUPS, failure, answered({"lists": [2]}))
    assert (found.reported, found.outcome.kind) == ("", "exception")
    assert len(json.dumps(dataclasses.asdict(found), default=plain_value)) < 1000


def test_a_reference_without_an_answer_leaves_no_digest() -> None:
    assert traced(GROUPS, answered({}), unanswered("exception")).reference == ""
