"""Marks and plots with payloads in every field: files that are only read as what they are."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from xml.etree import ElementTree

from grader.checks.registry import parameter_models
from grader.records import ConfusionMatrix, Grade, LearningCurve
from grader.reports.grades_file import GradesWriter
from grader.reports.student.learning_curves import draw_rates
from grader.reports.student.mode_strips import draw_strip
from grader.reports.student.page import make_page
from grader.reports.student.plots import draw
from grader.rubric.load import load
from grader.rubric.model import Rubric
from tests.hostile.case import HERE
from tests.hostile.conftest import Record
from tests.reports.student.sample_grade import ATTACKS, NOW, hostile_grade

FORMULAS = (
    "=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "  =1", "\t=1", "\r=1", "\n=1", "\u3000=1",
    "\ufeff=1", "\u200d=1", "\x1b[1m=1", "\uff1d1", "\uff0b1", "\uff0d1", "\uff201",
    "a;=1", "a; =1", "a|=1", "a\t=1", "a\n=1", 'a";"=1', '"=1', "a\r\n=1", "a\u2028=1",
)  # fmt: skip
LABELS = (
    "$\\frac{1}{$", "$x^2$", "two\nlines", "x" * 10_000, "\u202e001", "\x1b[41mred\x00",
    "</text></svg><script>fetch('http://beacon/label')</script>",
    "<image href='http://beacon/image'/>", "]]><foreignObject/>", "&lt;&#60;", "", "{{ 7*7 }}",
)  # fmt: skip
SVG = {"svg", "g", "defs", "path", "use", "text", "clipPath", "rect"}


def written(grades: list[Grade], rubric: Rubric, folder: Path) -> None:
    marks = GradesWriter(rubric)
    for grade in grades:
        marks.add(grade)
    marks.write(folder)


def test_no_field_of_the_marks_is_a_formula_however_it_is_split(
    tmp_path: Path, record: Record
) -> None:
    rubric = load(HERE / "rubric.yaml", parameter_models)
    grades = [
        grade for text in FORMULAS
        for grade in (hostile_grade((text,) * 4), hostile_grade(("a note", text)))
    ]  # fmt: skip
    written(grades, rubric, tmp_path)
    with (tmp_path / "grades.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert len(rows) == 1 + len(grades)
    assert {len(row) for row in rows} == {len(rows[0])}
    lines = (tmp_path / "grades.csv").read_text(encoding="utf-8").splitlines()
    assert len(lines) == len(rows)
    fields = [field for row in rows for field in row]
    # In many countries a spreadpage splits at semicolons, and the quotes then hold nothing.
    fields += [field for line in lines for mark in ",;|\t" for field in line.split(mark)]
    begin = {re.sub(r'[\s"\u200c\u200d\ufeff]', "", field)[:1] for field in fields}
    assert not begin & set("=+-@\uff1d\uff0b\uff0d\uff20")
    record("feedback/grades.csv: formulas in names and notes")


def test_the_marks_are_json_in_ascii_and_keep_what_was_said(
    tmp_path: Path, record: Record
) -> None:
    rubric = load(HERE / "rubric.yaml", parameter_models)
    written([hostile_grade(ATTACKS + FORMULAS)], rubric, tmp_path)
    data = (tmp_path / "grades.json").read_bytes()
    assert data.isascii()
    assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", data)
    (submission,) = json.loads(data)["submissions"]
    kept = [text for text in ATTACKS + FORMULAS if text.isprintable()]
    assert len(kept) > 10
    assert set(kept) <= set(submission["notes"])
    assert set(kept) <= {fact["name"] for fact in submission["run"]["facts"]}
    assert set(kept) <= {caution["what"] for caution in submission["run"]["cautions"]}
    record("feedback/grades.json: every payload")


def test_a_picture_holds_shapes_and_texts_whatever_its_names_are(record: Record) -> None:
    for labels in (ATTACKS, LABELS):
        page = make_page(hostile_grade(labels), "Homework", NOW, None)
        curve, matrix = page.sections[0].pictures
        assert isinstance(curve, LearningCurve)
        assert isinstance(matrix, ConfusionMatrix)
        drawn = [svg for picture in (curve, matrix) for svg in draw(picture)]
        assert len(drawn) == 3
        assert page.run is not None
        assert page.run.rates is not None
        drawn = [*draw_rates(page.run.rates), *draw_strip(page.run.stretches), *drawn]
        assert len(drawn) > 1 + 3
        for svg in drawn:
            assert len(svg) < 500_000
            elements = list(ElementTree.fromstring(svg).iter())
            assert {element.tag for element in elements} <= SVG
            for name, value in (pair for element in elements for pair in element.items()):
                assert not name.startswith("on")
                assert name != "href" or value.startswith("#")
                assert "url(" not in value or value.startswith("url(#")
    shown = {element.text for element in ElementTree.fromstring(drawn[-1]).iter("text")}
    assert {"$x^2$", "two lines", "{{ 7*7 }}"} <= shown
    record("feedback/plots: names of any kind")
