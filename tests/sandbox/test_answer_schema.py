"""An answer has the form that its question asks for, or it is a bad answer of the student's."""

from __future__ import annotations

import copy
import dataclasses
import json
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader import wire
from grader.checks.answer_key import AnswerKey, EvalInputs
from grader.checks.check import Check, Work
from grader.checks.registry import CHECKS
from grader.records import Evidence, Outcome, Question
from grader.rubric.model import Limits, Profile, Threshold
from grader.sandbox.answer_schema import KINDS, OWN, checked, most_bytes
from grader.sandbox.outcomes import OWNER, from_answer
from tests.factories import criterion, submission

Edit = Callable[[Any], Any]

TABLE = {"frame": 0, "name": "counts", "pairs": [["conv1", 9], ["fc", 3]], "cell": 0, "line": 1}
STRUCTURE = [
    ["conv1.weight", "weight", [1, 1, 3, 3], 0, True, ["torch.nn.modules.conv._ConvNd"]],
    ["bn1.weight", "weight", [2], 1, True, ["torch.nn.modules.batchnorm._BatchNorm"]],
    ["fc.bias", "bias", [3], 2, True, ["torch.nn.modules.linear.Linear"]],
    ["head.weight", "weight", None, 3, False, []],
]
LISTS = [
    {"frame": 0, "origin": "returned", "name": f"returned[{number}]", "cell": 0, "line": 0,
     "names": names, "kind": "parameter", "parent": "", "empty": False, "foreign": 0, "buffers": 0,
     "used_up": False}
    for number, names in enumerate([["bn1.weight"], ["fc.bias"], ["conv1.weight"]])
]
OPTIMIZER = {
    "optimizer": "SGD",
    "groups": [{"names": ["conv1.weight"], "foreign": 0, "weight_decay": 0.1, "lr": 0.1,
                "momentum": 0.9, "nesterov": True}],
    "structure": STRUCTURE,
}
RUN = {
    "kind": "train", "after_steps": 0, "passes": 5, "images": 50, "norms_training": 5,
    "norms_evaluating": 0, "dropouts_training": 5, "with_gradients": 5, "seen": 50, "correct": 40,
    "loss": 25.0, "lr": 0.1, "statistics_moved": True, "ended_at": 50, "place": "hw2.py, line 3",
    "on_training_data": False,
}
HONEST: Mapping[str, Any] = {
    "layer_counts": {"form": "script", "tables": [TABLE | {"printed": True}], "printed": False,
                     "replaced": True, "error": {"message": "late", "traceback": "x"},
                     "notes": ["main() raised ValueError: no"]},
    "parameter_groups": {"form": "function", "lists": LISTS,
                         "numbers": [{"frame": 0, "name": "n", "value": 3, "cell": 0, "line": 0,
                                      "printed": True}],
                         "replaced": True, "structure": STRUCTURE, "error": None, "notes": []},
    "optimizer_groups": OPTIMIZER,
    "evaluate": {"complete": [True, True], "train_mode_afterwards": [False, False],
                 "buffers_moved": False, "batches_tracked": [0]},
    "train": {"form": "function", "runs": [RUN, RUN | {"kind": "evaluate", "after_steps": 5}],
              "steps": 5, "stopped": None, "batches_tracked": [5], "optimizer": OPTIMIZER,
              "reported_accuracy": 0.9, "error": {"message": "late", "traceback": "x"},
              "uncalled": ["hw2.py, line 3"], "deaf": [], "notes": [], "device": "cpu",
              "schedulers": ["StepLR"], "rates": [[1, 0.1], [5, 0.01]], "images_per_epoch": 50,
              "mistakes": [{"kind": "not_shuffled", "place": "hw2.py, line 2", "detail": ""}],
              "network": {"name": "ResNet", "parameters": 14},
              "prepared": {"way": "dataset", "sure": True},
              "figures": [{"title": "loss", "height": 2, "width": 3}],
              "threads": 1, "cpus": 2},
    "predict": {"classes": 3},
    "gpu": {"gpus": [{"name": "NVIDIA H200", "memory_mib": 143_000, "correct": True}]},
}
ARGS: Mapping[str, Any] = {
    "evaluate": {"shape": [24, 3, 32, 32], "orders": [{}, {}]},
    "predict": {"shapes": [[10, 8, 8, 3], [10, 8, 8, 3]]},
}
BLOBS: Mapping[str, tuple[bytes, ...]] = {
    "evaluate": (bytes(24 * 40), bytes(24 * 40)),
    "predict": (bytes(120), bytes(120)),
    "train": (bytes(18),),
}


