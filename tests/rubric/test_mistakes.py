"""Each mistake in a rubric is told once, with its line, in words for an instructor."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from grader.checks.registry import parameter_models
from grader.errors import RubricError
from grader.rubric.load import load

SMALL = """\
title: Homework
reference: reference
total: 5
cap: 5
late: {due: 2026-11-30 23:59, zone: America/New_York}
profiles:
  quick:
    data: {source: digits}
    epochs: 1
    seconds: 10
    thresholds:
      - {accuracy: 0.9, share: 1.0}
criteria:
  - id: first
    title: The first
    part: 1(a)
    points: 2
    check: written
    answer: a
  - id: second
    title: The second
    part: 1(b)
    points: 3
    check: pytest
    file: test_it.py
"""
# What belongs to pydantic, Python or this program, and not to an instructor's words.
JARGON = re.compile(
    r"PosixPath|Tuple|tuple|\bdict|Params|Input should|Field required|validation|\[type=|None\b|"
    r"NoneType|'\{|\{'|Commented|instance|str\b|parse|pydantic|object at|Error\b|function|"
    r"ScalarFloat|params"
)


def told(tmp_path: Path, text: str) -> list[str]:
    """The messages without the file's name."""
    path = tmp_path / "rubric.yaml"
    path.write_text(text, encoding="utf-8")
    (tmp_path / "test_it.py").touch()
    with pytest.raises(RubricError) as caught:
        load(path, parameter_models)
    return [line.removeprefix(f"{path}:") for line in str(caught.value).splitlines()]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"    part: 1(a)\n": "", "    part: 1(b)\n": ""},
         ["14: criteria.0.part: this key is missing", "19: criteria.1.part: this key is missing"]),
        ({"    part: 1(a)\n": ""}, ["14: criteria.0.part: this key is missing"]),
        ({"points: 2": "points: two", "points: 3": "points: 0"},
         ["17: criteria.0.points: expected a number, found 'two'",
          "23: criteria.1.points: expected a number above 0, found 0"]),
        ({"    answer: a\n": "", "    file: test_it.py": "    file: 3"},
         ["14: criteria.0.answer: this key is missing",
          "24: criteria.1.file: expected the path of a file, found 3"]),
        ({"test_it.py": "test_that.py", "id: first": "id: First"},
         ["14: criteria.0.id: expected small letters, digits and '-', such as 'layer-counts', "
          "found 'First'", "25: criteria.1.file: there is no file "]),
        ({"check: written": "check: writen", "points: 3": "points: true story"},
         ["18: there is no check 'writen'; did you mean 'written'?",
          "23: criteria.1.points: expected a number, found 'true story'"]),
        ({"    check: written\n": ""}, ["14: criteria.0.check: this key is missing"]),
        ({"    check: written": "    chek: written"},
         ["18: criteria.0.chek: this key is not known; did you mean 'check'?",
          "14: criteria.0.check: this key is missing"]),
        ({"reference: reference": "reference: reference\nchecks: 3"},
         ["3: checks: expected the path of a file, or a list, found 3"]),
        ({"reference: reference": "reference: reference\nchecks: [3]"},
         ["3: checks.0: expected the path of a file, found 3"]),
        ({"reference: reference": "reference: [a]"},
         ["2: reference: expected the path of a file, found a list"]),
        ({"2026-11-30 23:59": "soon"},
         ["5: late.due: expected a date and a time, such as 2026-11-30 23:59, found 'soon'"]),
        ({"zone: America": "extensions: [{student: ada, days: x}], zone: America"},
         ["5: late.extensions.0.days: expected a number, found 'x'"]),
        ({"zone: America": "extensions: [{}], zone: America"},
         ["5: late.extensions.0.student: this key is missing"]),
        ({"zone: America": "extensions: {a: b}, zone: America"},
         ["5: late.extensions: expected the path of a file, found keys and values"]),
        ({"cap: 5": "cap: 5\ngroups: {x: ada}"},
         ["5: groups.x: expected a list, found 'ada'"]),
        ({"cap: 5": "cap: 5\nlimits: {pids: 3.5, cpus: false story}"},
         ["5: limits.cpus: expected a number, found 'false story'",
          "5: limits.pids: expected a whole number, found 3.5"]),
        ({"cap: 5": "cap:"}, ["4: cap: expected a number, found nothing"]),
        ({"title: Homework": "title: [1]"}, ["1: title: expected text, found a list"]),
        ({"{accuracy: 0.9, share: 1.0}": "0.9"},
         ["12: profiles.quick.thresholds.0: expected keys and values, found 0.9"]),
        ({"{accuracy: 0.9, share: 1.0}": "{accuracy: 90, share: 1.0}"},
         ["12: profiles.quick.thresholds.0.accuracy: expected 1 or less, found 90"]),
        ({"source: digits": "source: [digits]"},
         ["8: profiles.quick.data.source: expected 'none', 'shapes', 'digits', 'cifar10', "
          "'imagefolder', 'arrays' or 'loader', found a list"]),
        ({SMALL[SMALL.index("criteria:"):]: "criteria: []\n"},
         ["13: criteria: expected a list of 1 or more, found an empty list"]),
        ({SMALL[SMALL.index("criteria:"):]: "criteria:\n"},
         ["13: criteria: expected a list, found nothing"]),
        ({SMALL[SMALL.index("criteria:"):]: ""}, ["1: criteria: this key is missing"]),
        ({SMALL[SMALL.index("criteria:"):]: "criteria: {a: b}\n"},
         ["13: criteria: expected a list, found keys and values"]),
        ({"total: 5": "total: 6"}, ["3: total: the criteria add up to 5 points, 'total' is 6"]),
    ],
)  # fmt: skip
def test_each_mistake_is_told_once_and_in_words(
    changes: dict[str, str], expected: list[str], tmp_path: Path
) -> None:
    text = SMALL
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new, 1)
    found = told(tmp_path, text)
    assert len(found) == len(expected), found
    for line, wanted in zip(sorted(found), sorted(expected), strict=True):
        assert line.startswith(wanted), found
    assert not JARGON.search("\n".join(found)), found


def test_the_small_rubric_itself_is_right(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").touch()
    (tmp_path / "rubric.yaml").write_text(SMALL, encoding="utf-8")
    assert load(tmp_path / "rubric.yaml", parameter_models).total == 5
