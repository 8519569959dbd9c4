"""What a review found: answers that were judged by the wrong table, list, or word."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from evidence import CRITERION, answered, key, unanswered, work

from grader.checks import layer_counts
from grader.records import Evidence, Verdict

PUBLIC, HIDDEN = layer_counts.PUBLIC, "layer-counts/hidden"
LAYERS: dict[str, dict[str, int]] = {
    PUBLIC: {
        "conv1": 1008, "bn1": 8, "layer1.0.conv1": 64, "layer1.0.bn1": 16, "layer1.1.conv1": 72,
        "layer1.1.bn1": 18, "layer2.0.conv1": 80, "layer2.0.bn1": 20, "fc": 90,
    },
    HIDDEN: {"conv1": 216, "bn1": 16, "layer1.0.conv1": 50, "fc": 33},
}


def table(pairs: Any, name: str = "counts", line: int = 1, **more: Any) -> dict[str, Any]:
    row = {"frame": 0, "name": name, "pairs": [list(p) for p in pairs], "cell": 0, "line": line}
    return row | more


def counted(*tables: dict[str, Any], output: str = "", **more: Any) -> Evidence:
    found = answered({"tables": list(tables), "notes": [], "replaced": True} | more)
    return dataclasses.replace(found, outcome=dataclasses.replace(found.outcome, output=output))


COUNTS_GOLD = {name: counted(table(counts.items())) for name, counts in LAYERS.items()}


def counts_verdict(evidence: dict[str, Evidence]) -> Verdict:
    return layer_counts.judge(CRITERION, work(COUNTS_GOLD | evidence), key(COUNTS_GOLD))


def by(change: Any) -> Verdict:
    return counts_verdict({n: counted(table(change(counts))) for n, counts in LAYERS.items()})


def test_right_counts_of_a_network_that_was_not_replaced_wait_for_a_person() -> None:
    own = counted(table(LAYERS[PUBLIC].items()), replaced=False)
    found = counts_verdict({PUBLIC: own, HIDDEN: own})
    assert found.status == "needs_marking"
    assert "cannot be told from counts that are typed in" in found.reason
    assert ["conv1", 1008] in found.seen["counts"]


def test_wrong_counts_of_a_network_that_was_not_replaced_are_wrong() -> None:
    own = counted(table([("conv1", 3), ("fc", 90)]), replaced=False)
    found = counts_verdict({PUBLIC: own, HIDDEN: own})
    assert (found.status, found.fraction) == ("failed", 0.0)
    assert "typed in" not in found.reason


@pytest.mark.parametrize("name", ["total_params", "Total", "the sum of it", "resnet18", "ALL"])
def test_a_total_beside_the_layers_spoils_nothing(name: str) -> None:
    assert by(lambda counts: [*counts.items(), (name, sum(counts.values()))]).fraction == 1


def test_a_total_after_layers_of_other_names_spoils_nothing() -> None:
    def change(counts: dict[str, int]) -> list[tuple[str, int]]:
        named = [(f"Conv2d-{n}", count) for n, count in enumerate(counts.values())]
        return [*named, ("everything", sum(counts.values()))]

    assert by(change).fraction == 1


def test_rows_for_parts_of_the_network_spoil_nothing() -> None:
    def change(counts: dict[str, int]) -> dict[str, int]:
        paths = [name.split(".") for name in counts]
        parts = {".".join(path[:length]) for path in paths for length in range(len(path))}
        sums = {
            part: sum(c for name, c in counts.items() if not part or name.startswith(part + "."))
            for part in {"", *parts} - set(counts)
        }
        return sums | counts

    assert by(lambda counts: change(counts).items()).fraction == 1


def test_a_wrong_sum_over_a_part_is_a_wrong_count() -> None:
    assert by(lambda counts: [("layer1", 5), *counts.items()]).fraction == 0


@pytest.mark.parametrize("name", ["total", "Total parameters", "model", "n"])
def test_a_total_alone_earns_half_whatever_it_is_called(name: str) -> None:
    found = by(lambda counts: [(name, sum(counts.values()))])
    assert found.fraction == 0.5
    assert found.reason == "The total of 1,376 is right; counts per layer were not found."


def attempts(*changes: Any) -> dict[str, Evidence]:
    """One table per attempt, the later the further down."""
    return {
        network: counted(
            *(table(change(counts), f"attempt{n}", n) for n, change in enumerate(changes))
        )
        for network, counts in LAYERS.items()
    }


def test_the_last_table_counts_and_not_the_best() -> None:
    wrong = attempts(lambda counts: counts.items(), lambda counts: [(n, 1) for n in counts])
    assert counts_verdict(wrong).fraction == 0
    right = attempts(lambda counts: [(n, 1) for n in counts], lambda counts: counts.items())
    assert counts_verdict(right).fraction == 1


def test_a_table_of_something_else_is_no_attempt() -> None:
    evidence = attempts(lambda counts: counts.items(), lambda counts: [("epochs", 3)])
    assert counts_verdict(evidence).fraction == 1


def test_the_hidden_network_is_judged_by_the_table_of_the_same_name() -> None:
    typed = counted(table(LAYERS[PUBLIC].items(), "typed", 9))
    also = counted(
        table(LAYERS[HIDDEN].items(), "computed"), table(LAYERS[PUBLIC].items(), "typed", 9)
    )
    assert counts_verdict({PUBLIC: typed, HIDDEN: also}).fraction == 0


@pytest.mark.parametrize("layout", ["{}", "{:,}", "conv {:_} parameters."])
def test_counts_that_are_only_printed_wait_for_a_person(layout: str) -> None:
    output = "\n".join(layout.format(count) for count in LAYERS[PUBLIC].values())
    found = counts_verdict({PUBLIC: counted(printed=True, output=output)})
    assert found.status == "needs_marking"
    assert found.seen["output"] == output


def test_other_numbers_that_are_printed_are_no_counts() -> None:
    found = counts_verdict({PUBLIC: counted(printed=True, output="epoch 8 of 16, loss 1008.5")})
    assert (found.status, found.fraction) == ("failed", 0.0)
    assert "layer_parameter_counts(model)" in found.reason


def test_a_hidden_network_that_raises_is_told_by_the_kind_of_exception_only() -> None:
    error = unanswered("exception", "hw2.py, line 3: ValueError: the width is 48")
    found = counts_verdict({HIDDEN: error})
    assert found.fraction == 0
    assert "ValueError" in found.reason
    assert "48" not in found.reason