def said(kind: str, value: Any, blobs: tuple[bytes, ...] | None = None) -> Evidence:
    question = Question(kind, kind, ARGS.get(kind, {}), kind, 10)
    return Evidence(
        question, Outcome("answered", "student", output="printed"), value,
        BLOBS.get(kind, ()) if blobs is None else blobs,
    )


def refused(evidence: Evidence) -> str:
    found = checked(evidence)
    assert (found.outcome.kind, found.outcome.owner) == (wire.BAD_ANSWER, "student")
    assert found.value is None and not found.blobs and found.outcome.output == "printed"
    return found.outcome.message.removeprefix(
        "the answer is not one that the grader's own worker writes: "
    )


def at(value: Any, *path: str | int, put: Any) -> Any:
    """Return a copy of `value` with `put` at that path."""
    value = copy.deepcopy(value)
    place = value
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = put
    return value


@pytest.mark.parametrize("kind", KINDS)
def test_what_an_honest_worker_writes_is_kept(kind: str) -> None:
    found = checked(said(kind, HONEST[kind]))
    assert found.outcome.answered and found.blobs == BLOBS.get(kind, ())
    kept = json.loads(json.dumps(found.value))
    assert all(HONEST[kind][key] == value for key, value in kept.items() if key not in
               ("lists", "groups", "optimizer"))


def test_there_is_a_shape_for_every_kind_of_question() -> None:
    from grader.worker.probes import PROBES

    assert set(KINDS) == set(PROBES) - {OWN} == set(HONEST)


def test_keys_outside_the_schema_are_dropped() -> None:
    value = HONEST["predict"] | {"points": 10}
    assert checked(said("predict", value)).value == {"classes": 3}


def test_a_key_that_may_be_left_out_stays_out() -> None:
    value = {key: item for key, item in HONEST["layer_counts"].items() if key != "printed"}
    assert "printed" not in checked(said("layer_counts", value)).value


@pytest.mark.parametrize("number", ["nan", "inf", "-inf", 0, 1.5, 10**20])
def test_a_loss_that_diverged_is_an_answer(number: Any) -> None:
    value = at(HONEST["train"], "runs", 0, "loss", put=number)
    assert checked(said("train", value)).outcome.answered


