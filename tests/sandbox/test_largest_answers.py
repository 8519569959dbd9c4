"""The largest answers that a worker may give are judged in less than a second each.

They are written by a program that wants to hold the grader up: every list has as many items as the
schema or a frame allows, and every text is one that a careless search is slow on.
"""

from __future__ import annotations

import io
import itertools
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from grader import packing, wire
from grader.checks.answer_key import AnswerKey
from grader.checks.check import Work
from grader.checks.groups.answer import answer_of
from grader.checks.groups.assignment import label
from grader.checks.groups.counts import group_counts, spoken
from grader.checks.groups.kinds import parameters_of, truth_of
from grader.checks.groups.partial_credit import layers_of
from grader.checks.training_report import with_run
from grader.records import Evidence, Outcome, Question
from grader.reports.class_report.similar_reasons import group_by_reason
from grader.reports.student.render import markdown
from grader.reports.student.sections import first_sentence
from grader.rubric.model import Limits
from grader.sandbox.answer_schema import OWN, checked
from grader.text import neutral, plain, plain_tail
from tests.factories import criterion, submission
from tests.sandbox.test_answer_schema import (
    ARGS,
    ASKING,
    BLOBS,
    HONEST,
    INPUTS,
    RUN,
    evidence_of,
)

SECOND = 1.0   # of processor time
LONG = 60_000
# Texts on which a search that starts again at each letter takes the square of their length.
SLOW = (
    "weight", "weights_", "decay", "bn1", "norm", "i", "(i", "a.", "1,", "111", "x[0]", "aB", "\r",
    "\n \n", "'", "'a", '"', "`", "\x1b[", "\x1b]", ";", " ", ". ", "\u0301", "@", "..", "-", "é",
    "a/b.pz", "a.py (", "a.py, in ", "www", "3,000", "\t|", "_w",
)


@contextmanager
def quickly() -> Iterator[None]:
    begun = time.thread_time()
    yield
    assert time.thread_time() - begun < SECOND


def name(number: int) -> str:
    """A name of its own for each number, as short as a frame's limit wants it."""
    return np.base_repr(number, 36)


def slow_names(count: int) -> list[str]:
    return [(SLOW[number % len(SLOW)] * 200)[:190] + name(number) for number in range(count)]


def listed(number: int, names: list[str], **more: Any) -> dict[str, Any]:
    row = HONEST["parameter_groups"]["lists"][0]
    return {**row, "name": f"x{number}", "names": names, "line": number, **more}


def structure(count: int) -> list[list[Any]]:
    kinds = ([f"torch.nn.modules.{one}"] for one in
             itertools.cycle(("batchnorm._BatchNorm", "conv._ConvNd", "linear.Linear", "x")))
    own = itertools.cycle(("weight", "weight", "bias", "bias"))
    rows = zip(range(count), own, kinds, strict=False)
    return [[name(n), one, [n], n, True, kind] for n, one, kind in rows]


def groups_said(**more: Any) -> dict[str, Any]:
    return dict(HONEST["parameter_groups"]) | {"form": "script", "lists": [], "numbers": []} | more


def number_rows(count: int, **more: Any) -> list[dict[str, Any]]:
    names = slow_names(min(count, 5000))
    return [
        {"frame": n, "name": one, "value": n, "cell": n, "line": n} | more
        for n, one in enumerate(names)
    ]


def table(number: int, names: list[str], **more: Any) -> dict[str, Any]:
    pairs = [[one, 1 + n % 9] for n, one in enumerate(names)]
    return {"frame": number, "name": f"x{number}", "cell": number, "line": 0, "pairs": pairs} | more


