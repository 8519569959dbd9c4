"""The examples of docs/own-checks.md work as printed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.checks.custom.homework import graded_by, write

DOC = Path(__file__).parents[3] / "docs" / "own-checks.md"
_BLOCK = re.compile(r"```(?:python|yaml)\n# (\S+)\n(.*?)```", re.DOTALL)


def files_of(section: str) -> dict[str, str]:
    """The files that a section shows, by the name in their first line."""
    text = DOC.read_text(encoding="utf-8")
    (body,) = re.findall(rf"^## {section}\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    return dict(_BLOCK.findall(body))


HOMEWORK = files_of("The homework of the examples")
SOLUTION = HOMEWORK["reference/homework.py"]
# What is broken in the solution, and what the student earns then.
WRONG = {
    "A pytest file": [
        ("dim=1, keepdim=True)\n\n", "dim=0, keepdim=True)\n\n", 3.0),
        ("width=8", "width=80", 5.0),
    ],
    "A Python file": [
        (".triu(1)", ".tril(-1)", 0.0),
        ("self.output(", "self.output(1 + ", 4.0),
        ("def build_model", "def make_model", 0.0),
    ],
}


@pytest.mark.parametrize("section", WRONG)
def test_the_examples_grade_right_and_wrong_work(section: str, tmp_path: Path) -> None:
    for name, text in (HOMEWORK | files_of(section)).items():
        write(tmp_path, name, text)
    versions = [("", "", None), *WRONG[section]]
    codes = [SOLUTION.replace(old, new) for old, new, _ in versions]
    assert len(set(codes)) == len(codes)
    grades = graded_by(tmp_path / "rubric.yaml", codes, tmp_path / "work")
    assert grades[0].score == grades[0].max, grades[0].criteria[0].verdict
    earned = [grade.score for grade in grades[1:]]
    assert earned == pytest.approx([score for _, _, score in WRONG[section]], abs=0.01)
