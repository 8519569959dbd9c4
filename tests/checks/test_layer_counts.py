"""The check `layer_counts`: shapes of an answer, partial credit, typed-in counts."""

from __future__ import annotations

from typing import Any

import pytest

from grader.checks.layer_counts import PUBLIC, ask, judge
from grader.records import Evidence, Verdict
from grader.rubric.model import Limits
from tests.checks.evidence import CRITERION, answered, inputs, key, unanswered, work

HIDDEN = "layer-counts/hidden"
TRUTH: dict[str, dict[str, int]] = {
    PUBLIC: {"conv1": 108, "bn1": 8, "relu": 0, "fc": 90},
    HIDDEN: {"conv1": 216, "bn1": 16, "relu": 0, "layer1.0.conv1": 50, "fc": 33},
}


def table(pairs: Any, name: str = "counts") -> dict[str, Any]:
    return {"frame": 0, "name": name, "pairs": [list(pair) for pair in pairs], "cell": 0, "line": 1}


def reply(*tables: dict[str, Any], notes: tuple[str, ...] = ()) -> Evidence:
    return answered({"tables": list(tables), "notes": list(notes), "replaced": True})


REFERENCE = {name: reply(table(counts.items())) for name, counts in TRUTH.items()}


def each(change: Any) -> dict[str, Evidence]:
    """One way of counting in both networks: `change(truth)` gives the pairs."""
    return {name: reply(table(change(counts))) for name, counts in TRUTH.items()}


def verdict(evidence: dict[str, Evidence]) -> Verdict:
    return judge(CRITERION, work(evidence), key(REFERENCE))


def per_tensor(counts: dict[str, int]) -> list[tuple[str, int]]:
    return [
        (f"{name}.{part}", count // 2)
        for name, count in counts.items() if count
        for part in ("weight", "bias")
    ]


EVEN = {name: {layer: 2 * count for layer, count in rows.items()} for name, rows in TRUTH.items()}


def test_it_asks_for_resnet18_and_one_hidden_network() -> None:
    questions = ask(CRITERION, inputs(), Limits())
    assert [question.id for question in questions] == [PUBLIC, HIDDEN]
    assert questions[0].args["network"]["layers"] == [2, 2, 2, 2]
    assert questions[1].args != ask(CRITERION, inputs(seed=1), Limits())[1].args


@pytest.mark.parametrize(
    "change",
    [
        lambda counts: counts.items(),
        lambda counts: [(name, count) for name, count in counts.items() if count],
        lambda counts: [(f"Conv2d-{n}", count) for n, count in enumerate(counts.values())],
        lambda counts: [("", count) for count in counts.values() if count],
        lambda counts: [*counts.items(), ("total", sum(counts.values()))],
        lambda counts: [*counts.items(), ("Total", sum(counts.values()))],
        lambda counts: reversed(list(counts.items())),
    ],
    ids=["all layers", "without empty", "other names", "no names", "total", "Total", "reversed"],
)
def test_right_counts_in_any_shape_earn_everything(change: Any) -> None:
    found = verdict(each(change))
    assert (found.status, found.fraction) == ("passed", 1.0)
    assert found.reason == "All layers are right; ResNet-18 has 206 parameters in total."


def test_counts_per_tensor_are_added_up_per_layer() -> None:
    reference_answers = {name: reply(table(counts.items())) for name, counts in EVEN.items()}
    evidence = {name: reply(table(per_tensor(counts))) for name, counts in EVEN.items()}
    assert judge(CRITERION, work(evidence), key(reference_answers)).fraction == 1


def test_the_table_that_names_the_layers_counts() -> None:
    evidence = {
        name: reply(table([("conv1", 1)], "draft"), table(counts.items()), table([("x", 3)], "x"))
        for name, counts in TRUTH.items()
    }
    assert verdict(evidence).fraction == 1


def test_a_right_total_alone_earns_half() -> None:
    found = verdict(each(lambda counts: [("model", sum(counts.values()))]))
    assert (found.status, found.fraction) == ("partial", 0.5)
    assert found.reason == "The total of 206 is right; counts per layer were not found."
    assert ("model", "no such layer", "206") in found.tables[0].rows


def test_typed_in_counts_earn_nothing() -> None:
    evidence = {name: reply(table(TRUTH[PUBLIC].items())) for name in TRUTH}
    found = verdict(evidence)
    assert (found.status, found.fraction) == ("failed", 0.0)
    assert "seem to be typed in" in found.reason


def test_a_hidden_network_without_an_answer_means_typed_in() -> None:
    assert verdict({**REFERENCE, HIDDEN: unanswered("exception")}).fraction == 0


def test_a_forgotten_layer_stands_in_the_table() -> None:
    found = verdict(each(lambda counts: [pair for pair in counts.items() if pair[0] != "bn1"]))
    assert found.fraction == 0
    assert found.reason == "ResNet-18 has 206 parameters in total; your counts add up to 198."
    assert found.tables[0].rows == (("bn1", "8", "missing"),)


def test_layers_counted_instead_of_elements_are_reported() -> None:
    found = verdict(each(lambda counts: [("number of layers", len(counts))]))
    assert found.fraction == 0
    assert "That is the number of layers; count each layer's elements with numel()." in found.reason


def test_wrong_for_resnet18_and_right_for_the_hidden_one_earns_half() -> None:
    found = verdict({**REFERENCE, PUBLIC: reply(table([("conv1", 1)]))})
    assert found.fraction == 0.5


def test_notes_become_hints() -> None:
    public = reply(table(TRUTH[PUBLIC].items()), notes=("plt.show() was skipped",))
    assert verdict({**REFERENCE, PUBLIC: public}).hints == ("plt.show() was skipped",)


@pytest.mark.parametrize("name", [PUBLIC, HIDDEN])
def test_the_harness_failing_is_not_scored(name: str) -> None:
    assert verdict({**REFERENCE, name: unanswered("worker_lost")}).status == "not_scored"


def test_no_answer_fails_and_says_what_happened() -> None:
    found = verdict({**REFERENCE, PUBLIC: unanswered("not_found", "a function was not found")})
    assert (found.status, found.fraction) == ("failed", 0)
    assert "This was not found: a function was not found." in found.reason
