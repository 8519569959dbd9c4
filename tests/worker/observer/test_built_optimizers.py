"""Optimizers are remembered as they are built. Each script runs in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent.parent
HEAD = """
import gc
import torch
from torch import nn
from grader.worker.observer.built_optimizers import BuiltOptimizers

built = BuiltOptimizers(also_used=ALSO)
built.install()

def network():
    return nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 2))
"""


def prints(body: str, *, also_used: bool = False) -> list[str]:
    """The lines that a script prints; it changes torch for the whole process."""
    done = subprocess.run(
        [sys.executable, "-c", HEAD.replace("ALSO", str(also_used)) + body],
        capture_output=True, text=True, check=True, env={"PYTHONPATH": str(ROOT)}, timeout=120,
    )  # fmt: skip
    return done.stdout.splitlines()


def test_an_optimizer_is_kept_with_its_network_until_its_first_step() -> None:
    body = """
net = network()
def build():
    return torch.optim.SGD(net[3].parameters(), lr=0.1)
first, second = build(), torch.optim.Adam(nn.DataParallel(net).parameters())
print([(type(one.optimizer).__name__, one.network is net) for one in built.found])
first.step()
print([type(one.optimizer).__name__ for one in built.found])
def local():
    inner = network()
    torch.optim.AdamW([{"params": inner.parameters()}])
local()
print([name for name, _ in built.found[-1].network.named_parameters()][:2])
class Holder:
    def __init__(self):
        self.net = network()
def parameters():
    holders.append(Holder())
    return holders[0].net.parameters()
holders = []
torch.optim.SGD(parameters(), lr=1)
print(built.found[-1].network is holders[0].net)
torch.optim.SGD([nn.Parameter(torch.ones(1))], lr=1)
print(built.found[-1].network)
"""
    assert prints(body) == [
        "[('SGD', True), ('Adam', True)]", "['Adam']", "['0.weight', '0.bias']", "True", "None",
    ]


def test_used_optimizers_stay_if_asked_and_iterators_can_be_read_again() -> None:
    body = """
net = network()
first, second = iter(net[0].parameters()), (p for p in net[1].parameters())
kept = list(net[3].parameters())
optimizer = torch.optim.SGD(first, lr=0.1)
optimizer.add_param_group({"params": second})
optimizer.add_param_group({"params": kept})
optimizer.step()
print([len(group["params"]) for group in optimizer.param_groups], list(first), list(second))
print([len(built.used_up[id(one)][1]) for one in (first, second)], id(kept) in built.used_up)
print(len(built.found))
for _ in range(30):
    torch.optim.SGD(net.parameters(), lr=0.1)
print(len(built.found))
"""
    assert prints(body, also_used=True) == ["[2, 2, 2] [] []", "[2, 2] False", "1", "20"]
