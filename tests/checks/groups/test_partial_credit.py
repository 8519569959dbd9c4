"""A group that is right but for one mistake keeps a share; wrong work gains nothing by it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from grader.checks.groups.optimizer_groups import MAKE
from grader.checks.groups.optimizer_groups import Params as OptimizerParams
from grader.checks.groups.optimizer_groups import judge as judge_optimizer
from grader.checks.groups.param_groups import BEYOND, PUBLIC, Params, judge
from grader.checks.groups.partial_credit import ListMistakes, Mistakes
from grader.checks.training_run import TRAIN
from grader.records import Evidence, Verdict
from tests.checks.evidence import (
    CRITERION,
    answered,
    found,
    groups_of,
    key,
    optimizer,
    returned,
    structure,
    trained,
    truth,
    unanswered,
    work,
)

Names = list[str]
Change = Callable[[Names, Names, Names], Sequence[Names]]
ROWS = {
    PUBLIC: structure(),
    "parameter-groups/hidden-1": structure(conv_bias=True, scale=2),
    "parameter-groups/hidden-2": structure(scale=5),
    BEYOND: structure(scale=3),
}
REFERENCE = {
    name: answered({"lists": returned(groups_of(rows)), "structure": rows})
    for name, rows in ROWS.items()
}


def verdict(answers: dict[str, Evidence], shares: ListMistakes | None = None) -> Verdict:
    params = Params(mistakes=shares or ListMistakes())
    criterion = CRITERION.model_copy(update={"params": params})
    return judge(criterion, work(answers), key(REFERENCE))


def lists(name: str, groups: Sequence[Names]) -> Evidence:
    value = {
        "form": "script", "lists": returned(groups), "numbers": [], "replaced": True,
        "structure": ROWS[name], "notes": [],
    }
    return answered(value)


def in_lists(change: Change, shares: ListMistakes | None = None) -> Verdict:
    return verdict({n: lists(n, change(*groups_of(r))) for n, r in ROWS.items()}, shares)


def in_counts(change: Change) -> Verdict:
    """The verdict on the counts of the same groups, without the lists."""
    found_ = {}
    for name, rows in ROWS.items():
        sizes = {name: size for group in truth(rows) for name, size in group.items()}
        numbers = [
            {"frame": 0, "name": label, "cell": 0, "line": line, "printed": True,
             "value": sum(sizes[one] for one in group)}
            for line, (label, group) in enumerate(
                zip(("BN", "biases", "others"), change(*groups_of(rows)), strict=True)
            )
        ]
        evidence = lists(name, [])
        found_[name] = answered({**evidence.value, "lists": [], "numbers": numbers})
    return verdict(found_)


def by_name(norm: Names, biases: Names, rest: Names) -> Sequence[Names]:
    """Batch norms by 'bn' in the name, which misses those of the shortcuts."""
    bn = [name for name in norm if "bn" in name]
    offsets = [name for name in norm if "bn" not in name and name.endswith("bias")]
    return bn, [*biases, *offsets], [*rest, *(n for n in norm if n not in (*bn, *offsets))]


def shortcuts_forgotten(norm: Names, biases: Names, rest: Names) -> Sequence[Names]:
    """The walk does not enter the shortcuts."""
    return [[n for n in names if "downsample" not in n] for names in (norm, biases, rest)]


def head_forgotten(norm: Names, biases: Names, rest: Names) -> Sequence[Names]:
    return norm, biases, [name for name in rest if "fc" not in name]


def offsets_of_norms(norm: Names, biases: Names, rest: Names) -> Sequence[Names]:
    """The biases of batch norms are among the biases."""
    own = [name for name in norm if name.endswith("bias")]
    return [name for name in norm if name not in own], [*biases, *own], rest


KEEPING: dict[Change, float] = {
    by_name: 0.75,
    shortcuts_forgotten: (0.75 + 1 + 0.75) / 3,
    head_forgotten: (1 + 1 + 0.5) / 3,
    offsets_of_norms: (0 + 0.5 + 1) / 3,
    lambda norm, biases, rest: (norm, biases, [*rest, rest[0]]): (1 + 1 + 0.5) / 3,
}


@pytest.mark.parametrize("change", KEEPING)
def test_a_group_with_one_mistake_keeps_a_share_and_the_table_shows_it(change: Change) -> None:
    verdict = in_lists(change)
    fraction = KEEPING[change]
    conv_bias_too = change is shortcuts_forgotten   # a hidden network's shortcut has a bias
    assert verdict.fraction == pytest.approx(fraction, abs=0.05 if conv_bias_too else 1e-9)
    assert verdict.status == "partial" and verdict.reason.count("downsample.1") < 2
    table = verdict.tables[-1]
    assert table.title == "What each group earns"
    assert any(row[1] in ("75 %", "50 %") and row[2] for row in table.rows)


@pytest.mark.parametrize("change", [by_name, head_forgotten, offsets_of_norms])
def test_counts_of_the_same_groups_keep_the_same_share(change: Change) -> None:
    assert in_counts(change).fraction == pytest.approx(in_lists(change).fraction)


WORTHLESS: dict[str, tuple[Change, float]] = {
    "everything in (iii)": (lambda n, b, r: ([], [], [*n, *b, *r]), 0),
    "everything in each": (lambda n, b, r: ([*n, *b, *r],) * 3, 0),
    "nothing in any": (lambda n, b, r: ([], [], []), 0),
    "(i) and (ii) together in (ii)": (lambda n, b, r: ([], [*n, *b], r), 1 / 3),
    "(i) and (ii) together in (i)": (lambda n, b, r: ([*n, *b], [], r), 1 / 3),
    "(i) among (iii)": (lambda n, b, r: ([], b, [*n, *r]), 1 / 3),
    "swapped": (lambda n, b, r: (b, n, r), 1 / 3),
    "a few of each": (lambda n, b, r: (n[:2], [], r[:1]), 0),
    "two mistakes in (iii)": (lambda n, b, r: (n, b, r[1:-1]), 2 / 3),
}


@pytest.mark.parametrize("title", WORTHLESS)
def test_wrong_groups_earn_what_they_earned_before(title: str) -> None:
    change, fraction = WORTHLESS[title]
    assert in_lists(change).fraction == pytest.approx(fraction)


def test_names_that_were_typed_in_keep_no_share_on_other_networks() -> None:
    norm, biases, rest = groups_of(ROWS[PUBLIC])
    typed = {name: lists(name, (norm[:-1], biases[:1], rest)) for name in ROWS if name != PUBLIC}
    right = {PUBLIC: lists(PUBLIC, (norm, biases, rest))}
    # (i) is right for ResNet-18 and for no other network, though only a batch norm is wrong there.
    assert verdict(typed | right).tables[-1].rows[0][1] == "0 %"


def test_a_mistake_on_one_hidden_network_costs_its_share_there() -> None:
    answers = {name: lists(name, groups_of(rows)) for name, rows in ROWS.items()}
    name = "parameter-groups/hidden-2"
    answers[name] = lists(name, by_name(*groups_of(ROWS[name])))
    assert verdict(answers).fraction == pytest.approx((1 + 1 + 0.75) / 3)


def test_the_rubric_says_what_a_mistake_leaves() -> None:
    assert in_lists(by_name, ListMistakes(shortcuts=0)).fraction == 0
    assert in_lists(by_name, ListMistakes(shortcuts=0.9)).fraction == pytest.approx(0.9)
    tensors = {
        name: answered({
            **lists(name, []).value, "lists": [],
            "numbers": [
                {"frame": 0, "name": label, "value": len(group), "cell": 0, "line": 0}
                for label, group in zip(("bn", "bias", "rest"), truth(rows), strict=True)
            ],
        }) for name, rows in ROWS.items()
    }  # fmt: skip
    assert verdict(tensors).fraction == 0
    assert verdict(tensors, ListMistakes(tensors_counted=0.4)).fraction == pytest.approx(0.4)


def test_running_statistics_among_the_parameters_leave_what_the_rubric_says() -> None:
    answers = {
        name: answered({**lists(name, []).value, "lists": [
            found(f"returned[{n}]", group, buffers=9 * (n == 0))
            for n, group in enumerate(groups_of(rows))
        ]}) for name, rows in ROWS.items()
    }  # fmt: skip
    assert verdict(answers).fraction == pytest.approx(2 / 3)
    half = ListMistakes(running_statistics=0.5)
    assert verdict(answers, half).fraction == pytest.approx((0.5 + 1 + 1) / 3)


# Optimizers -------------------------------------------------------------------------------------

OWN = structure(conv_bias=True)
NORM, BIASES, REST = groups_of(OWN)


def in_optimizer(decayed: Names, spared: Names, shares: Mistakes | None = None) -> Verdict:
    training = trained(optimizer=optimizer((spared, 0.0), (decayed, 1e-3), rows=OWN))
    params = OptimizerParams(of="training", mistakes=shares or Mistakes())
    criterion = CRITERION.model_copy(update={"params": params})
    evidence = {TRAIN: training, MAKE: unanswered("not_found")}
    return judge_optimizer(criterion, work(evidence), key())


@pytest.mark.parametrize(
    ("moved", "fraction"),
    [
        ([name for name in NORM if "downsample" in name], (0.75 + 1 + 1) / 3),
        (["fc.bias"], (1 + 0.5 + 1) / 3),
        (["fc.weight"], (1 + 1 + 0.5) / 3),
        (["layer1.0.downsample.0.weight"], (1 + 1 + 0.75) / 3),
        ([name for name in NORM if name.endswith("weight")], 2 / 3),
        (NORM, 2 / 3),
        ([*NORM, *BIASES], 1 / 3),
        (REST, 2 / 3),
        ([*NORM[:1], *BIASES[:1], *REST[:1]], (0.5 + 0.5 + 0.5) / 3),
    ],
    ids=["shortcuts", "one bias", "the head", "a shortcut", "half", "all norms", "all", "none",
         "one of each"],
)  # fmt: skip
def test_an_optimizer_keeps_the_same_shares(moved: Names, fraction: float) -> None:
    decayed = [name for name in OWN_NAMES if (name in REST) != (name in moved)]
    spared = [name for name in OWN_NAMES if name not in decayed]
    found_ = in_optimizer(decayed, spared)
    assert found_.fraction == pytest.approx(fraction)
    partly = fraction not in (1 / 3, 2 / 3)
    assert (found_.tables[-1].title == "What each group earns") == partly


OWN_NAMES = [row[0] for row in OWN]


def test_the_rubric_says_what_a_mistake_leaves_in_an_optimizer() -> None:
    decayed = [*REST, "fc.bias"]
    spared = [name for name in OWN_NAMES if name not in decayed]
    shares = Mistakes(one_kind_of_layer=0.8)
    assert in_optimizer(decayed, spared, shares).fraction == pytest.approx((1 + 0.8 + 1) / 3)


# Two lists --------------------------------------------------------------------------------------


def in_rows(rows: Callable[[Names, Names, Names], list[dict[str, object]]]) -> Verdict:
    return verdict({
        name: answered({**lists(name, []).value, "lists": rows(*groups_of(of))})
        for name, of in ROWS.items()
    })  # fmt: skip


TWO_LISTS: dict[str, Callable[[Names, Names, Names], list[dict[str, object]]]] = {
    "two variables": lambda n, b, r: [found("decayed", r), found("spared", [*n, *b])],
    "a tuple": lambda n, b, r: [
        found("both", [*r, *n, *b]), found("both[0]", r, parent="both"),
        found("both[1]", [*n, *b], parent="both"),
    ],
    "a dictionary": lambda n, b, r: [
        found("groups.decay", r, parent="groups"),
        found("groups.no_decay", [*b, *n], parent="groups"),
    ],
    "the others named after a group": lambda n, b, r: [
        found("decay", r), found("bn_and_bias", [*n, *b]),
    ],
    "the others called the rest": lambda n, b, r: [found("decay", r), found("rest", [*n, *b])],
}  # fmt: skip


@pytest.mark.parametrize("title", TWO_LISTS)
def test_of_two_lists_the_one_that_is_a_group_earns_its_share(title: str) -> None:
    found_ = in_rows(TWO_LISTS[title])
    assert found_.status == "partial" and found_.fraction == pytest.approx(1 / 3)
    assert "Groups (i) and (ii) are together in one list." in found_.reason


def test_two_lists_with_one_mistake_keep_its_share() -> None:
    def decayed_by_name(n: Names, b: Names, r: Names) -> list[dict[str, object]]:
        decayed = [name for name in (*n, *r) if "bn" not in name and not name.endswith("bias")]
        others = [name for name in (*n, *b, *r) if name not in decayed]
        return [found("decay", decayed), found("rest", others)]

    found_ = in_rows(decayed_by_name)
    assert found_.fraction == pytest.approx(0.75 / 3)
    assert "Groups (i) and (ii) are together in one list." in found_.reason
    assert found_.tables[-1].rows[2][2] == "only layers of the shortcuts are wrong"


def test_other_groups_may_be_together() -> None:
    found_ = in_rows(lambda n, b, r: [found("x", n), found("y", [*b, *r])])
    assert found_.fraction == pytest.approx(1 / 3)
    assert "Groups (ii) and (iii) are together in one list." in found_.reason


def test_two_lists_of_which_none_is_a_group_earn_nothing() -> None:
    assert in_rows(lambda n, b, r: [found("x", n[4:]), found("y", [*n[:4], *b, *r])]).fraction == 0
    # A name that names another group decides.
    wrong = in_rows(lambda n, b, r: [found("bn", r), found("x", [*n, *b])])
    assert wrong.fraction == 0


def test_two_lists_of_a_small_network_of_ones_own_are_those_of_its_training() -> None:
    small = structure()[:3]
    rows = [found("decayed", ["conv1.weight"]), found("spared", ["bn1.weight", "bn1.bias"])]
    value = {**lists(PUBLIC, []).value, "lists": rows, "structure": small, "replaced": False}
    answers = {name: lists(name, groups_of(of)) for name, of in ROWS.items()}
    found_ = verdict(answers | {PUBLIC: answered(value)})
    assert (found_.status, found_.fraction) == ("failed", 0)


def test_wrong_numbers_beside_two_lists_of_ones_own_network_ask_nobody() -> None:
    norm, biases, rest = groups_of(ROWS[PUBLIC])
    numbers = [{"frame": 0, "name": "bn_ids", "value": 7, "cell": 0, "line": 0}]
    value = {
        **lists(PUBLIC, []).value, "numbers": numbers, "replaced": False,
        "lists": [found("decayed", rest), found("spared", [*norm, *biases])],
    }
    answers = {name: lists(name, groups_of(of)) for name, of in ROWS.items()}
    found_ = verdict(answers | {PUBLIC: answered(value)})
    assert found_.status == "partial" and found_.fraction == pytest.approx(1 / 3)


def test_nothing_at_all_is_told_as_such() -> None:
    found_ = in_rows(lambda n, b, r: [])
    assert found_.result == "not_attempted" and "no groups of parameters" in found_.reason
