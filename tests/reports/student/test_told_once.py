"""A student's page tells each thing once: one cause, one list of blanks, one strip of phases."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from grader.records import CriterionGrade, Grade, Phase, PhaseStrip, TrainingRun, Verdict
from grader.reports.student.page import Page, make_page
from grader.reports.student.render import RenderedPage, Renderer
from tests.factories import criterion_grade, grade
from tests.reports.student.sample_grade import DUE, NOW

SYNTAX = "The code raised an exception while your file was being loaded: hw2.py, line 6."


def failed(title: str, most: float, reason: str, **more: Any) -> CriterionGrade:
    return criterion_grade(title, "failed", 0, most, reason=reason, **more)


def unanswered(title: str, most: float, reason: str = SYNTAX, cause: str = "c1") -> CriterionGrade:
    return failed(title, most, reason, seen={"outcome": "exception", "cause": cause})


def blank(title: str, part: str, reason: str, next_step: str = "") -> CriterionGrade:
    row = failed(title, 2, f"Not attempted: {reason}", next_step=next_step, part=part)
    return replace(row, verdict=replace(row.verdict, attempted=False))


def page_of(*rows: CriterionGrade, **fields: Any) -> Page:
    return make_page(grade(*rows, **fields), "Homework", NOW, DUE)


def rendered(*rows: CriterionGrade) -> RenderedPage:
    return Renderer().render(grade(*rows), "Homework", NOW, DUE)


def titles(page: Page) -> list[list[str]]:
    return [[one.title for one in cause.sections] for cause in page.causes]


def test_one_error_that_cost_several_criteria_is_told_once_and_first() -> None:
    hidden = "On hidden data: the code raised an exception, SyntaxError."
    rows = (failed("Other", 5, "Wrong."), unanswered("Counts", 3), unanswered("Groups", 5),
            unanswered("Decay", 6, hidden))  # fmt: skip
    both = rendered(*rows)
    for text in (both.html, both.markdown):
        assert text.count("while your file was being loaded") == 1
        assert "On hidden data" not in text
        assert text.index("while your file was being loaded") < text.index("Wrong.")
        assert all(title in text for title in ("Counts", "Groups", "Decay"))
    assert titles(page_of(*rows)) == [["Decay", "Groups", "Counts"]]


@pytest.mark.parametrize("rows", [
    (unanswered("One", 3), unanswered("Two", 3, "Time limit.", cause="c2")),
    (unanswered("One", 3), criterion_grade("Two", reason=SYNTAX)),
    (failed("One", 3, "Wrong."), failed("Two", 3, "Wrong.")),
    (unanswered("One", 3), failed("Two", 3, SYNTAX, seen={
        "outcome": "exception", "cause": "c1", "marked": {"by": "a person"}})),
], ids=["two errors", "one passed", "wrong answers", "a person marked one"])  # fmt: skip
def test_results_without_a_common_error_keep_their_own_cards(
    rows: tuple[CriterionGrade, ...]
) -> None:
    page = page_of(*rows)
    assert page.causes == ()
    shown = {one.title for one in (*page.single, *page.passed)}
    assert shown == {"One", "Two"}


def test_a_verdict_of_an_earlier_grader_is_told_once_by_its_reason() -> None:
    old = [failed(name, 3, SYNTAX, seen={"outcome": "exception"}) for name in ("One", "Two")]
    assert titles(page_of(*old)) == [["One", "Two"]]


def test_a_submission_that_was_not_opened_is_told_once() -> None:
    why = "The submission was not opened: it is a zip bomb."
    rows = [failed(name, 3, why, seen={"refused": True}) for name in ("One", "Two", "Three")]
    assert titles(page_of(*rows)) == [["One", "Two", "Three"]]


def test_a_withheld_result_is_no_part_of_a_told_cause() -> None:
    secret = replace(unanswered("Secret", 3), visibility="hidden")
    late = replace(unanswered("Later", 3), visibility="after_due")
    page = page_of(unanswered("One", 3), unanswered("Two", 3), secret, late)
    assert titles(page) == [["One", "Two"]]
    assert {one.title for one in page.single} == {"Secret", "Later"}


def test_parts_that_were_not_attempted_are_one_list_that_says_the_reason_once() -> None:
    looked = "No answer was found in a text or Word file."
    rows = [
        *(blank(f"Part {part}", part, f"part ({part}) is blank. {looked}", f"Write ## ({part}).")
          for part in "abd"),
        blank("Counts", "c", "no counts were found. Expected: a function.", "Add it."),
        criterion_grade("Passed"),
    ]  # fmt: skip
    both = rendered(*rows)
    for text in (both.html, both.markdown):
        assert text.count("Not attempted: 4 parts, 8 points") == 1
        assert text.count(looked) == 1
        assert "Expected: a function. Add it." in text
    assert both.html.count("<section") == 1
    assert page_of(*rows).blanks[0].reasons == tuple(
        f"Part ({part}) is blank. Write ## ({part})." for part in "abd"
    )


def accuracy(status: str, points: float, most: float = 34) -> CriterionGrade:
    reason = "Top-1 accuracy 41.2 % on 300 hidden images. The next threshold is 60 %."
    return criterion_grade("Accuracy", status, points, most, reason=reason)  # type: ignore[arg-type]  # one of the words


@pytest.mark.parametrize("status", ["passed", "failed"])
def test_the_criterion_of_most_points_stands_beside_the_score(status: str) -> None:
    others = [failed(f"Part {number}", 9, "No.") for number in range(3)]
    html = rendered(*others, accuracy(status, 34 * (status == "passed"))).html
    head = re.sub("<[^>]+>", " ", html.partition("<header")[2].partition("</header>")[0])
    assert "Top-1 accuracy 41.2 % on 300 hidden images." in head
    assert "next threshold" not in head and "/ 34" in head


def test_no_criterion_stands_out_where_none_has_a_third_or_its_error_is_told_or_it_comes_later(
) -> None:
    equal = [criterion_grade(f"Part {number}") for number in range(4)]
    assert page_of(*equal).main is None
    assert page_of(unanswered("Accuracy", 34), unanswered("Other", 6), *equal).main is None
    later = replace(accuracy("passed", 34), visibility="after_due")
    assert page_of(later, *equal).main is None
    assert page_of(accuracy("passed", 34), *equal[:2]).main is None   # all are in sight
    assert page_of(accuracy("passed", 34), *equal).main is not None


def modes(status: str, run: TrainingRun) -> Grade:
    strip = PhaseStrip("Phases", run.stretches)
    verdict = Verdict("mode-switch", status, 0.5, "Modes.", pictures=(strip,), run=run)  # type: ignore[arg-type]  # one of the words
    return grade(replace(criterion_grade("Modes", status, 2.5), verdict=verdict))  # type: ignore[arg-type]  # one of the words


@pytest.mark.parametrize("status", ["passed", "partial"])
def test_the_phases_are_a_strip_that_is_in_sight_once(status: str) -> None:
    phases = tuple(
        Phase("evaluate" if number % 2 else "train", 5, 100, "train", not number % 2, "hw2.py")
        for number in range(12)
    )
    html = Renderer().render(modes(status, TrainingRun((), phases)), "Homework", NOW, DUE).html
    unfolded = re.sub(r'(?s)<details class="earned">.*?</summary>.*?</div>\s*</details>', "", html)
    assert unfolded.count('class="panels strip"') == 1
    assert unfolded.count("Wrong mode in 6 of 6 evaluation phases") == 1
