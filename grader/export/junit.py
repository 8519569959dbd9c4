"""Grades as JUnit XML, which every CI reads: a suite per student, a case per criterion.

After the schema of the Jenkins xUnit plugin (`junit-10.xsd`). Full points pass, fewer fail, what
waits for a person is skipped, and what could not be scored is an error.
"""

from __future__ import annotations

from xml.etree import ElementTree

from grader.export.saved import Saved, SavedGrade, SavedRow
from grader.plaintext import plain, plain_line

_OUTCOME = {"needs_marking": "skipped", "not_scored": "error"}


def junit_xml(saved: Saved) -> str:
    """For the instructor's own CI: hidden criteria are in it."""
    root = ElementTree.Element("testsuites", name=plain_line(saved.rubric.title))
    for grade in saved.submissions:
        root.append(_suite(saved, grade))
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _suite(saved: Saved, grade: SavedGrade) -> ElementTree.Element:
    outcomes = [_outcome(row) for row in grade.criteria]
    suite = ElementTree.Element(
        "testsuite",
        name=plain_line(grade.student),
        tests=str(len(outcomes)),
        failures=str(outcomes.count("failure")),
        errors=str(outcomes.count("error")),
        skipped=str(outcomes.count("skipped")),
        time=f"{grade.seconds:.1f}",
    )
    for row, outcome in zip(grade.criteria, outcomes, strict=True):
        case = ElementTree.SubElement(
            suite, "testcase", name=row.id, classname=plain_line(grade.student), time="0"
        )
        if outcome is not None:
            told = ElementTree.SubElement(case, outcome, message=_points(row))
            if outcome != "skipped":
                told.set("type", row.status)
            told.text = plain(f"{saved.by_id[row.id].title}\n{row.reason}")
    return suite


def _outcome(row: SavedRow) -> str | None:
    if row.points is None:
        return _OUTCOME[row.status]
    return None if row.points >= row.max else "failure"


def _points(row: SavedRow) -> str:
    return f"{'waiting' if row.points is None else f'{row.points:g}'} of {row.max:g} points"
