"""Assigning lists to groups: by name first, by overlap second, the last attempt."""

from __future__ import annotations

import pytest

from grader.checks.groups.assignment import choose, label, overlap
from tests.checks.evidence import found, groups_of, returned, structure, truth

ROWS = structure()
TRUTH = truth(ROWS)
NORM, BIASES, REST = groups_of(ROWS)


def labels(lists: list[dict[str, object]]) -> list[str | None]:
    return [chosen.label if chosen else None for chosen in choose(lists, TRUTH)]


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("bn_params", 0), ("batchnorm", 0), ("batch_norm_affine", 0), ("BN", 0), ("params_bn", 0),
        ("norms", 0), ("bn_biases", 0), ("affine_parameters", 0), ("batchNormParams", 0),
        ("biases", 1), ("bias_params", 1), ("conv_fc_bias", 1), ("all_biases", 1),
        ("rest", 2), ("others", 2), ("remaining", 2), ("everything_else", 2), ("no_bias", 2),
        ("non_bn", 2), ("not_bn_params", 2), ("without_bn", 2), ("third_group", 2),
        ("a", None), ("group1", None), ("params", None), ("subnet", None), ("model_list", None),
        ("weights", None), ("another_bias", 1), ("two_bn", 0), ("otherParams", 2), ("forest", None),
    ],
)
def test_a_name_names_a_group(name: str, group: int | None) -> None:
    assert label(name) == group


def test_names_decide_whatever_the_order() -> None:
    lists = [found("rest", REST), found("bias_list", BIASES), found("bn_list", NORM)]
    assert labels(lists) == ["bn_list", "bias_list", "rest"]


def test_names_decide_even_when_the_contents_say_otherwise() -> None:
    lists = [found("bn", BIASES), found("bias", NORM), found("rest", REST)]
    assert labels(lists) == ["bn", "bias", "rest"]


def test_overlap_decides_where_names_say_nothing() -> None:
    lists = [found("x", REST), found("y", NORM[:-1]), found("z", BIASES)]
    assert labels(lists) == ["y", "z", "x"]


def test_overlap_fills_what_names_leave_open() -> None:
    lists = [found("one", REST), found("two", NORM), found("bias", BIASES)]
    assert labels(lists) == ["two", "bias", "one"]


def test_a_list_that_overlaps_with_nothing_is_no_group() -> None:
    lists = [found("bn", NORM), found("bias", BIASES), found("x", [])]
    assert labels(lists) == ["bn", "bias", None]


def test_two_lists_of_one_group_are_put_together() -> None:
    weights = [name for name in NORM if name.endswith("weight")]
    biases = [name for name in NORM if name.endswith("bias")]
    lists = [
        found("bn_weights", weights), found("bn_biases", biases), found("bias", BIASES),
        found("rest", REST),
    ]
    assert labels(lists) == ["bn_weights + bn_biases", "bias", "rest"]


def test_a_returned_tuple_says_by_its_order_which_is_which() -> None:
    first, _, third = choose(returned([REST, BIASES, NORM]), TRUTH)
    assert first is not None
    assert third is not None
    assert (first.names, third.names) == (tuple(REST), tuple(NORM))


def attempt(
    cell: int, norm: list[str], frame: int = 0, suffix: str = ""
) -> list[dict[str, object]]:
    names = zip(("bn", "bias", "rest"), (norm, BIASES, REST), strict=True)
    return [
        found(name + suffix, items, cell=cell, line=cell * 10 + number, frame=frame)
        for number, (name, items) in enumerate(names)
    ]


@pytest.mark.parametrize(
    ("early", "last"), [(NORM, NORM[:2]), (NORM[:2], NORM)], ids=["wrong", "right"]
)
def test_the_last_cell_that_has_all_counts(early: list[str], last: list[str]) -> None:
    chosen = choose([*attempt(1, early, suffix="_a"), *attempt(2, last, suffix="_b")], TRUTH)[0]
    assert chosen is not None
    assert (chosen.label, chosen.names) == ("bn_b", tuple(last))