ALL = [name(n) for n in range(10_000)]
LAYERS = [f"layer1.{n}" for n in range(700)]
COUNTS = HONEST["layer_counts"] | {"error": None}
GROUP = {"names": ["A"], "foreign": 0, "weight_decay": 0.1, "lr": 0.1}
LARGEST: Mapping[str, Mapping[str, dict[str, Any]]] = {
    "parameter_groups": {
        "many lists that may be any group": groups_said(
            replaced=False, structure=structure(1000),
            lists=[listed(n, ALL[n : n + 600], cell=n // 8) for n in range(200)],
        ),
        "a list in each scope, for a large network": groups_said(
            replaced=False, structure=structure(10_000),
            lists=[listed(n, ALL[n : n + 300], cell=n, frame=n) for n in range(200)],
        ),
        "long lists": groups_said(
            replaced=False, structure=structure(10_000),
            lists=[listed(n, ALL[n:]) for n in range(12)],
        ),
        "lists of lists with long names": groups_said(
            replaced=False, structure=structure(1000),
            lists=[
                listed(n, ALL[:100], name=f"{one}[0]", parent=one)
                for n, one in enumerate(slow_names(200))
            ],
        ),
        "numbers with long names": groups_said(
            replaced=False, structure=structure(10_000),
            numbers=[*number_rows(1000), *number_rows(1000, printed=True)],
        ),
    },
    "layer_counts": {
        "many tables": COUNTS | {
            "tables": [table(n, LAYERS[n : n + 500]) for n in range(200)]
        },
        "a long printed table, twice": COUNTS | {
            "tables": [table(n, ["conv1", "fc", *ALL[:9_000]], printed=True) for n in range(2)]
        },
        "long names": COUNTS | {
            "tables": [table(n, slow_names(5000)) for n in range(2)]
        },
    },
    "optimizer_groups": {
        "long groups": HONEST["optimizer_groups"] | {
            "groups": [GROUP | {"names": ALL[n:]} for n in range(12)],
            "structure": structure(10_000),
        },
    },
    "evaluate": {
        "other arrays": HONEST["evaluate"] | {"batches_tracked": list(range(10_000))},
    },
    "train": {
        "wrong phases": HONEST["train"] | {
            "runs": [RUN | {"norms_evaluating": 5, "place": one} for one in slow_names(2000)],
            "uncalled": slow_names(2000), "deaf": slow_names(2000),
            "batches_tracked": list(range(1, 10_001)),
        },
        "many groups": HONEST["train"] | {
            "optimizer": HONEST["optimizer_groups"] | {
                "groups": [GROUP | {"names": [one]} for one in ALL[:10_000]],
                "structure": structure(10_000),
            },
        },
        "a penalty on everything": HONEST["train"] | {
            "optimizer": HONEST["optimizer_groups"] | {
                "groups": [GROUP | {"names": ALL[n:]} for n in range(12)],
                "structure": structure(10_000), "penalised": ALL,
            },
        },
        "long texts": HONEST["train"] | {
            "runs": [RUN | {"kind": ("train", "evaluate")[n % 2], "after_steps": 5, "ended_at": n}
                     for n in range(2000)],
            "rates": [[n, 0.1] for n in range(2000)],
            "notes": [one * 3 for one in slow_names(500)],
            "error": {"message": "a.py" * 10_000, "traceback": "\r" * 90_000},
            "mistakes": [{"kind": "not_shuffled", "place": one, "detail": one}
                         for one in slow_names(200)],
            "schedulers": slow_names(200),
            "figures": [{"title": one, "height": 640, "width": 640} for one in slow_names(6)],
        },
    },
    "predict": {"a column for each hash": {"classes": 800_000}},
}
NOISE = np.random.default_rng(0).bytes(3 * 640 * 640)
LARGEST_BLOBS: Mapping[str, tuple[bytes, ...]] = {
    "evaluate": (bytes(24 * 4 * 300_000), bytes(24 * 4 * 300_000)),
    "predict": (bytes(40 * 800_000), bytes(40 * 800_000)),
    "long texts": (NOISE,) * 6,
}
CASES = [(kind, case) for kind, cases in LARGEST.items() for case in cases]


def arrived(kind: str, case: str) -> Evidence:
    """The answer as it comes out of a frame, accepted by the schema."""
    given = LARGEST_BLOBS.get(case, LARGEST_BLOBS.get(kind, BLOBS.get(kind, ())))
    frame = wire.encode({"value": LARGEST[kind][case]}, given)
    message, blobs = wire.read_frame(io.BytesIO(frame).read, wire.MAX_HEADER) or ({}, ())
    outcome = Outcome("answered", "student", output="1,000 " * 40_000)
    question = Question(kind, kind, ARGS.get(kind, {}), kind, 10)
    found = checked(Evidence(question, outcome, message["value"], blobs))
    assert found.outcome.answered, found.outcome.message
    return found


@pytest.mark.parametrize(("kind", "case"), CASES)
def test_every_check_judges_the_largest_answers_in_less_than_a_second(kind: str, case: str) -> None:
    largest = arrived(kind, case)
    labels = np.arange(10, dtype=np.int64) % 3
    for check in ASKING.values():
        asked = criterion(points=6, check=check.name)
        questions = check.ask(asked, INPUTS, Limits())
        if kind not in {question.kind for question in questions}:
            continue
        mine = {
            one.id: largest if one.kind == kind else evidence_of(one) for one in questions
        }
        key = AnswerKey(INPUTS, labels, labels, {one.id: evidence_of(one) for one in questions})
        with quickly():
            verdict = check.judge(asked, Work(submission(), mine), key)
        with quickly():
            with_run([asked], [verdict], mine)
            first_sentence(verdict.reason)
            group_by_reason([verdict], lambda one: one.reason)


@pytest.mark.parametrize("text", SLOW)
def test_every_text_of_a_workers_is_read_in_less_than_a_second(text: str) -> None:
    # Longer than any text of an answer, so that a search that takes the square shows.
    shown = f"({(text * LONG)[:LONG]}\N{SNOWMAN}"
    row = {"frame": 0, "cell": 0, "line": 0, "value": 3, "name": shown}
    with quickly():
        for read in (plain_tail, neutral, first_sentence, markdown, label, spoken):
            read(shown)
        plain(shown, LONG)
        group_by_reason([shown], lambda one: one)
        group_counts([row, {**row, "printed": True}])


def own(value: Any) -> Evidence:
    question = Question("mine", OWN, {}, "mine", 10)
    return checked(Evidence(question, Outcome("answered", "student"), value))


def test_numbers_that_share_a_hash_are_refused_before_they_are_keys() -> None:
    alike = [number * (2**61 - 1) for number in range(90_000)]
    assert len({hash(one) for one in alike}) == 1
    with quickly():
        for kind in ("set", "dict"):
            packed = {kind: alike}
            assert "more than 64 bits" in own(json.loads(json.dumps(packed))).outcome.message


def test_tuples_that_share_a_hash_are_refused_before_they_are_keys() -> None:
    numbers = [[-1 - (number >> bit & 1) for bit in range(13)] for number in range(5_000)]
    alike = [{"tuple": one} for one in numbers]
    assert len({hash(tuple(one)) for one in numbers}) == 1
    with quickly():
        for packed in ({"set": alike}, {"dict": [*alike, *alike][:5_000]}):
            assert "share a hash" in own(packed).outcome.message
    honest = {(left, right) for left in range(-20, 20) for right in range(-20, 20)}
    packed, _ = packing.pack(honest)
    assert packing.unpack(own(packed).value, ()) == honest


@pytest.mark.parametrize("shape", [[0, 2**62], [0, 10**19], [2**40, 0, 2**40], [0] * 15 + [2**63]])
def test_an_array_without_bytes_has_no_shape_without_end(shape: list[int]) -> None:
    question = Question("mine", OWN, {}, "mine", 10)
    value = {"array": ["<f4", shape, 0]}
    found = checked(Evidence(question, Outcome("answered", "student"), value, (b"",)))
    assert (found.outcome.kind, found.outcome.owner) == (wire.BAD_ANSWER, "student")
    assert packing.unpack({"array": ["<f4", [0, 3, 224, 224], 0]}, (b"",)).shape[0] == 0


def test_an_answer_of_more_values_than_can_be_packed_is_refused() -> None:
    assert "100,000 values" in own([0] * 100_001).outcome.message
    packed, _ = packing.pack({"a": [0] * 99_990})
    assert own(packed).outcome.answered


def test_a_long_name_is_shortened_and_stays_apart_from_others() -> None:
    long = "block.next." * 100
    lists = [listed(0, [f"{long}{n}.weight{long}" for n in range(3)], name="v" * 50_000)]
    value = groups_said(lists=lists)
    kind = "parameter_groups"
    (row,) = checked(
        Evidence(Question(kind, kind, {}, kind, 10), Outcome("answered", "student"), value)
    ).value["lists"]
    assert len(row["name"]) == len(row["names"][0]) == wire.MAX_NAME
    assert len(set(row["names"])) == 3 and row["names"][0].startswith("block.next.")
    assert wire.short(row["name"]) == row["name"] and wire.short("n" * 200) == "n" * 200


def test_groups_with_long_names_of_a_deep_network_keep_their_points() -> None:
    deep = ".".join(["next"] * 60)   # each block holds the next one
    layers = {"norm": "batchnorm._BatchNorm", "conv": "conv._ConvNd", "fc": "linear.Linear"}
    rows: list[list[Any]] = [
        [f"{deep}.{layer}.{own}", own, [2], number, True, [f"torch.nn.modules.{kind}"]]
        for number, (layer, kind, own) in enumerate(
            (layer, kind, own) for layer, kind in layers.items() for own in ("weight", "bias")
        )
    ]
    groups = {"bn": rows[:2], "bias": [rows[3], rows[5]], "rest": [rows[2], rows[4]]}
    lists = [
        listed(number, [row[0] for row in group], name=f"{name}_{'of_the_deep_network_' * 20}")
        for number, (name, group) in enumerate(groups.items())
    ]
    value = groups_said(lists=lists, structure=rows)
    question = Question("e", "parameter_groups", {}, "e", 10)
    evidence = checked(Evidence(question, Outcome("answered", "student"), value))
    parameters = parameters_of(evidence.value["structure"])
    answer = answer_of(evidence, truth_of(parameters), layers_of(parameters))
    assert answer.right == (True, True, True)


@pytest.mark.parametrize(
    ("words", "weights"),
    [("weights", True), ("weight_decay", False), ("conv weights", True), ("Weight-Decay", False),
     ("decayed_weights", True), ("weight, no decay", True), ("n_weight_of_decay", False)],
)
def test_a_number_named_after_weights_counts_the_rest(words: str, weights: bool) -> None:
    row = {"frame": 0, "cell": 0, "line": 0}
    rows = [{**row, "name": "bn", "value": 1}, {**row, "name": "bias", "value": 2},
            {**row, "name": words, "value": 3}]
    assert group_counts(rows)[2] == (3 if weights else None)
