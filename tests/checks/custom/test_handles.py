"""A handle of an object of the student's: `student.new` in an instructor's tests."""

from __future__ import annotations

from pathlib import Path

from tests.checks.custom.homework import examined, found, graded, rubric_in, write

LAYERS = """
import numpy as np
import torch
from torch import nn

class BatchNorm2d(nn.Module):
    def __init__(self, features, momentum=0.1):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(features))
        self.bias = nn.Parameter(torch.zeros(features))
        self.register_buffer("running_mean", torch.zeros(features))
        self.momentum = momentum

    def forward(self, x):
        mean = self.running_mean
        if self.training:
            mean = x.mean((0, 2, 3))
            with torch.no_grad():
                self.running_mean += self.momentum * (mean - self.running_mean)
        x -= mean[:, None, None]
        return x * self.weight[:, None, None] + self.bias[:, None, None]

class Scale:
    "By hand, with numpy alone."
    def __init__(self, by):
        self.by, self.cache = by, None
    def __call__(self, x):
        self.cache = x
        return x * self.by, self
    def backward(self, dy):
        self.dby = (self.cache * dy).sum()
        return self.by * dy
    @property
    def broken(self): return 1 / 0

class Counted(nn.Module):
    def forward(self, x): return torch.from_numpy(np.cumsum(x.numpy(), axis=0))

def build_model(hidden): return nn.Sequential(nn.Linear(2, hidden), nn.Linear(hidden, 1))
def count(layers): return sum(isinstance(layer, nn.Module) for layer in layers)
def nothing(): return [1.0, 2.0]
"""
ASKS = '''
import numpy as np
import pytest
from grader.own import StudentError

X = np.arange(32, dtype=np.float32).reshape(2, 4, 2, 2)

def test_a_network(student):
    layer = student.new("BatchNorm2d", 4, momentum=0.5)
    assert layer.momentum == 0.5 and layer.training is True
    y = layer(X)
    assert y.mean((0, 2, 3)) == pytest.approx(0) and y.shape == X.shape
    assert layer.running_mean == pytest.approx(X.mean((0, 2, 3)) / 2)
    assert layer.eval() == layer and layer.training is False
    assert layer(X) == pytest.approx(X - layer.running_mean[:, None, None])
    assert layer.train().training is True
    assert repr(layer) == "<the student's BatchNorm2d>"

def test_gradients(student):
    layer = student.new("BatchNorm2d", 4)
    layer.weight = np.full(4, 2)
    y = layer.eval()(X)
    dx = layer.backward(np.ones_like(X))
    assert dx == pytest.approx(2) and dx.shape == X.shape
    assert layer.gradients()["bias"] == pytest.approx(8)
    shapes = {name: value.shape for name, value in layer.parameters().items()}
    assert shapes == {"weight": (4,), "bias": (4,)} and layer.weight.tolist() == [2, 2, 2, 2]
    assert student.parameters(layer)["weight"].trainable

def test_numpy_by_hand(student):
    scale = student.new("Scale", 3.0)
    assert scale.cache is None
    y, again = scale(X)
    assert again == scale and (y == 3 * X).all()
    assert scale.backward(X).tolist() == (3 * X).tolist() and scale.dby == (X * X).sum()
    scale.by = 4.0
    assert scale(X)[0].max() == 4 * X.max()

def test_several_objects(student):
    net, layer = student.new("build_model", 3), student.new("BatchNorm2d", 2)
    assert net[1].weight.shape == (1, 3)
    assert student.call("count", [net, layer, 1]) == 2

def test_a_network_that_leaves_torch(student):
    assert student.new("Counted")(np.ones((3, 1)))[-1] == 3

def test_attributes_that_are_not_there(student):
    layer = student.new("BatchNorm2d", 4)
    assert not hasattr(layer, "running_var") and hasattr(layer, "running_mean")
    with pytest.raises(StudentError, match="BatchNorm2d.running_var does not exist"):
        layer.running_var

def test_missing_attribute(student): student.new("BatchNorm2d", 4).running_var
def test_broken(student): student.new("Scale", 1).broken
def test_arguments(student): student.new("BatchNorm2d")
def test_missing_class(student): student.new("LayerNorm", 4)
def test_not_an_object(student): student.new("nothing")
def test_wrong_shape(student): student.new("BatchNorm2d", 3)(X)
def test_backward_of_nothing(student): student.new("BatchNorm2d", 4).backward(X)
def test_backward_without_gradients(student):
    counted = student.new("Counted")
    counted(np.ones((3, 1)))
    counted.backward(np.ones((3, 1)))
def test_nan(student): student.new("Scale", float("nan")).by
'''
FAILING = {
    "test_missing_attribute": "BatchNorm2d.running_var does not exist",
    "test_broken": "Scale.broken: The code raised an exception: hw.py, line 34: ZeroDivisionError",
    "test_arguments": "BatchNorm2d",
    "test_missing_class": "This was not found: LayerNorm",
    "test_not_an_object": "one object was expected",
    "test_wrong_shape": "BatchNorm2d(): The code raised an exception: hw.py, line 19",
    "test_backward_of_nothing": "was not called before",
    "test_backward_without_gradients": "has no gradients",
    "test_nan": "Scale.by: what was returned is NaN or infinite",
}


def test_an_object_stays_with_the_student_and_its_values_come_as_data(tmp_path: Path) -> None:
    tests = found(examined(tmp_path, ASKS, LAYERS))
    assert {name for name, (status, _) in tests.items() if status != "passed"} == set(FAILING), {
        name: one for name, one in tests.items() if name not in FAILING and one[0] != "passed"
    }
    for name, words in FAILING.items():
        assert tests[name][0] == "failed" and words in tests[name][1], (name, tests[name])


def test_a_class_whose_methods_were_left_to_write_was_not_attempted(tmp_path: Path) -> None:
    write(tmp_path, "test_hw.py", '''
        def test_mode(student):
            layer = student.new("Layer", 2)
            assert layer.size == 2
            layer.forward([1.0])
        ''')
    write(tmp_path, "reference/hw.py", "def nothing(): pass\n")
    stub = """
        class Layer:
            def __init__(self, size): self.size = size
            def forward(self, x):
                raise NotImplementedError("forward")
        """
    rubric = rubric_in(tmp_path, "check: pytest\nfile: test_hw.py")
    (row,) = graded(rubric, stub, tmp_path / "stub").criteria
    assert row.verdict.result == "not_attempted", row.verdict
