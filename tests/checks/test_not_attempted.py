"""A blank part and one that nobody began are "not attempted"; wrong work is "failed"."""

from __future__ import annotations

from typing import Any

import pytest

from grader.checks import accuracy, layer_counts, mode_switch
from grader.checks.check import is_stub, with_notes, without_answer
from grader.checks.groups import optimizer_groups, param_groups
from grader.checks.training_run import PREDICT, TRAIN
from grader.checks.written_answer import CHECK as WRITTEN
from grader.checks.written_answer import Params
from grader.records import Evidence, Outcome, Verdict
from tests.checks.evidence import CRITERION, answered, found, key, structure, unanswered, work
from tests.factories import criterion, submission

NOTHING = unanswered("not_found", "a script. The submission has: hw2.py (main)", phase="load")
STUB = '  File "hw2.py", line 9, in train\n    raise NotImplementedError("train")\n'
ENDS = "NotImplementedError: train\n"


def stub(traceback: str = STUB + ENDS) -> Outcome:
    message = "hw2.py, line 9: NotImplementedError: train"
    return Outcome("exception", "student", message, traceback=traceback)


def groups(*lists: Any, numbers: Any = ()) -> Verdict:
    rows = structure()
    value = {
        "form": "script", "lists": list(lists), "numbers": list(numbers), "replaced": False,
        "structure": rows, "notes": [],
    }
    names = (*(f"parameter-groups/hidden-{n}" for n in (1, 2)), param_groups.BEYOND)
    reference = answered({"structure": rows, "lists": [found("x", []) for _ in range(3)]})
    evidence = {param_groups.PUBLIC: answered(value)} | {name: answered(value) for name in names}
    known = key(dict.fromkeys(evidence, reference))
    return param_groups.judge(CRITERION, work(evidence), known)


def counts(output: str, *tables: Any) -> Verdict:
    value = {"tables": list(tables), "printed": not tables, "replaced": False, "notes": []}
    truth = {"tables": [{"pairs": [["conv1", 9408], ["bn1", 128], ["fc", 513000]]}]}
    reply = Evidence(NOTHING.question, Outcome("answered", "student", output=output), value)
    evidence = {layer_counts.PUBLIC: reply, "layer-counts/hidden": reply}
    known = key({layer_counts.PUBLIC: answered(truth)})
    return layer_counts.judge(CRITERION, work(evidence), known)


@pytest.mark.parametrize(
    ("judge", "evidence"),
    [
        (mode_switch.judge, {TRAIN: NOTHING, mode_switch.EVALUATE: NOTHING}),
        (optimizer_groups.judge, {TRAIN: NOTHING, optimizer_groups.MAKE: NOTHING}),
        (accuracy.judge, {TRAIN: NOTHING, PREDICT: NOTHING}),
        (layer_counts.judge, {layer_counts.PUBLIC: NOTHING}),
        (param_groups.judge, {param_groups.PUBLIC: NOTHING}),
    ],
)
def test_a_part_without_any_code_was_not_attempted(judge: Any, evidence: Any) -> None:
    verdict = judge(CRITERION, work(evidence), key())
    assert (verdict.status, verdict.result, verdict.fraction) == ("failed", "not_attempted", 0)
    assert verdict.reason.startswith("Not attempted: no code for this was found.")
    assert "The submission has: hw2.py (main)." in verdict.reason


def test_a_script_that_ran_and_trained_nothing_was_attempted() -> None:
    ran = unanswered("not_found", "a trained network. hw2.py ran to its end without training one")
    verdict = accuracy.judge(CRITERION, work({TRAIN: ran, PREDICT: NOTHING}), key())
    assert verdict.result == "failed" and "without training one" in verdict.reason


def test_a_function_that_is_not_found_may_have_another_name() -> None:
    assert without_answer(CRITERION, NOTHING.outcome, "asked").attempted


@pytest.mark.parametrize("hidden", [False, True])
def test_a_function_that_the_starter_left_to_write_was_not_attempted(hidden: bool) -> None:
    verdict = without_answer(CRITERION, stub(), "asked", hidden=hidden)
    assert verdict.result == "not_attempted"
    assert ("hw2.py, line 9 still raises" in verdict.reason) is not hidden


@pytest.mark.parametrize(
    "traceback",
    [
        '  File "hw2.py", line 30, in train\n    evaluate(model)\n' + STUB + ENDS,   # work above it
        '  File "hw2.py", line 9, in train\n    x.sparse()\n' + ENDS,   # raised by torch
        '  File "hw2.py", line 9, in train\n    raise ValueError("no")\nValueError: no\n',
        "",
    ],
)
def test_an_exception_of_work_that_was_begun_is_a_failure(traceback: str) -> None:
    assert not is_stub(stub(traceback))
    assert without_answer(CRITERION, stub(traceback), "asked").result == "failed"


def test_code_without_any_groups_was_not_attempted() -> None:
    everything = found("params", [row[0] for row in structure()])
    for lists in ([], [everything]):
        verdict = groups(*lists)
        assert verdict.result == "not_attempted", verdict
        assert "yours was not found" not in verdict.reason


@pytest.mark.parametrize(
    ("lists", "numbers"),
    [
        ([found("bn_params", ["bn1.weight"])], []),
        ([], [{"name": "bn_count", "value": 7, "cell": 0, "line": 1}]),
    ],
)
def test_groups_that_were_begun_are_a_failure(lists: Any, numbers: Any) -> None:
    assert groups(*lists, numbers=numbers).result == "failed"


@pytest.mark.parametrize("output", ["", "epoch 1: loss 0.5, 64 of 300 right\n"])
def test_a_training_that_prints_its_progress_attempted_no_counts(output: str) -> None:
    assert counts(output).result == "not_attempted"


@pytest.mark.parametrize(
    ("output", "tables"),
    [
        ("conv1 has 9408", []),                                       # one is right
        (" ".join(f"{100 + n}" for n in range(9)), []),               # several, all wrong
        ("", [{"frame": 0, "name": "n", "pairs": [["total", 5]], "cell": 0, "line": 1}]),
    ],
)
def test_wrong_counts_are_a_failure(output: str, tables: Any) -> None:
    assert counts(output, *tables).result == "failed"


def test_a_blank_answer_was_not_attempted() -> None:
    asked = criterion("written-a", params=Params(answer="a"))
    verdict = WRITTEN.judge(asked, work({}), key())
    assert verdict.result == "not_attempted" and "part (a) is blank" in verdict.reason


def test_a_hand_in_without_files_attempted_nothing() -> None:
    lost = without_answer(CRITERION, NOTHING.outcome, "asked")
    assert with_notes(lost, submission(files=())).result == "not_attempted"
    assert with_notes(lost, submission(files=("photo.jpg",))).result == "failed"
