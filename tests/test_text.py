"""A student's text is shown without anything that could harm a terminal or a page."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.text import plain, plain_line, plain_tail


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Zoë 日本語 שלום", "Zoë 日本語 שלום"),
        ("a\x1b[31mb\x1b[0m", "ab"),
        ("a\x1b]8;;http://evil.example\x07b\x1b]8;;\x1b\\c", "abc"),
        ("a\x1b]0;never ended\nb", "a\nb"),
        ("a\x1bP1;2q\x1b\\b\x9b1mc\x1bcd", "abcd"),
        ("10%\r50%\r100%\r\ndone", "100%\ndone"),
        ("a\x00b\x08c\x7f", "a�b�c�"),
        ("a\u202eb\u2066c\u200bd\ufeffe", "abcde"),
        ("half \ud83d of it", "half � of it"),
        ("a\u2028b\x85c", "a\nb\nc"),
        ("\u0645\u06cc\u200c\u062e", "\u0645\u06cc\u200c\u062e"),
        ("e" + "\u0301" * 50, "e" + "\u0301" * 4),
        ("e" + "\u0301\xad" * 50, "e" + "\u0301" * 4),
    ],
)
def test_what_is_harmless_stays_and_the_rest_goes(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_a_long_text_is_cut_and_says_so() -> None:
    assert plain("x" * 100, limit=10) == "x" * 10 + " […]"


def test_a_line_is_one_line() -> None:
    assert plain_line(" a\n\tb\r\nc ") == "a b c"


def test_a_tail_is_the_last_lines_and_no_line_is_long() -> None:
    tail = plain_tail("first\n" + "middle\n" * 1000 + "y" * 500 + "\nlast\n", lines=3, width=20)
    assert tail.split("\n")[-2:] == ["y" * 20 + " […]", "last"]
    assert "first" not in tail


def test_of_a_progress_bar_in_a_tail_the_last_state_stays() -> None:
    bar = "".join(f"\r{percent}% " + "#" * 50 for percent in range(101))
    assert plain_tail(f"start\n{bar}\ndone\r\n", width=60) == f"start\n100% {'#' * 50}\ndone"


def test_the_tail_of_a_short_text_is_the_text() -> None:
    assert plain_tail("one\ntwo\n") == "one\ntwo"


UNSEEN = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")


ODD = st.characters(categories=("Cc", "Cf", "Cs", "Co", "Zl", "Zp", "Mn"))
PARTS = st.sampled_from("\x1b\x9b\x9d[]0;m\\\n\r\x07az")


@given(st.text(ODD | PARTS))
def test_whatever_the_text_is_nothing_controls_turns_or_hides(text: str) -> None:
    shown = plain(text)
    unseen = {one for one in shown if unicodedata.category(one) in UNSEEN}
    assert unseen <= {"\n", "\t", "\u200c", "\u200d"}
    assert plain(shown) == shown
    assert not {"\n", "\t"} & set(plain_line(text))
