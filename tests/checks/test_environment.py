"""What this machine lacks waits for a person; the same end for another reason is the student's."""

from __future__ import annotations

from typing import Any

import pytest

from grader import wire
from grader.checks import accuracy, layer_counts, mode_switch
from grader.checks.check import NOT_YOURS, as_exception, without_answer
from grader.checks.groups import optimizer_groups, param_groups
from grader.checks.mode_switch import EVALUATE
from grader.checks.training_run import PREDICT, TRAIN
from grader.records import Outcome, Verdict
from grader.sandbox.outcomes import from_answer
from tests.checks.evidence import CRITERION, key, run, trained, unanswered, work

LINE = "package timm is not installed here (hw2.py, line 3: ModuleNotFoundError: No module 'timm')"
LACKING = unanswered(wire.ENVIRONMENT, LINE)
NOTHING = unanswered(wire.NOT_FOUND, "a function evaluate(model, loader)")


def judged(judge: Any, *names: str, **evidence: Any) -> Verdict:
    given = {name: unanswered(wire.ENVIRONMENT, LINE) for name in names} | evidence
    verdict = judge(CRITERION, work(given), key())
    assert isinstance(verdict, Verdict)
    return verdict


def test_a_worker_may_say_that_the_machine_lacks_something() -> None:
    outcome = from_answer({"outcome": wire.ENVIRONMENT, "message": LINE}, 1.0)
    assert (outcome.kind, outcome.owner, outcome.message) == (wire.ENVIRONMENT, "environment", LINE)


@pytest.mark.parametrize(
    ("judge", "names"),
    [
        (mode_switch.judge, (TRAIN, EVALUATE)),
        (accuracy.judge, (TRAIN, PREDICT)),
        (param_groups.judge,
         (param_groups.PUBLIC, *param_groups._hidden(key().inputs), param_groups.BEYOND)),
        (layer_counts.judge, (layer_counts.PUBLIC, *layer_counts._hidden(key().inputs))),
        (optimizer_groups.judge, (TRAIN, optimizer_groups.MAKE)),
    ],
)
def test_every_check_leaves_it_to_a_person_with_the_line_and_the_reason(
    judge: Any, names: tuple[str, ...]
) -> None:
    verdict = judged(judge, *names)
    assert verdict.status == "needs_marking" and verdict.attempted
    assert LINE in verdict.reason and NOT_YOURS in verdict.reason


def test_on_hidden_data_the_reason_has_no_word_of_the_students() -> None:
    reason = without_answer(CRITERION, LACKING.outcome, "asked", hidden=True).reason
    assert "timm" not in reason and NOT_YOURS in reason


@pytest.mark.parametrize(("outcome", "status"), [("environment", "needs_marking"),
                                                 ("exception", "partial")])
def test_a_training_that_ended_before_its_evaluation_is_marked_by_whose_error_it_was(
    outcome: str, status: str
) -> None:
    error = {"outcome": outcome, "message": LINE, "traceback": ""}
    training = trained([run("train", norms_training=10)], error=error)
    verdict = judged(mode_switch.judge, **{TRAIN: training, EVALUATE: NOTHING})
    assert verdict.status == status
    assert (LINE in verdict.reason) is (status == "needs_marking")


def test_an_error_in_an_answer_has_the_owner_that_the_worker_names() -> None:
    answered = Outcome(wire.ANSWERED, "student")
    error = {"message": LINE, "traceback": ""}
    assert as_exception(answered, error).owner == "student"
    lacking = as_exception(answered, error | {"outcome": "environment"})
    assert (lacking.kind, lacking.owner) == (wire.ENVIRONMENT, "environment")
