"""grades.json and grades.csv: complete, valid whatever a student wrote, and harmless to open."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from grader.records import CriterionGrade, Grade, Table, Verdict
from grader.reports.grades_file import GradesWriter, json_safe
from grader.text import neutral
from tests.factories import criterion, rubric, submission
from tests.reports.student.sample_grade import RUN


class Secret(BaseModel):
    threshold: float = 0.123


RUBRIC = rubric(
    criterion("counts", 3, title="Counts", part="1(c)", params=Secret()),
    criterion("groups", 5, title="Groups", part="1(e)", params=Secret(), visibility="hidden"),
    title="Homework 2", cap=8, reference=Path("somewhere/private"),
)  # fmt: skip


def grade(student: str = "ada", notes: tuple[str, ...] = (), **seen: Any) -> Grade:
    table = Table("Groups", ("truth", "biases"), (("biases", "1,000"),))
    criteria = (
        CriterionGrade(
            Verdict("counts", "partial", 0.1, "Some.", ("A hint.",), tables=(table,), seen=seen),
            "Counts", "1(c)", "visible", 3, 0.1 + 0.2,
        ),
        CriterionGrade(
            Verdict("groups", "needs_marking", 0, "Wait."), "Groups", "1(e)", "hidden", 5, None
        ),
    )  # fmt: skip
    return Grade(student, submission(student), criteria, 0.3, 8, notes=notes, seconds=1.23456)


def write(path: Path, *grades: Grade) -> None:
    marks = GradesWriter(RUBRIC)
    for one in grades:
        marks.add(one)
    marks.write(path)


def written_json(path: Path, *grades: Grade) -> Any:
    write(path, *grades)

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    return json.loads((path / "grades.json").read_text("utf-8"), parse_constant=refuse)


def written_csv(path: Path, *grades: Grade) -> list[dict[str, str]]:
    write(path, *grades)
    with (path / "grades.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_json_has_every_criterion_with_its_evidence(tmp_path: Path) -> None:
    document = written_json(tmp_path, grade(total=11689512))
    assert document["rubric"]["cap"] == 8
    assert [one["id"] for one in document["rubric"]["criteria"]] == ["counts", "groups"]
    (submission,) = document["submissions"]
    assert submission | {"criteria": None} == {
        "student": "ada", "score": 0.3, "max": 8, "state": "needs_marking", "late_penalty": 0,
        "seconds": 1.235, "notes": [], "remarks": [], "criteria": None,
        "submitted_at": None, "attempt": 1, "attempts": 1, "group": [],
        "run": None,
    }  # fmt: skip
    assert submission["criteria"][0] == {
        "id": "counts", "points": 0.3, "max": 3, "status": "partial", "attempted": True,
        "reason": "Some.", "hints": ["A hint."],
        "evidence": {
            "total": 11689512,
            "tables": [
                {"title": "Groups", "columns": ["truth", "biases"], "rows": [["biases", "1,000"]]}
            ],
        },
    }  # fmt: skip
    assert submission["criteria"][1]["points"] is None


def test_the_json_has_the_facts_and_cautions_of_the_run_and_not_its_pictures(
    tmp_path: Path,
) -> None:
    ada = grade()
    first, second = ada.criteria
    hidden = replace(second, verdict=replace(second.verdict, run=RUN))   # the instructor's file
    ada = replace(ada, criteria=(first, hidden))
    document = written_json(tmp_path, ada)
    run = document["submissions"][0]["run"]
    assert set(run) == {"facts", "cautions"}
    assert run["facts"][0] == {"name": "Network", "text": "ResNet, 78,042 parameters"}
    assert len(run["cautions"]) == 3
    assert run["cautions"][2] == {
        "what": "The training loader does not shuffle.",
        "where": "ada_hw2.py, line 23",
        "why": RUN.cautions[2].why,
    }
    assert RUN.figures[0].png not in json.dumps(document)


def test_the_json_tells_neither_paths_nor_what_a_check_expects(tmp_path: Path) -> None:
    text = json.dumps(written_json(tmp_path, grade()))
    assert "private" not in text
    assert "0.123" not in text


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), np.float32("nan")])
def test_a_number_that_json_lacks_becomes_a_string(tmp_path: Path, value: float) -> None:
    document = written_json(tmp_path, grade(loss=[value]))
    (told,) = document["submissions"][0]["criteria"][0]["evidence"]["loss"]
    assert told in ("nan", "inf", "-inf")


def test_evidence_of_any_kind_can_be_written_down() -> None:
    nested: list[Any] = []
    for _ in range(5000):
        nested = [nested]
    odd = {
        "array": np.arange(3), "scalar": np.int64(7), "set": {2, 1}, "bytes": b"abc", 5: None,
        "huge": 10**5000, "path": Path("a"), "nested": nested, "half": "\ud800", "flag": True,
    }  # fmt: skip
    safe = json_safe(odd)
    json.dumps(safe, allow_nan=False).encode("utf-8")
    assert safe["array"] == [0, 1, 2]
    assert safe["scalar"] == 7
    assert safe["set"] == [1, 2]
    assert safe["bytes"] == "3 bytes"
    assert safe["huge"] == "an integer of 16610 bits"
    assert safe["flag"] is True
    assert safe["half"] == "?"


def test_students_come_in_the_same_order_whatever_order_they_were_graded_in(tmp_path: Path) -> None:
    one, two = grade("ada"), grade("zoe")
    assert written_json(tmp_path, one, two) == written_json(tmp_path, two, one)
    assert [row["student"] for row in written_csv(tmp_path, two, one)] == ["ada", "zoe"]


def test_the_csv_has_a_column_per_criterion_that_is_blank_until_points_are_known(
    tmp_path: Path,
) -> None:
    (row,) = written_csv(tmp_path, grade(notes=("One.", "Zoë, two\nlines.")))
    assert row == {
        "student": "ada", "score": "", "max": "8", "state": "needs_marking", "counts": "0.3",
        "groups": "", "notes": "One.; Zoë, two lines.",
        "missing": "1(e): needs manual grading",
    }  # fmt: skip


def test_a_score_is_blank_until_it_is_final_and_a_column_says_why(tmp_path: Path) -> None:
    counts, groups = grade().criteria
    lost = replace(counts, verdict=Verdict("counts", "not_scored", 0, "Ours."), points=None)
    given = replace(groups, verdict=Verdict("groups", "failed", 0, "No."), points=0)
    cases = {"all": (counts, given), "lost": (lost, groups), "part": (counts, groups)}
    grades = [replace(grade(name), criteria=rows) for name, rows in cases.items()]
    found = {row["student"]: (row["score"], row["missing"])
             for row in written_csv(tmp_path, *grades)}
    assert found == {
        "all": ("0.3", ""),
        "lost": ("", "1(c): not scored yet; run again; 1(e): needs manual grading"),
        "part": ("", "1(e): needs manual grading"),
    }


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@A1", "\t=1", "\r=1", "\n=1", " =1", "\ufeff=1", "\x00=1", "\uff1d1",
     "\u200d=1", "a;=1", "a; \t=1", 'a;"=1', "a|=1", "a\n=1", "a;\n\u3000\uff0b1"],
)
def test_no_field_of_a_student_starts_a_formula(tmp_path: Path, text: str) -> None:
    """However the file is split: in many countries at semicolons, whatever quotes say."""
    write(tmp_path, grade(text, notes=(text, text)))
    lines = (tmp_path / "grades.csv").read_text(encoding="utf-8").split("\n")
    for separator in ",;|\t":
        for field in (field for line in lines for field in line.split(separator)):
            assert field.strip(" \"\u3000\u200d")[:1] not in tuple("=+-@\uff1d\uff0b")


@given(st.text(st.sampled_from("=+-@;|\"' \t\n\r\u200d\uff1dab,")))
def test_no_text_at_all_starts_a_formula_wherever_it_is_split(text: str) -> None:
    for field in re.split("[;|]", neutral(text)):
        assert field.strip("\"\u200d ")[:1] not in tuple("=+-@\uff1d")


def test_a_field_that_is_no_formula_stays_as_it_is() -> None:
    assert neutral("o'hara-smith") == "o'hara-smith"


def test_a_failure_leaves_the_old_file_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, grade())
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def no_space(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", no_space)
    with pytest.raises(OSError, match="No space"):
        write(tmp_path, replace(grade(), score=8))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert set(before) == {"grades.json", "grades.csv"}
