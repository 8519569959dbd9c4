"""JUnit XML, which every CI reads, by the schema of the Jenkins xUnit plugin (`junit-10.xsd`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from grader.text import plain, plain_line

Ending = Literal["passed", "failure", "error", "skipped"]


@dataclass(frozen=True)
class TestCase:
    """`word` and `message` say in short how it ended, `text` at length."""

    name: str
    ending: Ending = "passed"
    word: str = ""
    message: str = ""
    text: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Suite:
    name: str
    cases: tuple[TestCase, ...]
    seconds: float = 0.0


def junit_xml(title: str, suites: Iterable[Suite], seconds: float = 0.0) -> str:
    """The document; whatever stands in a text is made harmless."""
    root = Element("testsuites", name=plain_line(title), time=f"{seconds:.1f}")
    every = list(suites)
    counts = _counts([case for suite in every for case in suite.cases])
    root.attrib |= {name: counts[name] for name in ("tests", "failures", "errors")}   # no more
    for suite in every:
        name = plain_line(suite.name)
        element = SubElement(root, "testsuite", name=name, time=f"{suite.seconds:.1f}")
        element.attrib |= _counts(suite.cases)
        for case in suite.cases:
            _put(element, name, case)
    indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{tostring(root, encoding="unicode")}\n'


def _counts(cases: Iterable[TestCase]) -> Mapping[str, str]:
    endings = [case.ending for case in cases]
    counts = {"tests": len(endings), "failures": endings.count("failure"),
              "errors": endings.count("error"), "skipped": endings.count("skipped")}
    return {name: str(count) for name, count in counts.items()}


def _put(suite: Element, name: str, case: TestCase) -> None:
    element = SubElement(suite, "testcase", classname=name, name=plain_line(case.name),
                         time=f"{case.seconds:.1f}")
    if case.ending == "passed":
        return
    told = SubElement(element, case.ending, message=plain_line(case.message, 300))
    if case.ending != "skipped":
        told.set("type", case.word)
    told.text = plain(case.text, 20_000)
