"""Tests of BatchNorm2d. Students read each test's docstring."""

import numpy as np
import pytest

X = np.random.default_rng(0).normal(3, 2, (6, 4, 5, 5)).astype(np.float32)
MEAN, VAR = X.mean((0, 2, 3)), X.var((0, 2, 3))


def normalised(mean, var):
    return pytest.approx((X - mean[:, None, None]) / np.sqrt(var[:, None, None] + 1e-5), abs=1e-3)


def test_training(student):
    "In training it normalises each channel by the batch's own mean and variance."
    assert student.new("BatchNorm2d", 4)(X) == normalised(MEAN, VAR), "not normalised"


def test_running_statistics(student):
    "Running statistics move by the momentum, 0.1; their variance is the unbiased one."
    layer = student.new("BatchNorm2d", 4)
    layer(X)
    assert layer.running_mean == pytest.approx(0.1 * MEAN, abs=1e-3), "the mean"
    assert layer.running_var == pytest.approx(0.9 + 0.1 * VAR * 150 / 149, abs=1e-3), "the variance"


def test_evaluation(student):
    "In evaluation mode it uses the running statistics."
    y = student.new("BatchNorm2d", 4).eval()(X)
    assert y == normalised(np.zeros(4), np.ones(4)), "a new layer's are 0 and 1"


@pytest.mark.hidden
@pytest.mark.points(2)
def test_gradients(student):
    "Weight and bias are parameters, and gradients flow through the batch's statistics."
    layer = student.new("BatchNorm2d", 4)
    layer(X)
    assert layer.backward(np.ones_like(X)) == pytest.approx(0, abs=1e-3)
    assert layer.gradients()["bias"] == pytest.approx(150)
