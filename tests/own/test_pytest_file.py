"""A pytest file of the instructor's: what its tests ask, what they earn, what they tell."""

from __future__ import annotations

from pathlib import Path

import pytest

from .homework import graded, rubric_in, write

TESTS = '''
import numpy as np
import pytest

@pytest.mark.points(3)
def test_rows(student):
    "Each row of softmax adds up to one."
    rows = student.call("softmax", student.tensor(np.arange(6.0).reshape(2, 3)))
    assert rows.sum(axis=1) == pytest.approx(1), "rows must add up to one"

@pytest.mark.hidden
def test_secret_large_numbers(student):
    "Large numbers don't overflow."
    rows = student.call("softmax", student.tensor(np.full((1, 3), 12345.0)))
    assert rows == pytest.approx(1 / 3), "subtract the maximum 12345"
'''
RIGHT = """
def softmax(x):
    return x.softmax(1)
"""
WRONG = """
def softmax(x):
    return x.exp() / x.exp().sum(0)
"""


@pytest.fixture
def rubric(tmp_path: Path) -> Path:
    write(tmp_path, "test_hw.py", TESTS)
    write(tmp_path, "reference/hw.py", RIGHT)
    return rubric_in(tmp_path, criterion="check: pytest\nfile: test_hw.py")


def test_tests_share_the_points_by_their_markers(rubric: Path, tmp_path: Path) -> None:
    right = graded(rubric, RIGHT, tmp_path / "right")
    assert right.score == 4, right.criteria[0].verdict
    wrong = graded(rubric, WRONG, tmp_path / "wrong").criteria[0].verdict
    print(wrong)
    assert wrong.status == "failed"
