"""The files that a validation writes: JSON, JUnit XML and a page."""

from __future__ import annotations

import json
from collections.abc import Mapping
from xml.etree import ElementTree

import pytest

from grader.reports.student.render import render_page
from grader.validation.outcomes import Case, Conclusion, CriterionResult, accuracies
from grader.validation.report import INTERVAL, ValidationReport, as_json, as_junit, sentences

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
    page = render_page(
        "validation.html.j2", report=mixed, sentences=sentences, interval=INTERVAL
    )
    assert "default-src 'none'" in page
    assert "<script" not in page
    assert "<b>" not in page   # a student's text is text
    assert page.count('class="mark wrong"') == 2
    assert 'href="feedback/mutant-alive.html"' in page
    assert "It is not." in page


def test_a_case_that_was_not_scored_makes_the_validation_not_scored() -> None:
    case = Case("variant", "lost", "a style")
    assert made(conclusion(case, groups=UNKNOWN)).outcome == "not scored"
    assert made(conclusion(case)).outcome == "right"
    assert made(conclusion(case), faults=("a sample",)).outcome == "wrong"
