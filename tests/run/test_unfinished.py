"""A training that time ends is put again alone at the end, and then waits for a person."""

from __future__ import annotations

from pathlib import Path

from grader.records import Grade
from grader.rubric.model import DataSpec, Hidden, Profile, Rubric, Threshold
from grader.run import pipeline
from grader.run.cache.evidence import EvidenceCache
from grader.run.cache.file import open_cache
from grader.run.cache.recall import Recall
from grader.run.schedule import Slots
from grader.run.setup import set_up
from grader.submissions.discover import discover
from tests.factories import shipped_rubric
from tests.run.test_retraining import Counting

PROFILE = Profile(
    data=DataSpec(validation=100, hidden=Hidden(held_out=100), limit_train=400),
    epochs=10,
    seconds=2,
    thresholds=(Threshold(accuracy=0.8, share=1.0),),
)
SCRIPT = """
import time, torch
from torch import nn
from torchvision.datasets import CIFAR10
from torchvision.transforms import ToTensor

loaders = [torch.utils.data.DataLoader(CIFAR10('.', part, transform=ToTensor(), download=True),
                                       batch_size=50, shuffle=part) for part in (True, False)]
net = nn.Sequential(nn.Flatten(), nn.LazyLinear(10), nn.BatchNorm1d(10))
net(next(iter(loaders[0]))[0])
optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
for epoch in range(10):
    net.train()
    for images, labels in loaders[0]:
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(images), labels).backward()
        optimizer.step()
        {then}
    net.eval()
    with torch.no_grad():
        for images, labels in loaders[1]:
            net(images)
"""
CLASS = {
    "quick": SCRIPT.format(then="pass"),
    "slow": SCRIPT.format(then="time.sleep(1.2)"),         # still in its first epoch after 2 s
    "hangs": SCRIPT.format(then="time.sleep(1000)"),       # after its first step
}


def graded(
    rubric: Rubric, folder: Path, sandbox: Counting, *students: str
) -> tuple[list[Grade], list[tuple[str, str]]]:
    """The grades in the order in which they came, and what was told meanwhile."""
    told: list[tuple[str, str]] = []
    with open_cache(folder) as cache:
        setup = set_up(
            rubric, ["mode-switch", "accuracy"], sandbox, folder / "work", folder / "data",
            slots=Slots(2), recall=Recall(EvidenceCache(cache), "ground"), seed=5,
        )
        items = [one for one in discover(folder / "class") if one.student in students]
        found = list(pipeline.grade_all(setup, items, lambda *step: told.append(step)))
    return found, told


def status(grade: Grade) -> dict[str, str]:
    return {one.verdict.criterion: one.verdict.status for one in grade.criteria}


def test_a_slow_training_is_put_again_alone_and_waits_for_a_person(tmp_path: Path) -> None:
    rubric = shipped_rubric().model_copy(update={"profiles": {"quick": PROFILE}})
    (tmp_path / "class").mkdir()
    for name, text in CLASS.items():
        (tmp_path / "class" / f"{name}.py").write_text(text, encoding="utf-8")
    sandbox = Counting()
    found, told = graded(rubric, tmp_path, sandbox, *CLASS)
    by_name = {one.student: one for one in found}
    quick, hangs, slow = by_name["quick"], by_name["hangs"], by_name["slow"]
    assert found[-1] is slow and sandbox.started == 4, "one training was repeated, as the last"
    assert status(quick) == {"mode-switch": "passed", "accuracy": "passed"}
    assert status(slow) == {"mode-switch": "passed", "accuracy": "needs_marking"}
    reason = slow.criteria[1].verdict.reason
    assert "still going on when its 2 seconds" in reason and "loop" not in reason
    assert slow.criteria[1].verdict.seen["steps"] < 8
    assert ("slow", "its time was up while it trained; trained again alone at the end") in told
    assert status(hangs)["accuracy"] == "failed"
    assert "its network no longer ran" in hangs.criteria[1].verdict.reason
    again, _ = graded(rubric, tmp_path, sandbox, "slow")
    assert status(again[0]) == status(slow) and sandbox.started == 4, "that one is remembered"