@pytest.mark.parametrize(
    ("kind", "path", "put", "told"),
    [
        ("layer_counts", ("tables", 0, "pairs", 1, 1), -5, "tables[0].pairs[1][1] is '-5'"),
        ("layer_counts", ("tables", 0, "pairs", 1, 1), True, "tables[0].pairs[1][1] is 'True'"),
        ("layer_counts", ("tables", 0, "pairs", 1, 1), 9.0, "tables[0].pairs[1][1] is '9.0'"),
        ("layer_counts", ("tables", 0, "pairs", 1, 1), "9", "tables[0].pairs[1][1] is '9'"),
        ("layer_counts", ("tables", 0, "pairs", 1, 1), 2**63, "tables[0].pairs[1][1] is"),
        ("layer_counts", ("tables", 0, "pairs", 1), ["fc", 3, 3], "tables[0].pairs[1] is a list"),
        ("layer_counts", ("tables", 0, "pairs", 1), "fc", "tables[0].pairs[1] is 'fc'"),
        ("layer_counts", ("tables", 0, "pairs", 1, 0), 3, "tables[0].pairs[1][0] is '3'"),
        ("layer_counts", ("tables",), {}, "tables is a dict of 0"),
        ("layer_counts", ("replaced",), 1, "replaced is '1'"),
        ("layer_counts", ("notes",), [None], "notes[0] is 'None'"),
        ("layer_counts", ("notes", 0), "x" * 200_000, "notes[0] is 'xxx"),
        ("parameter_groups", ("structure", 0, 2), "conv", "structure[0][2] is 'conv'"),
        ("parameter_groups", ("structure", 0, 2), [2**32, 2**31], "structure[0][2] is a list of 2"),
        ("parameter_groups", ("structure", 0, 2, 3), -1, "structure[0][2][3] is '-1'"),
        ("parameter_groups", ("structure", 0, 3), -1, "structure[0][3] is '-1'"),
        ("parameter_groups", ("structure", 0, 5), "conv", "structure[0][5] is 'conv'"),
        ("parameter_groups", ("structure", 0), [], "structure[0]"),
        ("parameter_groups", ("lists", 1, "names"), "fc.bias", "lists[1].names is 'fc.bias'"),
        ("parameter_groups", ("lists", 1, "foreign"), -1, "lists[1].foreign is '-1'"),
        ("optimizer_groups", ("groups", 0, "weight_decay"), "nan", "groups[0].weight_decay is"),
        ("optimizer_groups", ("groups", 0, "names"), None, "groups[0].names is 'None'"),
        ("evaluate", ("complete",), [1, 1], "complete[0] is '1'"),
        ("evaluate", ("complete",), [True], "2 arrays and 1 flags for 2 runs"),
        ("evaluate", ("batches_tracked",), [-1], "batches_tracked[0] is '-1'"),
        ("train", ("runs", 1, "kind"), "validate", "runs[1].kind is 'validate'"),
        ("train", ("runs", 0, "passes"), True, "runs[0].passes is 'True'"),
        ("train", ("runs", 0, "loss"), "NaN", "runs[0].loss"),
        ("train", ("runs", 0), None, "runs[0] is 'None'"),
        ("train", ("reported_accuracy",), 1.5, "reported_accuracy is '1.5'"),
        ("train", ("stopped",), "cheating", "stopped is 'cheating'"),
        ("train", ("optimizer", "groups"), 3, "optimizer.groups is '3'"),
        ("predict", ("classes",), "3", "classes is '3'"),
        ("predict", ("classes",), 4, "arrays of [120, 120] bytes for [160, 160]"),
    ],
)
def test_a_value_of_the_wrong_form_is_named_by_its_path(
    kind: str, path: tuple[str | int, ...], put: Any, told: str
) -> None:
    message = refused(said(kind, at(HONEST[kind], *path, put=put)))
    assert message.startswith(told) and len(message) < 400


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", [None, 3, "text", [], {}, [{}], True])
def test_a_value_of_another_form_is_refused(kind: str, value: Any) -> None:
    assert refused(said(kind, value))


@pytest.mark.parametrize(
    ("kind", "blobs"),
    [
        ("layer_counts", (b"x",)),
        ("train", (b"",)),
        ("predict", (bytes(120),)),
        ("predict", (bytes(120), bytes(119))),
        ("predict", (bytes(120), bytes(120), b"")),
        ("evaluate", (bytes(24 * 40),)),
        ("evaluate", (bytes(24 * 40), b"")),
        ("evaluate", (bytes(24 * 40), bytes(24 * 40 - 1))),
    ],
)
def test_arrays_of_another_size_are_refused(kind: str, blobs: tuple[bytes, ...]) -> None:
    assert "arrays" in refused(said(kind, HONEST[kind], blobs))


@pytest.mark.parametrize("kind", KINDS)
def test_no_arrays_are_read_for_questions_without_arrays(kind: str) -> None:
    question = said(kind, HONEST[kind]).question
    silent = refused(said(kind, HONEST[kind], (b"",))).endswith("where none were asked for")
    assert most_bytes([question]) == (0 if silent else wire.MAX_ANSWER_BLOBS)
    assert most_bytes([question, said("train", {}).question]) == wire.MAX_ANSWER_BLOBS


def test_of_a_hundred_thousand_errors_only_the_first_is_reported() -> None:
    value = at(HONEST["train"], "notes", put=[0] * 90_000)
    assert refused(said("train", value)).startswith("notes[0]")


def test_notes_without_end_are_cut_and_cost_nothing() -> None:
    found = checked(said("train", at(HONEST["train"], "notes", put=["x" * 5000] * 900)))
    assert found.value["notes"] == ["x" * 500] * 50


def test_evidence_without_an_answer_is_returned_unchanged() -> None:
    evidence = dataclasses.replace(
        said("train", None), outcome=Outcome("crashed", "student", "SIGSEGV")
    )
    assert checked(evidence) is evidence


