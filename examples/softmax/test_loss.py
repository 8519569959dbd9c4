"""Tests of softmax and cross_entropy. Students read each test's docstring."""

import numpy as np
import pytest


def drawn(batch, classes):
    return np.random.default_rng(batch).normal(size=(batch, classes))


@pytest.mark.points(1)
def test_softmax(student):
    """Each row of softmax(scores) is exp(scores) divided by its sum."""
    scores = drawn(5, 3)
    powers = np.exp(scores)
    wanted = powers / powers.sum(axis=1, keepdims=True)
    assert student.call("softmax", scores) == pytest.approx(wanted, abs=1e-6)


@pytest.mark.points(1)
def test_large_scores(student):
    """Scores of 1,000 give numbers, not nan."""
    found = student.call("softmax", np.array([[1000.0, 1000.0], [-1000.0, 0.0]]))
    assert found == pytest.approx(np.array([[0.5, 0.5], [0.0, 1.0]]), abs=1e-6)


@pytest.mark.points(1)
def test_cross_entropy(student):
    """The loss of equal scores is the log of the number of classes."""
    found = student.call("cross_entropy", np.zeros((4, 10)), np.array([0, 3, 3, 9]))
    assert found == pytest.approx(np.log(10), abs=1e-6)


@pytest.mark.points(1)
@pytest.mark.hidden
def test_cross_entropy_of_large_scores(student):
    """The loss is finite where a probability is zero in floating point."""
    found = student.call("cross_entropy", np.array([[0.0, 2000.0]]), np.array([0]))
    assert found == pytest.approx(2000.0, rel=1e-6)