def test_an_unfinished_last_attempt_does_not_replace_a_whole_one() -> None:
    unfinished = attempt(2, NORM[:2], suffix="_b")[:2]
    chosen = choose([*attempt(1, NORM, suffix="_a"), *unfinished], TRUTH)
    assert all(chosen)


def test_the_last_frame_that_has_all_counts() -> None:
    chosen = choose([*attempt(0, NORM[:2], frame=0), *attempt(0, NORM, frame=1)], TRUTH)[0]
    assert chosen is not None
    assert chosen.names == tuple(NORM)


def test_groups_spread_over_cells_are_found() -> None:
    lists = [
        found("bn", NORM, cell=1, line=1), found("bias", BIASES, cell=2, line=2),
        found("rest", REST, cell=3, line=3),
    ]
    assert labels(lists) == ["bn", "bias", "rest"]


def test_one_list_alone_is_no_attempt() -> None:
    assert choose([found("bn", NORM)], TRUTH) == (None, None, None)
    assert choose([], TRUTH) == (None, None, None)


def test_overlap_is_intersection_over_union() -> None:
    assert overlap(["a", "b"], {"b": 1, "c": 1}) == pytest.approx(1 / 3)
    assert overlap([], {}) == 0


def parts(parent: str, *named: tuple[str, list[str]]) -> list[dict[str, object]]:
    """A list of lists as a worker reports it: the whole first, then its parts."""
    whole = found(parent, [name for _, names in named for name in names])
    return [whole, *(found(f"{parent}{key}", names, parent=parent) for key, names in named)]


GAMMAS, BETAS = NORM[::2], NORM[1::2]
OTHER_TWO = [found("bias", BIASES), found("rest", REST)]


def test_the_keys_of_a_dictionary_say_which_part_is_which() -> None:
    lists = parts("bn_groups", (".rest", NORM), (".bias", BIASES), (".bn", REST))
    assert labels(lists) == ["bn_groups.bn", "bn_groups.bias", "bn_groups.rest"]


def test_a_name_of_a_group_goes_before_the_keys_inside() -> None:
    lists = [*parts("bn", (".weight", GAMMAS), (".bias", BETAS)), *OTHER_TWO]
    assert labels(lists) == ["bn", "bias", "rest"]


def test_a_list_of_all_groups_named_after_one_says_nothing_about_its_parts() -> None:
    lists = parts("bn_bias_rest", ("[0]", NORM), ("[1]", BIASES), ("[2]", REST))
    assert labels(lists) == ["bn_bias_rest[0]", "bn_bias_rest[1]", "bn_bias_rest[2]"]


def test_a_list_of_lists_without_a_name_may_be_one_group() -> None:
    lists = [*parts("x", ("[0]", GAMMAS), ("[1]", BETAS)), *OTHER_TWO]
    assert labels(lists) == ["x", "bias", "rest"]


def test_parts_of_the_parts_of_one_group_are_not_looked_at() -> None:
    inner = found("bn.late.bias", BETAS, parent="bn.late")
    lists = [*parts("bn", (".early", GAMMAS), (".late", BETAS)), inner, *OTHER_TWO]
    assert labels(lists) == ["bn", "bias", "rest"]


def test_a_returned_tuple_is_read_by_its_order_whatever_its_parts_are_made_of() -> None:
    rest = parts("returned[2]", (".early", REST[:2]), (".late", REST[2:]))
    assert labels([*returned([NORM, BIASES]), *rest]) == [f"returned[{n}]" for n in range(3)]


def test_lists_of_everything_and_of_nothing_of_the_network_are_no_groups() -> None:
    strangers = [found(f"words{number}", [], foreign=9, empty=False) for number in range(9)]
    everything = [found(f"all{number}", [*NORM, *BIASES, *REST]) for number in range(9)]
    lists = [found("x", REST), found("y", NORM), found("z", BIASES), *everything, *strangers]
    assert labels(lists) == ["y", "z", "x"]
