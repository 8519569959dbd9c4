"""The report of a validation, as JSON and as JUnit XML; `grader.reports` makes its page."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from grader.reports import junit_xml as junit
from grader.reports.junit_xml import TestCase
from grader.text import plain_line
from grader.validation.expected_marks import SampleMarks
from grader.validation.outcomes import Accuracy, CaseOutcome, Conclusion, CriterionResult, Rate

INTERVAL = "Wilson's score interval, 95 %"
_SUITES = {"reference": "reference", "starter": "starter", "mutant": "mutants",
           "variant": "variants"}


@dataclass(frozen=True)
class ValidationReport:
    """A whole validation.

    Attributes:
        title: Title of the rubric.
        criteria: Ids of the automatic criteria.
        concluded: All cases with their results.
        accuracies: Sensitivity and specificity of each criterion.
        environment: When, where and with which versions it was made, by name.
        seconds: Time that the validation took.
        faults: Other errors, a line each: samples with wrong marks, files that were not written.
        samples: The samples, with the points that were expected of them.
        left: Cases and samples that were not begun because the validation was stopped.
    """

    title: str
    criteria: tuple[str, ...]
    concluded: tuple[Conclusion, ...]
    accuracies: tuple[Accuracy, ...]
    environment: Mapping[str, str]
    seconds: float
    faults: tuple[str, ...] = ()
    samples: tuple[SampleMarks, ...] = ()
    left: int = 0

    def of(self, kind: str) -> list[Conclusion]:
        """Return the cases of one kind."""
        return [one for one in self.concluded if one.case.kind == kind]

    @property
    def wrong(self) -> list[Conclusion]:
        return [one for one in self.concluded if one.outcome == "wrong"]

    @property
    def outcome(self) -> CaseOutcome:
        if self.wrong or self.faults:
            return "wrong"
        lost = any(one.outcome == "not scored" for one in self.concluded)
        return "not scored" if lost else "right"


def sentences(one: Conclusion) -> list[str]:
    """Describe what is wrong with a case, a line for each criterion; [] if nothing is."""
    return [
        *(f"{name}: must be lost, {_points(one.marks[name])}" for name in one.survived),
        *(f"{name}: must be kept, {_points(one.marks[name])}" for name in one.lost_more),
        *(f"{name}: not scored, {one.marks[name].reason}" for name in one.not_scored),
    ]


def as_json(report: ValidationReport) -> str:
    """Return the content of `validation.json`."""
    document = {
        "rubric": report.title,
        "outcome": report.outcome,
        **report.environment,
        "seconds": round(report.seconds, 1),
        "interval": INTERVAL,
        "criteria": [
            {"id": one.criterion, "sensitivity": _rate(one.sensitivity),
             "specificity": _rate(one.specificity)}
            for one in report.accuracies
        ],
        "cases": [_case(one) for one in report.concluded],
        "samples": [_sample(one) for one in report.samples],
        "faults": [plain_line(fault, 1000) for fault in report.faults],
    }
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def as_junit(report: ValidationReport) -> str:
    """Return JUnit XML for CI systems: a suite for each kind, a test case for each case."""
    suites = [
        junit.suite(name, tuple(map(_test, cases)), sum(one.seconds for one in cases))
        for kind, name in _SUITES.items() if (cases := report.of(kind))
    ]
    if report.faults:
        text = "\n".join(plain_line(fault, 1000) for fault in report.faults)
        suites.append(
            junit.suite("others", (junit.case("others", "failure", "wrong", text, text),))
        )
    return junit.document(report.title, suites, report.seconds)


def _test(one: Conclusion) -> TestCase:
    if one.outcome == "right":
        return junit.case(one.case.name, seconds=one.seconds)
    lines = [plain_line(line, 1000) for line in (one.case.about, *sentences(one))]
    ending: junit.Ending = "failure" if one.outcome == "wrong" else "error"
    message = f"{one.words}: {'; '.join(lines)}"
    return junit.case(
        one.case.name, ending, one.words, message, "\n".join(lines), one.seconds
    )


def _case(one: Conclusion) -> dict[str, Any]:
    return {
        "kind": one.case.kind,
        "name": one.case.name,
        "about": one.case.about,
        "loses": sorted(one.case.loses),
        "outcome": one.outcome,
        "words": one.words,
        "survived": one.survived,
        "lost_more": one.lost_more,
        "not_scored": one.not_scored,
        "seconds": one.seconds,
        "marks": {name: {"fate": mark.fate, "points": mark.points, "max": mark.max,
                         "reason": plain_line(mark.reason, 1000)}
                  for name, mark in one.marks.items()},
    }


def _sample(one: SampleMarks) -> dict[str, Any]:
    return {
        "name": one.student,
        "about": one.about,
        "right": one.right,
        "marks": {name: {"expected": mark.expected, "got": mark.got, "max": mark.max,
                         "reason": plain_line(mark.reason, 1000)}
                  for name, mark in one.marks.items()},
    }


def _rate(rate: Rate) -> dict[str, Any]:
    if not rate.of:
        return {"right": 0, "of": 0}
    low, high = rate.interval
    return {"right": rate.right, "of": rate.of, "share": round(rate.share, 4),
            "low": round(low, 4), "high": round(high, 4)}


def _points(mark: CriterionResult) -> str:
    got = "needs manual grading" if mark.points is None else f"got {mark.points:g} of {mark.max:g}"
    return f"{got} ({mark.reason})"
