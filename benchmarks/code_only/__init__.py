"""A code-only homework: its rubric, and any number of submissions.

Each submission is one of five ordinary solutions, right and wrong, as students write them, with its
number in a comment, so that no two files are the same. Run bare, a script builds a ResNet-18 and
prints what its own functions find. The grader calls the same functions with seven networks, this
one among them.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

RUBRIC = Path(__file__).parent / "rubric.yaml"
FULL = 14.0

_HEAD = """\
# Homework 2, Problem 1. Student number {number}.
import torch, torchvision
import torch.nn as nn

"""

_COUNTS = """\

def layer_parameter_counts(model):
    counts = {}
    for name, layer in model.named_modules():
        n = sum(p.numel() for p in layer.parameters(recurse=False) if p.requires_grad)
        if n > 0:
            counts[name] = n
    return counts

"""

_BY_TYPE = """\

def group_parameters(model):
    bn, biases, rest = [], [], []
    for layer in model.modules():
        for name, p in layer.named_parameters(recurse=False):
            if isinstance(layer, nn.BatchNorm2d):
                bn.append(p)
            elif name == 'bias':
                biases.append(p)
            else:
                rest.append(p)
    return bn, biases, rest

"""

_BY_IDENTITY = """\

def group_parameters(model):
    norms = [m for m in model.modules() if isinstance(m, (nn.BatchNorm1d, nn.BatchNorm2d))]
    layers = [m for m in model.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    bn = [p for m in norms for p in (m.weight, m.bias)]
    biases = [m.bias for m in layers if m.bias is not None]
    taken = {id(p) for p in bn + biases}
    return bn, biases, [p for p in model.parameters() if id(p) not in taken]

"""

_BY_NAME = """\

def group_parameters(model):
    bn, biases, rest = [], [], []
    for name, p in model.named_parameters():
        if 'bn' in name:
            bn.append(p)
        elif 'bias' in name:
            biases.append(p)
        else:
            rest.append(p)
    return bn, biases, rest

"""

_SPARES = """\

def make_optimizer(model):
    bn, biases, rest = group_parameters(model)
    return torch.optim.SGD([
        {'params': rest, 'weight_decay': 1e-3},
        {'params': bn + biases, 'weight_decay': 0.0},
    ], lr=0.1, momentum=0.9, nesterov=True)

"""

_DECAYS_ALL = """\

def make_optimizer(model):
    return torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, nesterov=True,
                           weight_decay=1e-3)

"""

_MAIN = """\

if __name__ == '__main__':
    net = torchvision.models.resnet18(weights=None)
    for name, n in layer_parameter_counts(net).items():
        print(name, n)
    for title, group in zip(['batch norm', 'biases', 'rest'], group_parameters(net)):
        print(title, len(group), 'tensors', sum(p.numel() for p in group), 'parameters')
    for group in make_optimizer(net).param_groups:
        print(len(group['params']), 'tensors with weight decay', group['weight_decay'])
"""


@dataclass(frozen=True)
class Solution:
    """A student's file, in parts, and the points that it must get by the rubric."""

    parts: tuple[str, ...]
    points: float

    def text(self, number: int) -> str:
        return _HEAD.format(number=number) + "".join(self.parts) + _MAIN


SOLUTIONS = (
    Solution((_COUNTS, _BY_TYPE, _SPARES), FULL),
    Solution((_COUNTS, _BY_IDENTITY, _SPARES), FULL),
    Solution((_COUNTS, _BY_NAME, _SPARES), 12.25),
    Solution((_COUNTS, _BY_TYPE, _DECAYS_ALL), 10.0),
    Solution((_COUNTS, _BY_NAME, _DECAYS_ALL), 8.75),
)


def solution(number: int) -> Solution:
    """Return the solution of the student with this number; student 0's is right."""
    return SOLUTIONS[number % len(SOLUTIONS)]


def write_class(folder: Path, numbers: Sequence[int]) -> list[Path]:
    """Create `folder` with the submissions of these students, and return their paths."""
    folder.mkdir(parents=True)
    paths = [folder / f"student{number:04d}_hw2_problem1.py" for number in numbers]
    for number, path in zip(numbers, paths, strict=True):
        path.write_text(solution(number).text(number), encoding="utf-8")
    return paths


def assert_marks(grades: Path, numbers: Sequence[int]) -> None:
    """Assert that `grades.csv` has the right points for each student, so all were graded."""
    with grades.open(encoding="utf-8", newline="") as file:
        found = {row["student"]: float(row["score"]) for row in csv.DictReader(file)}
    expected = {f"student{number:04d}": solution(number).points for number in numbers}
    assert found == expected, f"{grades}: {found}, expected {expected}"