def test_what_a_training_left_is_kept_if_it_fits() -> None:
    lost = dataclasses.replace(
        said("train", None), outcome=Outcome("not_found", "student"), blobs=()
    )
    group = {"names": ["a"], "foreign": 0, "weight_decay": 0.0, "lr": 0.1}
    built = {
        "optimizer": "SGD", "groups": [group], "structure": [], "penalised": [], "doubt": "",
    }  # fmt: skip
    for value, kept in [
        ({"built": [built], "else": 1}, {"built": [built]}),
        ({"built": [built | {"groups": [{}]}]}, None),
        ({"built": [built] * 9}, None),
        ("text", None),
    ]:
        assert checked(dataclasses.replace(lost, value=value)).value == kept
    other = dataclasses.replace(
        said("layer_counts", {"tables": []}), outcome=Outcome("not_found", "student")
    )
    assert checked(other).value is None


keys = st.text(max_size=3) | st.sampled_from(["tables", "names"])
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
    | st.sampled_from(["nan", "inf", -1, 2**63, 1e308, "answered", "train", "conv1.weight"])
    | st.sampled_from([0, 2**62, -1e308, "", "script", "evaluate"]).flatmap(
        lambda value: st.sampled_from([value, [value], [value, value]])
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(sorted(KINDS)), json_values, st.lists(st.binary(max_size=8), max_size=3))
def test_validation_never_raises(kind: str, value: Any, blobs: list[bytes]) -> None:
    found = checked(said(kind, value, tuple(blobs)))
    assert found.outcome.kind in (wire.ANSWERED, wire.BAD_ANSWER)


@given(st.dictionaries(st.sampled_from(["outcome", "message", "phase", "traceback", "output",
                                        "seconds", "value", "id"]), json_values), st.floats(0, 1e9))
def test_reading_an_outcome_never_raises(message: dict[str, Any], seconds: float) -> None:
    outcome = from_answer(message, seconds)
    assert outcome.owner == OWNER[outcome.kind] and math.isfinite(outcome.seconds)
    assert len(outcome.message) <= 8000 and isinstance(outcome.output, str)


# Every check judges what has been checked, whatever it is.

INPUTS = EvalInputs(
    0, Profile(epochs=1, seconds=9, thresholds=(Threshold(accuracy=0.5, share=1.0),)), 1,
    ("cat", "dog", "fox"), np.zeros((10, 8, 8, 3), np.uint8), np.zeros((10, 8, 8, 3), np.uint8),
)
CRITERION = criterion(points=6)
# Answers to an instructor's own questions are of any shape: tests/checks/custom has those.
OWN_QUESTIONS = ("pytest", "metric")
ASKING = {
    name: check for name, check in CHECKS.items() if name not in ("written", *OWN_QUESTIONS)
}


def evidence_of(question: Question, edits: Mapping[str, Edit] | None = None) -> Evidence:
    value, blobs = HONEST[question.kind], BLOBS.get(question.kind, ())
    edit = (edits or {}).get(question.kind, lambda value: value)
    answered = Outcome("answered", "student")
    return checked(Evidence(question, answered, edit(copy.deepcopy(value)), blobs))


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        yield (*path, key)
        if isinstance(inner, (dict, list)):
            yield from places(inner, (*path, key))


PLACES = [(kind, path) for kind in sorted(KINDS) for path in places(HONEST[kind])]


changed = st.tuples(st.sampled_from(PLACES), json_values)


@settings(max_examples=600, deadline=None)
@given(st.sampled_from(sorted(ASKING)), st.lists(changed, min_size=1, max_size=3))
def test_no_answer_makes_a_check_raise(
    name: str, changes: list[tuple[tuple[str, tuple[str | int, ...]], Any]]
) -> None:
    check: Check = ASKING[name]
    edits: dict[str, Edit] = {}
    for (kind, path), put in changes:
        edits[kind] = lambda value, path=path, put=put: at(value, *path, put=put)  # type: ignore[misc]  # mypy cannot type a lambda's default
    questions = check.ask(CRITERION, INPUTS, Limits())
    mine = {question.id: evidence_of(question, edits) for question in questions}
    reference_answers = {question.id: evidence_of(question) for question in questions}
    labels = np.arange(10, dtype=np.int64) % 3
    work = Work(submission(), mine)
    verdict = check.judge(CRITERION, work, AnswerKey(INPUTS, labels, labels, reference_answers))
    assert verdict.status != "not_scored" and 0 <= verdict.fraction <= 1


@pytest.mark.parametrize("name", sorted(ASKING))
def test_the_honest_answers_above_are_judged(name: str) -> None:
    check = ASKING[name]
    asked = check.ask(CRITERION, INPUTS, Limits())
    assert all(evidence_of(question).outcome.answered for question in asked)
