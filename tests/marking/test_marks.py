"""Marks, flags and withdrawals of an answer, and the state that they lead to."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from grader.grading.marks import Item, Mark, answer_digest, points_that_may_be, position
from grader.records import Submission, Verdict

FIRST = Mark("noether", "written-a", "digest", "ada", points=2, max=2, number=1)


def after(number: int, seen: int, points: float | None = 1, **more: str) -> Mark:
    return replace(FIRST, number=number, seen=seen, points=points, **more)  # type: ignore[arg-type]  # words of Mark


def test_nothing_said_is_no_mark() -> None:
    assert position([]).mark is None
    assert not position([]).conflict


def test_a_mark_that_has_seen_the_other_takes_its_place() -> None:
    found = position([FIRST, after(2, seen=1)])
    assert found.mark is not None
    assert (found.mark.points, found.version) == (1, 2)


def test_two_who_did_not_know_of_each_other_contradict_each_other() -> None:
    found = position([FIRST, after(2, seen=0, marker="grace")])
    assert found.conflict
    assert found.mark is None
    assert [one.number for one in found.standing] == [1, 2]


def test_two_who_said_the_same_do_not() -> None:
    found = position([FIRST, after(2, seen=0, points=2, marker="grace")])
    assert not found.conflict
    assert found.mark is not None


def test_the_same_points_with_other_words_contradict_each_other() -> None:
    assert position([FIRST, after(2, seen=0, points=2, comment="But why?")]).conflict


def test_who_has_seen_both_decides() -> None:
    both = [FIRST, after(2, seen=0, marker="grace")]
    found = position([*both, after(3, seen=2, points=1.5)])
    assert found.mark is not None
    assert found.mark.points == 1.5
    assert position([*both, after(3, seen=1, points=1.5)]).conflict, "it has seen only one"


def test_a_dispute_leaves_the_points_and_stays_until_a_mark_that_has_seen_it() -> None:
    said = [FIRST, after(2, seen=1, points=None, kind="dispute", note="too hard?")]
    assert position(said).mark == FIRST
    assert [one.note for one in position(said).disputes] == ["too hard?"]
    assert position([*said, after(3, seen=1)]).disputes, "who marked did not know of it"
    assert not position([*said, after(3, seen=2)]).disputes


def test_a_mark_that_is_taken_back_counts_no_longer() -> None:
    assert position([FIRST, after(2, seen=1, points=None, kind="withdrawal")]).mark is None


def test_the_student_reads_options_and_comment_and_no_note() -> None:
    mark = replace(FIRST, items=(Item(-0.5, "No place."),), comment="Well put.", note="lenient")
    assert mark.text == "No place. (-0.5)\nWell put."


@pytest.mark.parametrize(
    ("points", "allowed"),
    [(0, True), (2, True), (1.25, True), (1.3, False), (-0.25, False), (2.25, False),
     (math.nan, False), (math.inf, False)],
)
def test_points_go_from_none_to_all_in_quarters(points: float, allowed: bool) -> None:
    assert points_that_may_be(points, 2) is allowed


def test_full_points_may_be_given_whatever_they_are() -> None:
    assert points_that_may_be(3.3, 3.3)


def of(digest: str, **seen: object) -> str:
    submission = Submission("noether", Path("x"), Path("x"), (), digest)
    return answer_digest(submission, Verdict("a", "needs_marking", 0.0, "words", seen=seen))


def test_a_mark_belongs_to_the_text_whatever_else_is_handed_in() -> None:
    assert of("one", answer="text") == of("two", answer="text") != of("one", answer="other")


def test_a_mark_belongs_to_what_is_in_a_pdf_and_not_to_its_name() -> None:
    assert of("one", pdf="a.pdf", sha256="1") == of("two", pdf="b.pdf", sha256="1")
    assert of("one", pdf="a.pdf", sha256="1") != of("one", pdf="a.pdf", sha256="2")


def test_a_mark_of_code_belongs_to_the_files_and_not_to_what_a_run_has_seen_of_them() -> None:
    assert of("one", seconds=1.0) == of("one", seconds=2.0) != of("two", seconds=1.0)
