"""A metric of the instructor's own on a student's predictions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from grader.errors import RubricError
from tests.checks.custom.homework import graded_by, read, write

RUBRIC = """
title: Lines
reference: reference
total: 4
cap: 4
limits: {seconds: 10}
profiles:
  quick:
    data: {source: arrays, path: data.npz, validation: 10, hidden: {held_out: 40}}
    epochs: 1
    seconds: 10
    thresholds: [{accuracy: 1, share: 1}]
criteria:
  - id: error
    title: The line fits
    part: "1"
    points: 4
    check: metric
    file: scores.py
    metric: mean_squared_error
    function: fit_and_predict
    direction: lower
    thresholds: [{value: 0.1, share: 1}, {value: 1, share: 0.5}]
    again: {at_most: 2, within: 0.5}
"""
SCORES = """
import numpy as np

def mean_squared_error(predictions, targets):
    if predictions.shape != targets.shape:
        if predictions.ndim == 3:
            raise KeyError("a mistake of the instructor's")
        raise ValueError(f"their shape is {predictions.shape}, not {targets.shape}")
    return ((predictions - targets) ** 2).mean()
"""
RIGHT = """
import torch
def fit_and_predict(x, y, asked):
    one = torch.ones(len(x), 1)
    line = torch.linalg.lstsq(torch.cat([x, one], 1), y[:, None]).solution
    return (asked @ line[:1] + line[1])[:, 0]
"""
HALF = RIGHT.replace("return (", "return 0.8 + (")   # an error of 0.64, far from 0.1
CHANCE = RIGHT.replace("return (", "return 0.5 * (torch.initial_seed() == 0) + (")
COLUMN = RIGHT.replace("[:, 0]", "")
PAIRS = RIGHT.replace("[:, 0]", ".repeat(1, 2)")
CUBE = RIGHT.replace("[:, 0]", ".repeat(1, 2)[..., None]")
NONE = RIGHT.replace("return (", "return None if True else (")
NAN = RIGHT.replace("return (", "return float('nan') * (")


@pytest.fixture
def rubric(tmp_path: Path) -> Path:
    x = np.random.default_rng(0).normal(size=(200, 1))
    np.savez(tmp_path / "data.npz", x_train=x, y_train=2 * x[:, 0] + 1)
    write(tmp_path, "scores.py", SCORES)
    write(tmp_path, "reference/hw.py", RIGHT)
    return write(tmp_path, "rubric.yaml", RUBRIC)


def test_the_host_scores_what_the_students_function_predicts(rubric: Path, tmp_path: Path) -> None:
    codes = [RIGHT, HALF, CHANCE, PAIRS, NONE, NAN, CUBE, COLUMN]
    grades = graded_by(rubric, codes, tmp_path / "work")
    verdicts = [grade.criteria[0].verdict for grade in grades]
    assert [grade.score for grade in grades] == [4, 2, 4, 0, 0, 0, 0, 4], verdicts
    reasons = [verdict.reason for verdict in verdicts]
    assert "on 40 hidden examples." in reasons[0]
    assert "Mean squared error 0.64" in reasons[1] and "threshold is 0.1 or less" in reasons[1]
    assert "trained again: 0.25" in reasons[2] and len(verdicts[2].tables[0].rows) == 2
    assert "their shape is (40, 2), not (40,)" in reasons[3]
    assert verdicts[3].status == "needs_marking"   # it may be the function's own mistake
    assert verdicts[6].status == "not_scored" and "raised KeyError" in reasons[6]
    assert "returned a NoneType" in reasons[4] and "NaN" in reasons[5]


def test_thresholds_are_ordered_from_the_best(rubric: Path) -> None:
    text = rubric.read_text().replace("direction: lower", "direction: higher")
    rubric.write_text(text)
    with pytest.raises(RubricError, match="order them from the best value and share"):
        read(rubric)
