"""Reasons are grouped correctly, and the text of a group is what its members share."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.reports.class_report.similar_reasons import group_by_reason
from grader.reports.student.sections import first_sentence


def texts(*given: str) -> list[tuple[str, int]]:
    return [(one.text, len(one.items)) for one in group_by_reason(given, str)]


def test_reasons_that_differ_in_numbers_are_the_same() -> None:
    assert texts(
        "Group (i) has 160 parameters; yours has 1,300.",
        "Group (i) has 9,600 parameters; yours has 0.",
    ) == [("Group (i) has … parameters; yours has ….", 2)]


def test_what_all_of_them_agree_on_is_told() -> None:
    assert texts(
        "Top-1 accuracy 85.7% on 300 hidden images. The next threshold is 90 %.",
        "Top-1 accuracy 9.0% on 300 hidden images. The next threshold is 75 %.",
    ) == [("Top-1 accuracy …% on 300 hidden images. The next threshold is … %.", 2)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("expected ':' (ada_hw2.py, line 6).", "expected ':' (b.py, line 70)."),
        ("found ada.py (affine).", "found x.py (main, walk), y.ipynb (no functions)."),
        ("the code was at a.py, line 22, in means().", "the code was at b.py, line 9, in start()."),
        ("NameError: name 'bn' is not defined", "NameError: name 'fc1' is not defined"),
        ("hw2.py:12 reaches for C or the kernel", "src/model.py:3 reaches for C or the kernel"),
    ],
)  # fmt: skip
def test_places_and_quotations_may_differ(one: str, other: str) -> None:
    assert len(group_by_reason([one, other], str)) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ResNet-18 is wrong.", "ResNet-34 is wrong."),
        ("Part (b) is blank.", "Part (d) is blank."),
        ("The running statistics aren't there.", "The running statistics weren't there."),
        ("downsample.1 is missing.", "downsample.2 is missing."),
        ("3 are missing.", "\0 are missing."),
    ],
)
def test_names_of_layers_parts_and_networks_may_not(one: str, other: str) -> None:
    assert len(group_by_reason([one, other], str)) == 2


def test_without_names_no_file_and_no_quotation_is_told() -> None:
    (one,) = group_by_reason(["KeyError: 'ada' (lovelace_hw2.py, line 6), 3 of 4."], str)
    assert one.text == "KeyError: 'ada' (lovelace_hw2.py, line 6), 3 of 4."
    assert one.anonymous == "KeyError: … (…), 3 of 4."


def test_a_reason_s_first_sentence_is_its_diagnosis() -> None:
    assert first_sentence("3 of 4 are wrong, in hw2.py. 1 of 2 is right.") == (
        "3 of 4 are wrong, in hw2.py."
    )
    assert first_sentence("It is in train mode. evaluate(): so it is.") == "It is in train mode."
    assert first_sentence("Use numel(), e.g. here.") == "Use numel(), e.g. here."


@given(st.lists(st.text(max_size=60), max_size=6))
def test_every_text_is_in_one_group(told: list[str]) -> None:
    groups = group_by_reason(told, str)
    assert sorted(one for group in groups for one in group.items) == sorted(told)


@given(st.text(max_size=60))
def test_a_text_that_is_alone_is_told_as_it_is(text: str) -> None:
    assert [one.text for one in group_by_reason([text], str)] == [text]
