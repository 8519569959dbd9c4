"""`grader check` in a terminal: 80 columns, any encoding, with and without colour."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from grader.cli.student_view import show
from grader.records import Grade, TrainingRun
from tests.factories import criterion_grade, grade
from tests.reports.student.sample_grade import RUN, hostile_grade, rich_grade


def shown(of: Grade, encoding: str = "utf-8", **options: Any) -> str:
    written = io.BytesIO()
    file = io.TextIOWrapper(written, encoding=encoding, newline="")
    show(of, Console(file=file, width=80, **options))
    file.flush()
    return written.getvalue().decode(encoding)


def test_the_overview_the_details_and_a_summary_are_shown() -> None:
    text = shown(rich_grade())
    assert "Results for Ada Lovelace" in text
    assert "✓ passed" in text
    assert "1,792 elements of batch norm" in text
    assert "11,678,912" in text
    assert "Hint (costs nothing): A GroupNorm" in text
    assert "Next: `group_parameters` returns three groups" in text
    assert "ValueError: too many values" in text
    assert "26.37 / 56 points after a late penalty of 2.93: 1 passed, 2 partial" in text


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "ascii"])
@pytest.mark.parametrize("make", [rich_grade, hostile_grade])
def test_no_line_is_longer_than_80_columns_in_any_encoding(make: Any, encoding: str) -> None:
    assert max(map(len, shown(make(), encoding).split("\n"))) <= 80


def test_a_terminal_without_unicode_gets_plain_symbols() -> None:
    text = shown(rich_grade(), "ascii")
    assert "x failed" in text
    assert "+ passed" in text


def test_without_colour_nothing_but_text_is_written() -> None:
    assert "\x1b" not in shown(hostile_grade())


def test_hostile_text_brings_no_escape_sequence_of_its_own() -> None:
    text = shown(hostile_grade(), force_terminal=True, color_system="standard")
    assert "\x1b[" in text  # our own colours
    for sequence in ("\x1b]", "\x07", "\x9b", "\x00", "\u202e", "\u200b"):
        assert sequence not in text


def test_text_of_a_student_is_never_markup() -> None:
    loud = criterion_grade(status="failed", reason="[bold red]loud[/] :smile: [link=x]y")
    text = shown(grade(loud))
    assert "[bold red]loud[/] :smile: [link=x]y" in text


def test_one_error_and_the_parts_that_are_blank_are_told_once() -> None:
    seen = {"outcome": "exception", "cause": "c1", "traceback": "SyntaxError: expected ':'"}
    lost = [criterion_grade(f"Criterion {name}", "failed", 0, reason="hw2.py, line 6.", seen=seen)
            for name in "ABC"]  # fmt: skip
    blank = criterion_grade("Written", "failed", 0, reason="Not attempted: part (a) is blank.")
    blank = replace(blank, verdict=replace(blank.verdict, attempted=False))
    text = shown(grade(*lost, criterion_grade("Other", "failed", 0, reason="Wrong."), blank))
    assert text.count("hw2.py, line 6.") == text.count("SyntaxError: expected") == 1
    places = [text.index(one) for one in ("hw2.py, line 6.", "Wrong.", "Not attempted: 1 part")]
    assert places == sorted(places)
    assert "Criterion C, 0 / 5" in text and "Part (a) is blank." in text


def test_a_pass_without_hints_needs_one_line_only() -> None:
    assert "All is right." not in shown(grade(criterion_grade()))
    assert "All is right." in shown(grade(criterion_grade(hints=("Try it.",))))


def test_what_is_hidden_stays_hidden_at_home() -> None:
    text = shown(
        grade(
            criterion_grade("One", "failed", 1.25, visibility="hidden", reason="SecretReason"),
            criterion_grade("Two", "failed", 2.75, visibility="after_due", reason="SecretReason"),
        )
    )
    assert "1.25 / 5" in text
    assert "2.75" not in text
    assert "SecretReason" not in text
    assert "1.25 / 5 points of the criteria shown" in text


def test_the_run_is_told_with_its_cautions_and_an_epoch_a_line() -> None:
    text = shown(rich_grade())
    assert "Caution: The evaluation of epoch 4 ran in train mode. (ada_hw2.py, line 58)" in text
    assert "Batch norm used the statistics of the batch" in text
    assert "Wrong mode in 1 of 10 evaluation phases (number 8)." in text
    lines = [line.split() for line in text.split("\n")]
    assert ["3", "0.652", "76.7", "%", "train", "0.802", "72.9", "%", "eval", "0.1"] in lines
    assert ["4", "0.429", "85.1", "%", "train", "0.604", "80.8", "%", "train", "!", "0.1"] in lines


def test_of_many_epochs_a_terminal_shows_a_dozen_and_the_wrong_ones_first() -> None:
    stretches = [replace(one, right=True) for one in RUN.stretches * 30]
    stretches[101] = replace(stretches[101], mode="train", right=False)  # of epoch 51
    text = shown(grade(criterion_grade(run=replace(RUN, stretches=tuple(stretches)))))
    rows = [line.split() for line in text.split("\n") if "train" in line and "%" in line]
    assert len(rows) == 12
    assert [row[0] for row in rows if "!" in row] == ["51"]
    assert rows[-1][0] == "300"


def test_the_run_of_a_hidden_criterion_is_not_told_at_home() -> None:
    for visibility in ("hidden", "after_due"):
        text = shown(grade(criterion_grade(visibility=visibility, run=RUN)))
        assert "Caution" not in text
        assert "Your training run" not in text
    assert "Caution" in shown(grade(criterion_grade(run=RUN)))


def test_a_run_without_anything_to_tell_takes_no_line() -> None:
    empty = TrainingRun((), ())
    assert shown(grade(criterion_grade(run=empty))) == shown(grade(criterion_grade()))
