"""The check `param_groups`: points, and the sentence for each known mistake."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from grader.checks.groups.param_groups import BEYOND, CHECK, PUBLIC, ask, judge
from grader.checks.hidden_networks import features_in_words, hint_network
from grader.records import Evidence, Verdict
from grader.rubric.model import Limits
from tests.checks.evidence import (
    CRITERION,
    answered,
    found,
    groups_of,
    inputs,
    key,
    returned,
    structure,
    truth,
    unanswered,
    work,
)

HIDDEN = ("parameter-groups/hidden-1", "parameter-groups/hidden-2")
ROWS = {
    PUBLIC: structure(),
    HIDDEN[0]: structure(scale=2),
    HIDDEN[1]: structure(conv_bias=True, scale=5),
    BEYOND: structure(scale=3),
}
REFERENCE: dict[str, Evidence] = {
    name: answered({"lists": returned(groups_of(rows)), "structure": rows})
    for name, rows in ROWS.items()
}
NORM, BIASES, REST = groups_of(ROWS[PUBLIC])
SIZES = tuple(sum(group.values()) for group in truth(ROWS[PUBLIC]))


def reply(
    lists: Sequence[Mapping[str, Any]], name: str = PUBLIC, **more: Any
) -> Evidence:
    value = {
        "form": "script", "lists": list(lists), "numbers": [], "replaced": True,
        "structure": ROWS[name], "notes": [],
    }
    return answered(value | more)


def counted(counts: Sequence[int], name: str = PUBLIC, **more: Any) -> Evidence:
    names = ("bn_count", "bias_count", "rest_count")
    numbers = [
        {"name": label, "value": value, "cell": 0, "line": line}
        for line, (label, value) in enumerate(zip(names, counts, strict=True))
    ]
    return reply([], name, numbers=numbers, **more)


def right(**other: Evidence) -> dict[str, Evidence]:
    return {name: reply(returned(groups_of(rows)), name) for name, rows in ROWS.items()} | other


def everywhere(change: Any) -> dict[str, Evidence]:
    """One mistake in every network: `change(norm, biases, rest)` gives the groups."""
    return {
        name: reply(returned(change(*groups_of(rows))), name) for name, rows in ROWS.items()
    }


def verdict(evidence: dict[str, Evidence]) -> Verdict:
    return judge(CRITERION, work(evidence), key(REFERENCE))


def test_it_asks_for_resnet18_two_hidden_networks_and_one_beyond() -> None:
    questions = ask(CRITERION, inputs(), Limits())
    assert [question.id for question in questions] == [PUBLIC, *HIDDEN, BEYOND]
    assert len({question.session for question in questions}) == 4
    other = ask(CRITERION, inputs(seed=1), Limits())
    assert questions[0].args == other[0].args
    assert questions[1].args != other[1].args
    assert CHECK.needs_reference


def test_right_groups_earn_everything() -> None:
    found_ = verdict(right())
    assert (found_.status, found_.fraction, found_.hints) == ("passed", 1.0, ())
    assert found_.reason.startswith("Correct: (i) batch-norm affine, 40 parameters; (ii) biases")
    assert found_.next_step == ""


def test_groups_in_a_script_are_judged_alike() -> None:
    def script(name: str) -> Evidence:
        groups = groups_of(ROWS[name])
        names = ("rest", "bn", "bias")
        return reply([found(n, groups[g]) for n, g in zip(names, (2, 0, 1), strict=True)], name)

    assert verdict({name: script(name) for name in ROWS}).fraction == 1


def test_each_group_earns_a_third() -> None:
    found_ = verdict(everywhere(lambda norm, biases, rest: (norm, biases, rest[1:-1])))
    assert found_.status == "partial"
    assert found_.fraction == pytest.approx(2 / 3)


def test_a_group_is_right_by_identity_and_not_by_its_count() -> None:
    def swapped(norm: list[str], biases: list[str], rest: list[str]) -> Any:
        # bn1.weight and bn1.bias have the same number of elements
        twice = [name.replace("bn1.bias", "bn1.weight") for name in norm]
        return twice, biases, rest

    found_ = verdict(everywhere(swapped))
    assert found_.fraction == pytest.approx(2 / 3)   # two mistakes in one group leave nothing
    assert "Group (i) has 2 tensors twice." in found_.reason


def test_a_group_that_is_wrong_for_one_hidden_network_loses_its_share() -> None:
    norm, biases, rest = groups_of(ROWS[HIDDEN[1]])
    fc_only = [name for name in biases if name.startswith("fc")]
    found_ = verdict(right() | {HIDDEN[1]: reply(returned((norm, fc_only, rest)), HIDDEN[1])})
    assert found_.fraction == pytest.approx((1 + 2 / 3 + 1) / 3)
    assert "Group (ii) is right for ResNet-18 but wrong for a network of the same" in found_.reason
    assert "biases in its convolutions." in found_.reason


def test_a_hidden_network_without_an_answer_counts_as_wrong() -> None:
    found_ = verdict(right() | {HIDDEN[0]: unanswered("exception")})
    assert found_.fraction == pytest.approx(2 / 3)


def test_counts_that_follow_the_network_earn_everything() -> None:
    evidence = {
        name: counted([sum(group.values()) for group in truth(rows)], name)
        for name, rows in ROWS.items()
    }
    assert verdict(evidence).fraction == 1


def test_counts_that_are_typed_in_earn_nothing() -> None:
    found_ = verdict({name: counted(SIZES, name) for name in ROWS})
    assert (found_.status, found_.fraction) == ("failed", 0)
    wrong = "Group (i), (ii), (iii) is right for ResNet-18 but wrong for other networks"
    assert wrong in found_.reason


def test_names_that_are_typed_in_earn_nothing() -> None:
    norm = [name for name in NORM if name != "bn1.weight"]
    others = {name: reply(returned((norm, [], REST[:1])), name) for name in HIDDEN}
    assert verdict(right() | others).fraction == 0


def test_right_for_hidden_networks_alone_earns_nothing() -> None:
    found_ = verdict(right() | {PUBLIC: reply(returned((NORM[:1], [], REST[:1])))})
    assert found_.fraction == 0


def test_counts_of_an_own_network_are_for_a_person() -> None:
    evidence = {name: counted(SIZES, name, replaced=False) for name in ROWS}
    assert verdict(evidence).status == "needs_marking"


def test_lists_of_an_own_network_earn_everything_and_say_so() -> None:
    own = structure(scale=7)
    lists = returned(groups_of(own))
    evidence = right() | {PUBLIC: reply(lists, replaced=False, structure=own)}
    found_ = verdict(evidence)
    assert found_.fraction == 1
    assert any("a network class of your own" in hint for hint in found_.hints)


def test_groups_of_an_own_network_of_three_parameters_are_for_a_person() -> None:
    own = [row for row in structure() if row[0] in ("conv1.weight", "bn1.weight", "fc.bias")]
    lists = returned(groups_of(own))
    found_ = verdict(right() | {PUBLIC: reply(lists, replaced=False, structure=own)})
    assert found_.status == "needs_marking"
    assert "a network of your own with 3 parameter tensors, few enough" in found_.reason


@pytest.mark.parametrize(("form", "status"), [("function", "needs_marking"), ("script", "passed")])
def test_many_overlapping_lists_are_for_a_person(
    form: str, status: str
) -> None:
    def hedged(name: str) -> Evidence:
        norm, biases, rest = groups_of(ROWS[name])
        options = (norm, biases, rest, [*norm, *biases], [*biases, *rest])
        return reply([found(f"x{n}", names) for n, names in enumerate(options)], name, form=form)

    assert verdict({name: hedged(name) for name in ROWS}).status == status


def by_name(norm: list[str], biases: list[str], rest: list[str]) -> Any:
    bn = [name for name in norm if "bn" in name]
    bias = [name for name in [*norm, *biases] if name.endswith("bias") and name not in bn]
    return bn, bias, [*rest, *(name for name in norm if name not in (*bn, *bias))]


def test_names_with_bn_miss_the_shortcuts() -> None:
    found_ = verdict(everywhere(by_name))
    assert found_.fraction == pytest.approx(0.75)
    assert "Group (i) lacks the batch norms of the shortcuts, 16 parameters: downsample.1" in (
        found_.reason
    )


def test_biases_of_batch_norms_among_the_biases_are_reported() -> None:
    def bias_first(norm: list[str], biases: list[str], rest: list[str]) -> Any:
        own = [name for name in norm if name.endswith("bias")]
        return [name for name in norm if name not in own], [*biases, *own], rest

    found_ = verdict(everywhere(bias_first))
    # (i) lacks half of its tensors and earns nothing; (ii) is right but for batch norms.
    assert found_.fraction == pytest.approx((0 + 1 / 2 + 1) / 3)
    assert "Group (ii) has the biases of the batch norms" in found_.reason


def test_a_forgotten_fc_bias_is_reported() -> None:
    found_ = verdict(everywhere(lambda norm, biases, rest: (norm, biases[:-1], rest)))
    assert "fc.bias is in none of the groups." in found_.reason
    assert found_.fraction == pytest.approx(2 / 3)


def test_tensors_counted_instead_of_elements_are_reported() -> None:
    evidence = {
        name: counted([len(group) for group in truth(rows)], name) for name, rows in ROWS.items()
    }
    found_ = verdict(evidence)
    assert found_.fraction == 0
    assert found_.reason.startswith("Your code counts tensors instead of elements: 6 / 1 / 4")


def test_wrong_counts_are_reported_beside_the_right_ones() -> None:
    found_ = verdict({name: counted((1, 2, SIZES[2]), name) for name in ROWS})
    assert "Group (i) has 40 parameters; yours has 1." in found_.reason
    assert "Group (ii) has 10 parameters; yours has 2." in found_.reason


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"buffers": 9}, "Group (i) has 9 running statistics, which are buffers"),
        ({"foreign": 2}, "Group (i) has 2 items that are not parameters of the network"),
        ({"used_up": True, "names": []}, "Group (i) is a generator that was already used up"),
    ],
)
def test_items_that_do_not_belong_to_a_group_cost_it_and_are_reported(
    change: dict[str, Any], told: str
) -> None:
    evidence = {}
    for name, rows in ROWS.items():
        lists = returned(groups_of(rows))
        evidence[name] = reply([lists[0] | change, *lists[1:]], name)
    found_ = verdict(evidence)
    assert found_.fraction == pytest.approx(2 / 3)
    assert told in found_.reason


def test_a_parameter_in_two_groups_is_reported() -> None:
    found_ = verdict(everywhere(lambda norm, biases, rest: (norm, biases, [*rest, norm[0]])))
    assert "Several groups share 1 tensor." in found_.reason
    assert found_.fraction == pytest.approx((1 + 1 + 1 / 2) / 3)


def test_a_missing_parameter_is_reported_and_in_the_table() -> None:
    found_ = verdict(everywhere(lambda norm, biases, rest: (norm, biases, rest[1:])))
    assert "Group (iii) lacks 1 tensor, such as conv1.weight." in found_.reason
    table, shares = found_.tables
    assert shares.rows[2] == ("(iii)", "50 %", "only convolutions are wrong")
    assert table.columns[-1] == "in none"
    assert table.rows[2] == ("(iii) all the rest", "508", "0", "0", "400", "108")


def test_a_missing_list_is_reported() -> None:
    lists = [found("bn", NORM), found("bias", BIASES)]
    found_ = verdict(right() | {PUBLIC: reply(lists)})
    assert "No list was found for group (iii), all the rest." in found_.reason


def test_networks_beyond_the_homework_give_hints_and_cost_nothing() -> None:
    found_ = verdict(right() | {BEYOND: reply(returned((NORM[:1], BIASES, REST)), BEYOND)})
    assert found_.fraction == 1
    features = features_in_words(hint_network(inputs().draw("beyond")))
    assert found_.hints == (
        f"Beyond the homework, at no cost: for a network with {features}, these groups differ "
        "from the reference solution's: (i).",
    )


@pytest.mark.parametrize("kind", ["exception", "worker_failed", "held_up", "time_limit"])
def test_no_answer_beyond_the_homework_costs_nothing_whoever_is_at_fault(kind: str) -> None:
    assert verdict(right() | {BEYOND: unanswered(kind)}).fraction == 1


@pytest.mark.parametrize("name", [PUBLIC, *HIDDEN])
@pytest.mark.parametrize("kind", ["worker_lost", "not_started", "worker_failed"])
def test_the_harness_failing_is_not_scored(name: str, kind: str) -> None:
    found_ = verdict(right() | {name: unanswered(kind, "the engine went away")})
    assert found_.status == "not_scored"
    assert "through no fault of yours: the engine went away" in found_.reason


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("not_found", "Not attempted: no code for this was found. Expected: what happened."),
        ("exception", "The code raised an exception while your file was being loaded: what"),
        ("time_limit", "The time limit was reached while your file was being loaded"),
        ("memory_limit", "The memory limit was reached"),
        ("exited", "The program ended before it answered"),
        ("crashed", "The program crashed"),
        ("bad_answer", "The answer cannot be used"),
    ],
)
def test_no_answer_fails_and_says_what_happened(kind: str, told: str) -> None:
    found_ = verdict(right() | {PUBLIC: unanswered(kind, phase="load")})
    assert (found_.status, found_.fraction) == ("failed", 0)
    assert found_.reason.startswith(told)
    assert found_.next_step


def test_the_feedback_never_tells_a_hidden_network() -> None:
    mistakes = everywhere(by_name)
    found_ = verdict(mistakes)
    text = " ".join((found_.reason, found_.next_step, *found_.hints, str(found_.tables)))
    assert "hidden" not in text
    assert f"{sum(truth(ROWS[HIDDEN[0]])[0].values())} elements" not in text


def test_a_list_of_all_parameters_beside_the_answer_raises_no_doubt() -> None:
    def with_all(name: str) -> Evidence:
        norm, biases, rest = groups_of(ROWS[name])
        options = (norm, biases, rest, [*norm, *biases, *rest])
        return reply([found(f"x{n}", names) for n, names in enumerate(options)], name)

    assert verdict({name: with_all(name) for name in ROWS}).status == "passed"


# Counts instead of lists ------------------------------------------------------------------------

ERROR = {"message": "hw2.py, line 9: FileNotFoundError: no photo", "traceback": "Traceback ..."}


def printed(name: str, labels: Sequence[str], counts: Sequence[int] | None = None) -> Evidence:
    """Right or other counts of a network as printed, one on each line."""
    counts = counts or [sum(group.values()) for group in truth(ROWS[name])]
    rows = zip(labels, counts, strict=True)
    numbers = [
        {"frame": 0, "name": label, "value": value, "cell": 0, "line": 2 * line, "printed": True}
        for line, (label, value) in enumerate(rows)
    ]
    return reply([], name, numbers=numbers)


def test_printed_counts_that_follow_the_network_earn_everything() -> None:
    found_ = verdict({name: printed(name, ("BN:", "biases:", "others:")) for name in ROWS})
    assert (found_.status, found_.fraction) == ("passed", 1)


def test_printed_counts_that_are_typed_in_earn_nothing() -> None:
    evidence = {name: printed(name, ("BN:", "biases:", "others:"), SIZES) for name in ROWS}
    found_ = verdict(evidence)
    assert (found_.status, found_.fraction) == ("failed", 0)
    assert "wrong for other networks of the same family" in found_.reason


@pytest.mark.parametrize(
    ("labels", "status"),
    [(("x:", "y:", "z:"), "needs_marking"), (("BN:", "biases:", ""), "needs_marking"),
     (("biases:", "BN:", "others:"), "partial"), (("others:", "x:", "y:"), "failed")],
)
def test_right_counts_without_names_are_for_a_person(
    labels: Sequence[str], status: str
) -> None:
    assert verdict({name: printed(name, labels) for name in ROWS}).status == status


def test_right_counts_without_a_word_that_are_typed_in_are_not_for_a_person() -> None:
    evidence = {name: printed(name, ("x:", "y:", "z:"), SIZES) for name in ROWS}
    assert verdict(evidence).status == "failed"


def mixed(name: str, rest: str, names: Sequence[str]) -> Evidence:
    """Lists of (i) and of something else, with right counts beside them."""
    counts = counted([sum(group.values()) for group in truth(ROWS[name])], name)
    norm, _, _ = groups_of(ROWS[name])
    return reply([found("bn", norm), found(rest, names)], name, numbers=counts.value["numbers"])


def test_a_count_stands_in_for_a_list_that_is_not_there() -> None:
    found_ = verdict({name: mixed(name, "rest", groups_of(ROWS[name])[2]) for name in ROWS})
    assert found_.fraction == 1


def test_a_right_count_goes_before_a_wrong_list_whose_name_says_nothing() -> None:
    found_ = verdict({name: mixed(name, "x", groups_of(ROWS[name])[2][:2]) for name in ROWS})
    assert found_.fraction == 1


def test_a_wrong_list_with_a_name_goes_before_a_right_count() -> None:
    found_ = verdict({name: mixed(name, "rest", groups_of(ROWS[name])[2][:2]) for name in ROWS})
    assert found_.fraction == pytest.approx(2 / 3)
    assert "Group (iii) lacks 2 tensors" in found_.reason
    (table,) = found_.tables
    assert table.rows[1] == ("(ii) biases", "10", "0", "10", "0", "")


def test_a_wrong_count_beside_right_lists_is_reported_by_itself() -> None:
    evidence = {}
    for name, rows in ROWS.items():
        norm, _, rest = groups_of(rows)
        numbers = counted((1, 2, 3), name).value["numbers"]
        evidence[name] = reply([found("bn", norm), found("rest", rest)], name, numbers=numbers)
    found_ = verdict(evidence)
    assert found_.fraction == pytest.approx(2 / 3)
    assert found_.reason == "Group (ii) has 10 parameters; yours has 2."


def test_an_exception_is_reported_where_nothing_right_was_found_before_it() -> None:
    found_ = verdict(right() | {PUBLIC: counted((1, 2, 3), error=ERROR)})
    assert (found_.status, found_.fraction) == ("failed", 0)
    assert found_.reason.startswith("The code raised an exception: hw2.py, line 9: FileNotFound")
    assert found_.seen["traceback"] == "Traceback ..."


def test_an_exception_after_the_answer_is_a_hint() -> None:
    found_ = verdict(right() | {PUBLIC: reply(returned(groups_of(ROWS[PUBLIC])), error=ERROR)})
    assert found_.fraction == 1
    assert found_.hints == (
        "Your code raised an exception: hw2.py, line 9: FileNotFoundError: no photo.",
    )


def test_numbers_of_a_script_that_holds_no_network_are_not_for_a_person() -> None:
    numbers = [{"name": "epoch", "value": 0, "cell": 0, "line": 3}]
    evidence = reply([], PUBLIC, numbers=numbers, structure=[], replaced=False)
    assert verdict(dict.fromkeys(ROWS, evidence)).status == "failed"
