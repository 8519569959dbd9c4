"""Tests of gradient and train. Students read each test's docstring."""

import numpy as np
import pytest


def loss(weights, x, labels):
    scores = x @ weights
    logs = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
    return -logs[np.arange(len(labels)), labels].mean()


def by_differences(weights, x, labels, step=1e-5):
    found = np.zeros_like(weights)
    for place in np.ndindex(weights.shape):
        more, less = weights.copy(), weights.copy()
        more[place] += step
        less[place] -= step
        found[place] = (loss(more, x, labels) - loss(less, x, labels)) / (2 * step)
    return found


def drawn(seed):
    random = np.random.default_rng(seed)
    return random.normal(size=(4, 3)), random.normal(size=(8, 4)), random.integers(0, 3, size=8)


@pytest.mark.points(3)
def test_gradient(student):
    """The gradient agrees with finite differences of the loss."""
    for seed in (1, 2):
        weights, x, labels = drawn(seed)
        found = student.call("gradient", weights, x, labels)
        assert found == pytest.approx(by_differences(weights, x, labels), abs=1e-5)


@pytest.mark.points(2)
def test_train(student):
    """Two clouds of points are told apart after 200 steps."""
    random = np.random.default_rng(0)
    x = np.concatenate([random.normal(-2, 1, size=(50, 2)), random.normal(2, 1, size=(50, 2))])
    labels = np.repeat([0, 1], 50)
    weights = student.call("train", x, labels, 2, 200, 0.1)
    right = ((x @ weights).argmax(axis=1) == labels).mean()
    assert right >= 0.95, f"{right:.0%} of the points get their label"
