"""A script that needs a network, a GPU, a display and files of its author's, in a real session."""

from __future__ import annotations

from pathlib import Path

import pytest
from staged import write_view

from grader.checks.drawn_networks import RESNET18
from grader.records import Question
from grader.rubric import Limits
from grader.sandbox.base import Job, Sandbox
from grader.sandbox.interview import interview
from grader.sandbox.process import ProcessSandbox

TINY = RESNET18 | {"layers": [1, 1, 1, 1], "width": 16, "num_classes": 10}
SCRIPT = """
import pickle
import matplotlib.pyplot as plt
import torch
import torchvision
from given import WIDTH
from PIL import Image

plt.imshow(Image.open("data/astronaut.jpg"))
plt.show()
with open("data/cifar-10-batches-py/data_batch_1", "rb") as file:
    assert pickle.load(file, encoding="latin1")["data"].shape == (7, 3072)
device = torch.device("cuda")
train = torchvision.datasets.CIFAR10("/data/cifar", download=True)
model = torch.compile(torchvision.models.resnet18(pretrained=True)).to(device)
if WIDTH == 96 and len(train) == 32:
    norms = [p for name, p in model.named_parameters() if "bn" in name]
    rest = [p for name, p in model.named_parameters() if "bn" not in name]
"""


@pytest.fixture(params=["process", "spawned", pytest.param("docker", marks=pytest.mark.docker)])
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    if request.param == "docker":
        found: Sandbox = request.getfixturevalue("docker_sandbox")
        return found
    return ProcessSandbox({"GRADER_WORKER_SPAWN": "1"} if request.param == "spawned" else None)


def test_it_runs_to_its_end(sandbox: Sandbox, tmp_path: Path) -> None:
    submission, view = tmp_path / "student", write_view(tmp_path / "view")
    for folder in (submission, view / "handouts"):
        folder.mkdir()
    (submission / "hw2.py").write_text(SCRIPT, encoding="utf-8")
    (view / "handouts" / "given.py").write_text("WIDTH = 96\n", encoding="utf-8")
    for path in (tmp_path.parent, tmp_path, submission, view):
        path.chmod(0o755)   # a container's user is another one
    question = Question("q", "parameter_groups", {"network": TINY}, "q", 60)
    (evidence,) = interview(sandbox, Job("student", submission, (question,), Limits(), view))
    assert evidence.outcome.answered, evidence.outcome
    assert {row["name"] for row in evidence.value["lists"]} == {"norms", "rest"}
    told = " ".join(evidence.value["notes"])
    assert all(word in told for word in ("astronaut.jpg", "resnet18", "torch.compile"))
