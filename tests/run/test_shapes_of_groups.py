"""A right answer in an unexpected shape is a right answer: the same groups, left in many ways."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from grader.records import Grade
from grader.run.schedule import Slots
from grader.run.setup import set_up
from grader.sandbox.process import ProcessSandbox
from grader.submissions.discover import discover
from tests.factories import grade_class, shipped_rubric

ROOT = Path(__file__).parent.parent.parent
IMPORTS = """
import torch, torchvision
from torch import nn
from torchvision.models import resnet18
"""
HELPERS = """
def affine(net):
    return [p for m in net.modules() if isinstance(m, nn.BatchNorm2d) for p in (m.weight, m.bias)]
def offsets(net):
    return [m.bias for m in net.modules()
            if isinstance(m, (nn.Conv2d, nn.Linear)) and m.bias is not None]
def others(net):
    return [m.weight for m in net.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
"""
RIGHT = {
    "lists of lists of name and parameter": """
model = resnet18()
name = {id(p): n for n, p in model.named_parameters()}
bn_params = [[name[id(p)], p] for p in affine(model)]
bias_params = [[name[id(p)], p] for p in offsets(model)]
rest = [[name[id(p)], p] for p in others(model)]
""",
    "a dictionary of lists": """
net = torchvision.models.resnet18()
groups = {"bn": affine(net), "bias": offsets(net), "rest": others(net)}
""",
    "attributes of an instance": """
class Splitter:
    def __init__(self, net):
        self.bn_params, self.bias_params, self.others = affine(net), offsets(net), others(net)
splitter = Splitter(resnet18())
""",
    "a helper that nobody calls": """
def split_parameters(net):
    return affine(net), offsets(net), others(net)
""",
    "locals of a main function behind a guard": """
def main():
    model = resnet18(weights=None)
    first, second, third = affine(model), offsets(model), others(model)
    print(len(first), len(second), len(third))
if __name__ == "__main__":
    main()
""",
    "a network wrapped for several GPUs": """
model = nn.DataParallel(resnet18())
bn_names = [n for n, p in model.named_parameters() if any(p is q for q in affine(model))]
bias_names = [n for n, p in model.named_parameters() if any(p is q for q in offsets(model))]
rest_names = [n for n, p in model.named_parameters() if any(p is q for q in others(model))]
""",
    "a network of its class, after a loop": """
from torchvision.models.resnet import BasicBlock, ResNet
model = ResNet(BasicBlock, [2, 2, 2, 2])
bn_params, bias_params, other_params = [], [], []
for layer in model.modules():
    if isinstance(layer, nn.BatchNorm2d):
        bn_params += [layer.weight, layer.bias]
    elif isinstance(layer, (nn.Conv2d, nn.Linear)):
        other_params.append(layer.weight)
        if layer.bias is not None:
            bias_params.append(layer.bias)
""",
    "elements per tensor, in three lists": """
model = resnet18()
bn_counts = [p.numel() for p in affine(model)]
bias_counts = [p.numel() for p in offsets(model)]
other_counts = [p.numel() for p in others(model)]
""",
    "a function of our name without arguments": """
def group_parameters():
    model = resnet18()
    bn, bias, rest = affine(model), offsets(model), others(model)
    return bn, bias, rest
""",
    "counts that are only printed": """
def size(kinds, own):
    return sum(p.numel() for m in resnet18().modules() if isinstance(m, kinds)
               for name, p in m.named_parameters(recurse=False) if name in own)
print(f"BN: {size(nn.BatchNorm2d, ('weight', 'bias')):,}")
print("biases", size((nn.Conv2d, nn.Linear), ("bias",)))
print("others =", size((nn.Conv2d, nn.Linear), ("weight",)))
""",
    "a number too large for a frame beside it": """
big = 10 ** 6000
model = resnet18()
bn_params, bias_params, rest = affine(model), offsets(model), others(model)
""",
}
WRONG = {
    "the right counts, typed in": """
n_bn, n_bias, n_rest = 9600, 1000, 11678912
model = resnet18()
""",
    "the right counts, printed": """
print("BN: 9,600\\nbiases 1000\\nothers = 11678912", len(list(resnet18().modules())))
""",
    "everything in every group": """
model = resnet18()
bn_params = bias_params = rest = list(model.parameters())
""",
    "a function that takes too much": """
def group_parameters(model, bn_types, bias_types):
    return [], [], list(model.parameters())
""",
}


@pytest.fixture(scope="module")
def grades() -> Iterator[Mapping[str, Grade]]:
    rubric = shipped_rubric()
    with tempfile.TemporaryDirectory() as folder:
        submissions = Path(folder) / "submissions"
        submissions.mkdir()
        for title, body in (RIGHT | WRONG).items():
            text = IMPORTS + (HELPERS if "affine(" in body else "") + body
            (submissions / f"{key(title)}.py").write_text(text, encoding="utf-8")
        setup = set_up(
            rubric,
            ["parameter-groups"],
            ProcessSandbox(),
            Path(folder) / "work",
            Path(folder) / "cache",
            seed=7,
            slots=Slots(2),
        )
        yield grade_class(setup, discover(submissions))


def key(title: str) -> str:
    return "".join(word.capitalize() for word in title.replace("'", "").replace(",", "").split())


@pytest.mark.parametrize("title", RIGHT)
def test_right_groups_in_any_shape_lose_nothing(
    grades: Mapping[str, Grade], title: str
) -> None:
    verdict = grades[key(title)].criteria[0].verdict
    assert (verdict.status, verdict.fraction) == ("passed", 1.0), verdict.reason


@pytest.mark.parametrize("title", WRONG)
def test_wrong_groups_win_nothing_and_are_the_students(
    grades: Mapping[str, Grade], title: str
) -> None:
    verdict = grades[key(title)].criteria[0].verdict
    assert (verdict.status, verdict.fraction) == ("failed", 0.0), verdict.reason
