"""A Python file of the instructor's, named in the rubric: its checks, its probes, its mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest

from .homework import graded, rubric_in, write

CHECKS = """
from grader.own import Check, Model, Verdict, answer, expected, graded, probe, tensor
import numpy as np

@probe
def shifted(student, numbers, by):
    import torch
    assert isinstance(numbers, torch.Tensor)
    return {"by": by, "rows": student.call("shift", numbers, by=by)}

class Params(Model):
    by: int = 1

def ask(criterion, exam, limits):
    numbers = exam.draw("shift").normal(size=(3, 4)).astype("f4")
    return (shifted.question("shift", limits.seconds, numbers=tensor(numbers),
                             by=criterion.params.by),)

def judge(criterion, work, key):
    mine, wanted = answer(work, "shift")["rows"], expected(key, "shift")["rows"]
    right = mine.shape == wanted.shape and np.allclose(mine, wanted)
    return graded(criterion, 1.0 if right else 0.0, "Right." if right else "Not shifted.")

CHECK = Check("shift", Params, ask, judge, needs_gold=True)
"""
RIGHT = """
def shift(x, by):
    return x.roll(by, dims=1)
"""


@pytest.fixture
def rubric(tmp_path: Path) -> Path:
    write(tmp_path, "checks.py", CHECKS)
    write(tmp_path, "reference/hw.py", RIGHT)
    return rubric_in(tmp_path, files="checks: checks.py", criterion="check: shift\nby: 2")


def test_right_and_wrong_work_are_told_apart_by_the_references_answer(
    rubric: Path, tmp_path: Path
) -> None:
    right = graded(rubric, RIGHT, tmp_path / "right")
    assert right.score == 4, right.criteria[0].verdict
    wrong = graded(rubric, RIGHT.replace("by, d", "-by + 1, d"), tmp_path / "wrong")
    assert (wrong.score, wrong.criteria[0].verdict.reason) == (0, "Not shifted.")
