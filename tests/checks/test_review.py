"""Mistakes that a review of the checks found: the wrong table, list, or word was judged."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from grader.checks import accuracy, layer_counts, mode_switch
from grader.checks.groups import optimizer_groups, param_groups
from grader.checks.groups.assignment import choose, choose_again
from grader.checks.training_run import PREDICT, TRAIN
from grader.records import Evidence, Verdict
from tests.checks.evidence import (
    CRITERION,
    answered,
    found,
    groups_of,
    key,
    returned,
    run,
    structure,
    trained,
    truth,
    unanswered,
    work,
)

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
    reply = answered({"tables": list(tables), "notes": [], "replaced": True} | more)
    return dataclasses.replace(reply, outcome=dataclasses.replace(reply.outcome, output=output))


COUNTS_REFERENCE = {name: counted(table(counts.items())) for name, counts in LAYERS.items()}


def counts_verdict(evidence: dict[str, Evidence]) -> Verdict:
    return layer_counts.judge(CRITERION, work(COUNTS_REFERENCE | evidence), key(COUNTS_REFERENCE))


def by(change: Any) -> Verdict:
    return counts_verdict({n: counted(table(change(counts))) for n, counts in LAYERS.items()})


def test_right_counts_of_a_network_that_was_not_replaced_wait_for_a_person() -> None:
    own = counted(table(LAYERS[PUBLIC].items()), replaced=False)
    judged = counts_verdict({PUBLIC: own, HIDDEN: own})
    assert judged.status == "needs_marking"
    assert "the counts may be typed in" in judged.reason
    assert ["conv1", 1008] in judged.seen["counts"]


def test_wrong_counts_of_a_network_that_was_not_replaced_are_wrong() -> None:
    own = counted(table([("conv1", 3), ("fc", 90)]), replaced=False)
    judged = counts_verdict({PUBLIC: own, HIDDEN: own})
    assert (judged.status, judged.fraction) == ("failed", 0.0)
    assert "typed in" not in judged.reason


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
    judged = by(lambda counts: [(name, sum(counts.values()))])
    assert judged.fraction == 0.5
    assert judged.reason == "The total of 1,376 is right; counts per layer were not found."


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
    judged = counts_verdict({PUBLIC: counted(printed=True, output=output)})
    assert judged.status == "needs_marking"
    assert judged.seen["output"] == output


def test_a_table_of_something_else_does_not_hide_what_is_printed() -> None:
    output = " ".join(str(count) for count in LAYERS[PUBLIC].values())
    settings = table([("epochs", 3)])
    judged = counts_verdict({PUBLIC: counted(settings, printed=False, output=output)})
    assert judged.status == "needs_marking"


def test_other_numbers_that_are_printed_are_no_counts() -> None:
    judged = counts_verdict({PUBLIC: counted(printed=True, output="epoch 8 of 16, loss 1008.5")})
    assert (judged.status, judged.fraction) == ("failed", 0.0)
    assert "layer_parameter_counts(model)" in judged.reason


def test_a_hidden_network_that_raises_is_reported_by_the_kind_of_exception_only() -> None:
    error = unanswered("exception", "hw2.py, line 3: ValueError: the width is 48")
    judged = counts_verdict({HIDDEN: error})
    assert judged.fraction == 0
    assert "ValueError" in judged.reason
    assert "48" not in judged.reason


# Which list is which group ------------------------------------------------------------------------

ROWS = {
    "parameter-groups/resnet18": structure(),
    "parameter-groups/hidden-1": structure(scale=2),
    "parameter-groups/hidden-2": structure(conv_bias=True, scale=5),
    "parameter-groups/beyond": structure(scale=3),
}
GROUPS_REFERENCE = {
    name: answered({"lists": returned(groups_of(rows)), "structure": rows})
    for name, rows in ROWS.items()
}
NORM, BIASES, REST = groups_of(structure())
TRUTH = truth(structure())
OTHERS = [found("bias", BIASES, line=8), found("rest", REST, line=9)]


def groups_verdict(evidence: dict[str, Evidence]) -> Verdict:
    return param_groups.judge(CRITERION, work(evidence), key(GROUPS_REFERENCE))


def groups(name: str, lists: Any) -> Evidence:
    return answered({
        "form": "script", "lists": lists, "numbers": [], "replaced": True,
        "structure": ROWS[name], "notes": [],
    })


def of_norm(*lists: tuple[str, list[str]]) -> tuple[str, tuple[str, ...]]:
    rows = [found(name, names, line=line) for line, (name, names) in enumerate(lists)]
    first = choose([*rows, *OTHERS], TRUTH)[0]
    assert first is not None
    return first.label, first.names


def test_the_last_list_named_after_a_group_counts_and_not_the_best() -> None:
    assert of_norm(("bn", NORM), ("bn_again", NORM[:2])) == ("bn_again", tuple(NORM[:2]))
    assert of_norm(("bn_again", NORM[:2]), ("bn", NORM)) == ("bn", tuple(NORM))


def test_disjoint_attempts_are_not_put_together() -> None:
    assert of_norm(("bn1", NORM[:2]), ("bn2", NORM[2:]))[0] == "bn2"


@pytest.mark.parametrize(
    "names", [("bn_weights", "bn_biases"), ("bn_gamma", "bn_beta"), ("bn.weight", "bn.bias")]
)
def test_lists_that_are_parts_of_a_group_are_joined(names: tuple[str, str]) -> None:
    label, held = of_norm((names[0], NORM[::2]), (names[1], NORM[1::2]))
    assert label == " + ".join(names)
    assert set(held) == set(NORM)


def test_overlapping_lists_are_not_joined() -> None:
    assert of_norm(("bn_weights", NORM[:4]), ("bn_biases", NORM[2:]))[0] == "bn_biases"


def test_an_empty_list_does_not_replace_one_that_holds_something() -> None:
    assert of_norm(("bn", NORM), ("bn_missing", []))[0] == "bn"


def test_the_variables_chosen_for_the_public_network_are_read_for_others() -> None:
    chosen = choose([found("x", NORM), *OTHERS], TRUTH)
    again = choose_again([found("y", NORM), found("x", NORM[:1]), *OTHERS], chosen)
    assert again[0] is not None
    assert again[0].names == tuple(NORM[:1])
    assert choose_again([found("y", NORM), *OTHERS], chosen)[0] is None


def test_many_candidates_do_not_win_hidden_networks() -> None:
    evidence = {}
    for name, rows in ROWS.items():
        norm, biases, rest = groups_of(rows)
        first = "x" if name == param_groups.PUBLIC else "y"
        other = "y" if first == "x" else "x"
        evidence[name] = groups(name, [
            found(first, norm), found(other, ["conv1.weight"]), found("bias", biases),
            found("rest", rest),
        ])
    judged = groups_verdict(evidence)
    assert judged.fraction == pytest.approx(2 / 3)
    assert "Group (i) is right for ResNet-18 but wrong for other networks" in judged.reason


# Running statistics -------------------------------------------------------------------------------


def modes_verdict(training: Evidence) -> Verdict:
    lacking = unanswered("not_found")
    return mode_switch.judge(
        CRITERION, work({TRAIN: training, mode_switch.EVALUATE: lacking}), key()
    )


def test_running_statistics_that_never_moved_cost_the_half_of_training() -> None:
    judged = modes_verdict(trained(batches_tracked=[0, 0]))
    assert judged.fraction == 0.5
    assert "After 10 training batches the running statistics have not changed" in judged.reason


def test_a_network_without_batch_norms_has_nothing_to_move() -> None:
    judged = modes_verdict(trained(batches_tracked=[]))
    assert (judged.fraction, judged.hints) == (1.0, ())


def test_another_number_of_batches_is_a_hint() -> None:
    judged = modes_verdict(trained(batches_tracked=[20]))
    assert judged.fraction == 1
    assert judged.hints == (
        "The batch norms have counted 20 batches (num_batches_tracked), but the training had 10 "
        "batches.",
    )


def test_batches_that_evaluation_counted_are_reported_once() -> None:
    evaluation = run("evaluate", norms_training=5, norms_evaluating=0, statistics_moved=True)
    judged = modes_verdict(trained([run("train"), evaluation], batches_tracked=[10]))
    assert judged.fraction == 0.5
    assert judged.hints == ()


# What stays hidden --------------------------------------------------------------------------------

LEAK = "the width is 48"
RAISED = unanswered(
    "exception", f"hw2.py, line 3: ValueError: {LEAK}", output=LEAK, traceback=LEAK
)


def told(verdict: Verdict) -> str:
    return repr(verdict)


@pytest.mark.parametrize("kind", ["exception", "exited", "bad_answer", "not_found", "crashed"])
def test_no_output_about_hidden_images_is_passed_on(kind: str) -> None:
    lost = unanswered(kind, LEAK, output=LEAK, traceback=LEAK)
    judged = accuracy.judge(CRITERION, work({TRAIN: trained(), PREDICT: lost}), key())
    assert judged.status == "failed"
    assert LEAK not in told(judged)


def test_an_exception_about_a_hidden_network_shows_its_kind_only() -> None:
    evidence = {TRAIN: unanswered("not_found"), optimizer_groups.MAKE: RAISED}
    judged = optimizer_groups.judge(CRITERION, work(evidence), key())
    assert LEAK not in told(judged)
    assert "ValueError" in judged.reason


def test_an_exception_class_of_the_students_is_not_named() -> None:
    named = unanswered("exception", "hw2.py, line 3: Width48: oh")
    evidence = {TRAIN: unanswered("not_found"), optimizer_groups.MAKE: named}
    assert "48" not in told(optimizer_groups.judge(CRITERION, work(evidence), key()))


def test_an_exception_in_the_training_is_shown_in_full() -> None:
    evidence = {TRAIN: RAISED, PREDICT: RAISED}
    assert told(accuracy.judge(CRITERION, work(evidence), key())).count(LEAK) == 3


def test_groups_of_hidden_networks_that_raise_are_reported_by_the_kind_of_exception() -> None:
    public = groups(param_groups.PUBLIC, [found("bn", NORM), *OTHERS])
    judged = groups_verdict(dict.fromkeys(ROWS, RAISED) | {param_groups.PUBLIC: public})
    assert judged.fraction == 0
    assert "ValueError" in judged.reason
    assert LEAK not in told(judged)


# Counts that are printed --------------------------------------------------------------------------


def written(counts: dict[str, int], **more: Any) -> dict[str, Any]:
    return table(counts.items(), "printed table 1", printed=True, **more)


def printed_in(evidence: dict[str, Evidence]) -> Verdict:
    output = "\n".join(str(count) for count in LAYERS[PUBLIC].values())
    public = dataclasses.replace(
        evidence[PUBLIC], outcome=dataclasses.replace(evidence[PUBLIC].outcome, output=output)
    )
    return counts_verdict(evidence | {PUBLIC: public})


def test_a_printed_table_that_follows_the_network_earns_everything() -> None:
    evidence = {n: counted(written(counts), printed=False) for n, counts in LAYERS.items()}
    judged = counts_verdict(evidence)
    assert (judged.status, judged.fraction) == ("passed", 1)


def test_a_printed_table_that_is_typed_in_earns_nothing() -> None:
    same = counted(written(LAYERS[PUBLIC]), printed=False)
    judged = printed_in({PUBLIC: same, HIDDEN: same})
    assert (judged.status, judged.fraction) == ("failed", 0)
    assert "seem to be typed in" in judged.reason


def test_a_printed_table_that_cannot_be_read_for_another_network_waits_for_a_person() -> None:
    right = counted(written(LAYERS[PUBLIC]), printed=False)
    for hidden in (counted(printed=True), counted(written({"conv1": 5, "fc": 33}), printed=False)):
        assert printed_in({PUBLIC: right, HIDDEN: hidden}).status == "needs_marking"


def test_a_table_in_a_variable_is_preferred_to_a_printed_one() -> None:
    wrong = {network: dict.fromkeys(counts, 1) for network, counts in LAYERS.items()}
    evidence = {
        n: counted(table(wrong[n].items()), written(counts), printed=False)
        for n, counts in LAYERS.items()
    }
    assert counts_verdict(evidence).fraction == 0


def test_a_printed_total_is_no_table() -> None:
    total = {n: {"total": sum(counts.values())} for n, counts in LAYERS.items()}
    evidence = {n: counted(written(total[n]), printed=False) for n in LAYERS}
    assert counts_verdict(evidence).status == "failed"


def test_an_exception_is_reported_where_no_counts_were_found() -> None:
    error = {"message": "hw2.py, line 3: ValueError: oh", "traceback": "Traceback ..."}
    judged = counts_verdict({PUBLIC: counted(printed=True, error=error)})
    assert judged.reason == "The code raised an exception: hw2.py, line 3: ValueError: oh."
    right = counted(table(LAYERS[PUBLIC].items()), error=error)
    (hint,) = counts_verdict({PUBLIC: right}).hints
    assert "ValueError: oh" in hint
