"""JUnit XML, which every CI system reads, written by junitparser.

The documents are valid under the schema of the Jenkins xUnit plug-in (`junit-10.xsd`). Every text
is cleaned on its way in.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal
from xml.etree import ElementTree

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from grader.text import plain, plain_line

__all__ = ["Ending", "TestCase", "TestSuite", "case", "document", "suite"]

Ending = Literal["passed", "failure", "error", "skipped"]

_LONGEST_MESSAGE, _LONGEST_TEXT = 300, 20_000   # characters


def case(
    name: str, ending: Ending = "passed", kind: str = "", message: str = "", text: str = "",
    seconds: float = 0.0,
) -> TestCase:
    """One test case.

    Args:
        kind: the `type` of a failure or an error.
        message: the result in one line; `text` gives it in full.
    """
    made = TestCase(plain_line(name), time=round(seconds, 1))
    message = plain_line(message, _LONGEST_MESSAGE)
    if ending != "passed":
        result = {"failure": Failure, "error": Error, "skipped": Skipped}[ending](message)
        if ending != "skipped":
            result.type = kind
        result.text = plain(text, _LONGEST_TEXT)
        made.result = [result]
    return made


def suite(name: str, cases: Iterable[TestCase], seconds: float = 0.0) -> TestSuite:
    """A suite of test cases. Their class is called like the suite."""
    made = TestSuite(plain_line(name))
    for one in cases:
        one.classname = made.name
        made.append(one)
    made.update_statistics()
    made.time = round(seconds, 1)
    return made


def document(title: str, suites: Iterable[TestSuite], seconds: float = 0.0) -> str:
    """The XML of all suites."""
    root = JUnitXml(plain_line(title))
    root.extend(every := list(suites))
    # `update_statistics` would count skipped cases too, and the schema has no attribute for those.
    root.tests = sum(one.tests for one in every)
    root.failures = sum(one.failures for one in every)
    root.errors = sum(one.errors for one in every)
    root.time = round(seconds, 1)
    ElementTree.indent(root._elem)   # junitparser has no public way to its element
    return f"{root.tostring().decode()}\n"
