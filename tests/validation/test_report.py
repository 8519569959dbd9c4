"""The files that a validation writes: JSON, JUnit XML and a page."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from playwright.sync_api import Page

from grader.grading.points import grade
from grader.reports.student.render import render_page
from grader.validation.expected_marks import SampleMarks, sample_marks
from grader.validation.outcomes import Case, Conclusion, CriterionResult, accuracies
from grader.validation.report import INTERVAL, ValidationReport, as_json, as_junit, sentences
from tests.factories import criterion, rubric, submission, verdict
from tests.support.looking import keeps_nobody_out

KEPT = CriterionResult("kept", 4.0, 4.0, "all right")
LOST = CriterionResult("lost", 1.0, 4.0, "wrong <b>\x1b[31mred\x00")
UNKNOWN = CriterionResult("not scored", None, 4.0, "no engine")
CRITERIA = ("modes", "groups")


def conclusion(case: Case, **marks: CriterionResult) -> Conclusion:
    everything: Mapping[str, CriterionResult] = {"modes": KEPT, "groups": KEPT} | marks
    return Conclusion(case, everything, 2.0)


def made(*concluded: Conclusion, faults: tuple[str, ...] = ()) -> ValidationReport:
    figures = tuple(accuracies(concluded, CRITERIA))
    environment = {"sandbox": "docker"}
    return ValidationReport("Homework", CRITERIA, concluded, figures, environment, 9.0, faults)


@pytest.fixture
def mixed() -> ValidationReport:
    """A mutant killed and one that survived, a variant that lost points and one not scored."""
    modes = frozenset({"modes"})
    return made(
        conclusion(Case("mutant", "killed", "eval() is dropped", modes), modes=LOST),
        conclusion(Case("mutant", "alive", "this is right", modes)),
        conclusion(Case("variant", "hurt", "a style"), groups=LOST),
        conclusion(Case("variant", "lost", "another style"), groups=UNKNOWN),
        faults=("sample x: expected 3, got 4",),
    )


@pytest.fixture
def samples(tmp_path: Path) -> tuple[SampleMarks, ...]:
    """One sample as expected, one with other points, and one that nobody expected."""
    marks = tmp_path / "expected.yaml"
    marks.write_text("ada: {about: a right one, points: {one: 5, two: null}}\n"
                     "bob: {about: a wrong one, points: {one: 5, two: 2.5}}\n", "utf-8")
    homework = rubric(criterion("one", 5), criterion("two", 5))
    waits = verdict("two", 0, "needs_marking")
    grades = [grade(homework, submission(name), [verdict("one"), waits])
              for name in ("eve", "bob", "ada")]  # fmt: skip
    return sample_marks(marks, grades)


def test_the_page_has_a_matrix_of_the_samples(samples: tuple[SampleMarks, ...]) -> None:
    page = validation_page(replace(made(), samples=samples))
    rows = [" ".join(re.sub("<[^>]+>", " ", row).split())
            for row in re.findall(r"(?s)<tr.*?</tr>", page)]  # fmt: skip
    assert rows[-4:] == [
        "name one two result",
        "ada a right one 5 to mark as expected",
        "bob a wrong one 5 to mark expected 2.5 unexpected",
        "eve not in expected.yaml 5 expected \N{EN DASH} to mark expected \N{EN DASH} unexpected",
    ]  # fmt: skip
    assert "1 of 3 samples get the expected points." in page
    assert "samples get" not in validation_page(made())


def test_the_json_has_the_samples(samples: tuple[SampleMarks, ...]) -> None:
    told = json.loads(as_json(replace(made(), samples=samples)))["samples"]
    assert [(one["name"], one["right"]) for one in told] == [
        ("ada", True), ("bob", False), ("eve", False),
    ]  # fmt: skip
    assert told[1]["marks"]["two"] == {"expected": 2.5, "got": None, "max": 5, "reason": "reason"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 390])
def test_nothing_keeps_anybody_out(
    page: Page, mixed: ValidationReport, samples: tuple[SampleMarks, ...], tmp_path: Path,
    scheme: str, width: int,
) -> None:
    many = tuple(f"criterion-{number}" for number in range(12))   # more than a phone is wide
    wide = [replace(one, marks=dict.fromkeys(many, LOST)) for one in mixed.concluded]
    report = replace(mixed, criteria=many, concluded=tuple(wide), samples=samples)
    file = tmp_path / "validation.html"
    file.write_text(validation_page(report), encoding="utf-8")
    keeps_nobody_out(page, file, scheme, width)


def validation_page(report: ValidationReport) -> str:
    return render_page(
        "validation.html.j2", report=report, sentences=sentences, interval=INTERVAL
    )


def test_the_json_has_every_mark_and_every_figure(mixed: ValidationReport) -> None:
    told = json.loads(as_json(mixed))
    assert told["outcome"] == "wrong"
    assert [case["words"] for case in told["cases"]] == [
        "killed exactly", "survived", "lost points", "not scored"
    ]  # fmt: skip
    modes = told["criteria"][0]
    assert (modes["sensitivity"]["right"], modes["sensitivity"]["of"]) == (1, 2)
    assert told["cases"][2]["marks"]["groups"]["points"] == 1


def test_the_xml_has_a_test_case_for_each_with_what_is_wrong(mixed: ValidationReport) -> None:
    root = ElementTree.fromstring(as_junit(mixed))
    assert root.tag == "testsuites"
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("5", "3", "1")
    for suite in root:   # what readers of JUnit's XML rely on
        cases = suite.findall("testcase")
        assert len(cases) == int(suite.get("tests", ""))
        assert len(suite.findall("testcase/failure")) == int(suite.get("failures", ""))
        assert len(suite.findall("testcase/error")) == int(suite.get("errors", ""))
        assert all(case.get("name") and case.get("classname") for case in cases)
        assert all(float(case.get("time", "x")) >= 0 for case in cases)
    alive = root.find(".//testcase[@name='alive']/failure")
    assert alive is not None
    assert alive.get("type") == "survived"
    assert alive.text == "this is right\nmodes: must be lost, got 4 of 4 (all right)"
    assert root.find(".//testcase[@name='killed']/*") is None
    assert root.find(".//testcase[@name='lost']/error") is not None


def test_the_page_shows_what_is_wrong_and_obeys_the_policy(mixed: ValidationReport) -> None:
    page = validation_page(mixed)
    assert "default-src 'none'" in page
    assert "<script" not in page
    assert "<b>" not in page   # a student's text is text
    assert page.count('class="mark wrong"') == 2
    assert 'href="feedback/mutant-alive.html"' in page
    assert "Failed</strong>" in page


def test_a_case_that_was_not_scored_makes_the_validation_not_scored() -> None:
    case = Case("variant", "lost", "a style")
    assert made(conclusion(case, groups=UNKNOWN)).outcome == "not scored"
    assert made(conclusion(case)).outcome == "right"
    assert made(conclusion(case), faults=("a sample",)).outcome == "wrong"
