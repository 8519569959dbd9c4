"""An optimizer is judged where it can be seen: without a step, and beside a penalty in the loss."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from grader.records import Verdict
from grader.run.schedule import Slots
from grader.run.setup import set_up
from grader.sandbox.process import ProcessSandbox
from grader.submissions.discover import discover
from tests.factories import grade_class, shipped_rubric, write_files

HEAD = """
import torch, torchvision
from torch import nn
from torch.nn import functional as F
from torchvision.models import resnet18

def split(net):
    several = [p for p in net.parameters() if p.ndim > 1]
    return several, [p for p in net.parameters() if p.ndim < 2]

def right(net):
    weights, others = split(net)
    return [{"params": weights, "weight_decay": 0.1}, {"params": others, "weight_decay": 0}]
"""
SCRIPTS = {
    # The loop stands in a function that nobody calls, and the optimizer in one that ends.
    "never-trains.py": """
def train(net, loader, optimizer):
    for x, y in loader:
        F.cross_entropy(net(x), y).backward()
        optimizer.step()
def main():
    torch.optim.AdamW(right(resnet18()))
main()
""",
    "crashes.py": """
net = resnet18()
optimizer = torch.optim.SGD(net.parameters(), lr=0.1, weight_decay=1e-3)
F.cross_entropy(net(torch.load("batch.pt")), torch.zeros(1)).backward()
optimizer.step()
""",
    "two-optimizers.py": """
class Trainer:
    def __init__(self):
        weights, others = split(nn.DataParallel(resnet18()))
        self.first = torch.optim.SGD((p for p in weights), lr=0.1, weight_decay=1e-3)
        self.second = torch.optim.SGD(others, lr=0.1)
Trainer()
""",
    "undecided.py": """
net = resnet18()
torch.optim.SGD(net.parameters(), lr=0.1, weight_decay=1e-3)
torch.optim.SGD(right(net), lr=0.1)
""",
    "by-hand.py": """
data = torchvision.datasets.CIFAR10("data", transform=torchvision.transforms.ToTensor())
net = nn.Sequential(nn.Conv2d(3, 4, 3, 2), nn.BatchNorm2d(4), nn.Flatten(), nn.LazyLinear(10))
net(torch.stack([data[0][0], data[1][0]]))
weights, others = split(net)
optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
for x, y in torch.utils.data.DataLoader(data, batch_size=100):
    loss = F.cross_entropy(net(x), y) + 1e-3 * sum(p.square().sum() for p in weights)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
}  # fmt: skip


@pytest.fixture(scope="module")
def verdicts() -> Iterator[Mapping[str, Verdict]]:
    with tempfile.TemporaryDirectory() as folder:
        files = {name: HEAD + text for name, text in SCRIPTS.items()}
        items = discover(write_files(Path(folder) / "submissions", files))
        setup = set_up(
            shipped_rubric(), ["optimizer-groups"], ProcessSandbox(), Path(folder) / "work",
            Path(folder) / "cache", seed=7, slots=Slots(2),
        )  # fmt: skip
        grades = grade_class(setup, items)
        yield {name: grade.criteria[0].verdict for name, grade in grades.items()}


@pytest.mark.parametrize(
    ("name", "fraction"), [("never-trains", 1), ("two-optimizers", 1), ("crashes", 1 / 3)]
)
def test_an_optimizer_that_took_no_step_is_judged(
    verdicts: Mapping[str, Verdict], name: str, fraction: float
) -> None:
    verdict = verdicts[name]
    assert verdict.fraction == pytest.approx(fraction), verdict.reason
    assert verdict.hints[0].startswith("No training was seen")


def test_a_person_decides_between_optimizers_that_differ(verdicts: Mapping[str, Verdict]) -> None:
    assert verdicts["undecided"].status == "needs_marking"


def test_a_penalty_in_the_loss_is_for_a_person(verdicts: Mapping[str, Verdict]) -> None:
    verdict = verdicts["by-hand"]
    assert (verdict.status, verdict.seen["would_earn"]) == ("needs_marking", 1), verdict.reason
