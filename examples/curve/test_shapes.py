"""Tests of build_model. Students read each test's docstring."""

import numpy as np
import pytest

from grader.checks.custom.api import probe, tensor


@probe
def shape_of_output(student, x):
    network = student.call("build_model", 8)
    return list(student.call(network, x).shape)


@pytest.mark.points(2)
def test_shape(student):
    """The network gives one number for each number."""
    x = np.linspace(-1, 1, 5, dtype=np.float32).reshape(5, 1)
    assert student.ask(shape_of_output, x=tensor(x)) == [5, 1]


@pytest.mark.points(1)
def test_layers(student):
    """With 8 hidden units it has 25 parameters: two layers with biases."""
    parameters = student.parameters("build_model", 8)
    assert sum(one.elements for one in parameters.values()) == 25


@pytest.mark.points(1)
@pytest.mark.hidden
def test_another_width(student):
    """The hidden layer has the requested width."""
    parameters = student.parameters("build_model", 13)
    assert sum(one.elements for one in parameters.values()) == 40
