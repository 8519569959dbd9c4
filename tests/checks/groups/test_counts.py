"""Assigning numbers to groups: by name, by order, or by a person."""

from __future__ import annotations

from typing import Any

import pytest

from grader.checks.groups.counts import group_counts, has_count, spoken


def number(name: str, value: int, line: int = 0, **more: Any) -> dict[str, Any]:
    return {"frame": 0, "name": name, "value": value, "cell": 0, "line": line} | more


def printed(*rows: tuple[str, int, int]) -> list[dict[str, Any]]:
    return [number(name, value, line, printed=True) for name, value, line in rows]


@pytest.mark.parametrize(
    ("text", "group"),
    [
        ("BN params", 0), ("batch normalization", 0), ("Batch-norm weights and biases", 0),
        ("affine parameters of BatchNorm2d", 0), ("biases", 1), ("Bias parameters", 1),
        ("biases (conv and fc, not bn)", 1), ("the rest", 2), ("All other parameters", 2),
        ("non-batch-norm", 2), ("everything else", 2), ("biases of batch norm", None),
        ("bn, bias and other", None), ("other biases", None), ("total", None), ("", None),
        ("weights", None),
    ],
)
def test_the_words_beside_a_number_name_one_group_or_none(
    text: str, group: int | None
) -> None:
    assert spoken(text) == group


def test_the_last_number_of_a_name_counts() -> None:
    rows = [number("bn", 1, 3), number("bn_total", 2, 5), number("bias", 3, 4)]
    assert group_counts(rows) == (2, 3, None)


@pytest.mark.parametrize("name", ["bn_layers", "num_bn_tensors", "bn_momentum", "bias_lr"])
def test_what_counts_something_else_does_not_replace_a_count(name: str) -> None:
    rows = [number("bn", 9600, 1), number("bias", 1000, 2), number(name, 20, 3)]
    assert group_counts(rows)[:2] == (9600, 1000)


def test_variables_go_before_what_is_printed() -> None:
    rows = [number("bn", 1), *printed(("bn", 2, 1), ("bias", 3, 2))]
    assert group_counts(rows) == (1, 3, None)


def test_weights_beside_the_two_others_are_the_rest() -> None:
    rows = [number("bn", 1), number("bias", 2), number("weights", 3), number("weight_decay", 4)]
    assert group_counts(rows) == (1, 2, 3)
    assert group_counts(rows[1:]) == (None, 2, None)


@pytest.mark.parametrize(
    "rows",
    [
        [("", 1, 4), ("", 2, 4), ("", 3, 4)],
        [("", 1, 4), ("", 2, 5), ("", 3, 6)],
        [("i", 1, 4), ("ii", 2, 5), ("iii", 3, 9)],
        [("#1 x", 1, 4), ("Group #2", 2, 4), ("set #3", 3, 4)],
        [("", 7, 1), ("", 8, 1), ("", 9, 1), ("", 1, 4), ("", 2, 4), ("", 3, 4)],
    ],
    ids=["a line", "three lines", "numerals", "ordinals", "the last"],
)
def test_three_numbers_in_order_are_the_three_groups(rows: list[tuple[str, int, int]]) -> None:
    assert group_counts(printed(*rows)) == (1, 2, 3)


@pytest.mark.parametrize(
    "rows",
    [
        [("", 1, 4), ("", 2, 4)],
        [("", 1, 4), ("", 2, 4), ("", 3, 4), ("", 6, 4)],
        [("", 1, 4), ("", 2, 5), ("", 3, 6), ("", 6, 7)],
        [("", 1, 4), ("", 2, 6), ("", 3, 8)],
        [("x", 1, 4), ("", 2, 4), ("", 3, 4)],
        [("i", 1, 4), ("ii", 2, 5)],
    ],
    ids=["two", "four", "four lines", "apart", "a word", "two numerals"],
)
def test_other_numbers_are_in_no_order(rows: list[tuple[str, int, int]]) -> None:
    assert group_counts(printed(*rows)) == (None, None, None)


def test_a_list_of_three_is_in_order_and_one_with_a_name_is_not() -> None:
    rows = [number(f"c[{index}]", value) for index, value in enumerate((1, 2, 3))]
    assert group_counts([number("c", 6), *rows]) == (1, 2, 3)
    named = [number(f"bn[{index}]", value) for index, value in enumerate((1, 2, 3))]
    assert group_counts([*named, number("bn", 6)]) == (6, None, None)


def test_labels_go_before_order() -> None:
    rows = printed(("", 1, 1), ("", 2, 1), ("", 3, 1), ("bn", 4, 2), ("bias", 5, 3))
    assert group_counts(rows) == (4, 5, None)


def test_a_number_is_there_unless_its_name_names_another_group() -> None:
    rows = [number("a", 7), number("bias", 8), *printed(("rest", 9, 1))]
    assert has_count(rows, 0, 7) and has_count(rows, 1, 8) and has_count(rows, 2, 9)
    assert not has_count(rows, 0, 8) and not has_count(rows, 0, 9)
    assert not has_count(rows, 0, 5)
