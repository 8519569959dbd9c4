"""Scripts that need a network, a GPU, a display and other files run in a real session."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.checks.hidden_networks import RESNET18
from grader.records import Question
from grader.rubric.model import Limits
from grader.sandbox.base import Job, Sandbox
from grader.sandbox.conversation import converse
from tests.factories import DOCKER, requested_sandbox
from tests.worker.shimmed_script import write_view

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


@pytest.fixture(params=["process", "spawned", DOCKER])
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    return requested_sandbox(request)


def test_a_script_that_needs_every_shim_runs_to_its_end(sandbox: Sandbox, tmp_path: Path) -> None:
    submission, view = tmp_path / "student", write_view(tmp_path / "view")
    for folder in (submission, view / "handouts"):
        folder.mkdir()
    (submission / "hw2.py").write_text(SCRIPT, encoding="utf-8")
    (view / "handouts" / "given.py").write_text("WIDTH = 96\n", encoding="utf-8")
    for path in (tmp_path.parent, tmp_path, submission, view):
        path.chmod(0o755)   # a container has another user
    question = Question("q", "parameter_groups", {"network": TINY}, "q", 60)
    (evidence,) = converse(sandbox, Job("student", submission, (question,), Limits(), view))
    assert evidence.outcome.answered, evidence.outcome
    assert {row["name"] for row in evidence.value["lists"]} == {"norms", "rest"}
    notes = " ".join(evidence.value["notes"])
    assert all(word in notes for word in ("astronaut.jpg", "resnet18", "torch.compile"))


# torch._dynamo is imported after the shims and inspects all of torch.
COMPILES = """
import torch
import torchvision
from torchvision.transforms import v2

v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True)])
model = torchvision.models.resnet18(num_classes=10).eval()
compiled = torch._dynamo.optimize("eager")(model)
assert compiled(torch.zeros(1, 3, 32, 32)).shape == (1, 10)
linear, row = torch.nn.Linear(2, 2), torch.ones(1, 2)
assert torch.export.export(linear, (row,)).graph.nodes
assert torch.jit.script(linear)(row).shape == (1, 2)
torch.utils.checkpoint.checkpoint(linear, row, use_reentrant=False).sum().backward()
torch.optim.SGD(model.parameters(), lr=0.1).step()
norms = [p for name, p in model.named_parameters() if "bn" in name]
rest = [p for name, p in model.named_parameters() if "bn" not in name]
"""


def test_a_script_that_compiles_for_itself_runs_to_its_end(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    submission = tmp_path / "student"
    submission.mkdir()
    (submission / "hw2.py").write_text(COMPILES, encoding="utf-8")
    for path in (tmp_path.parent, tmp_path, submission):
        path.chmod(0o755)
    question = Question("q", "parameter_groups", {"network": TINY}, "q", 90)
    (evidence,) = converse(sandbox, Job("student", submission, (question,), Limits()))
    assert evidence.outcome.answered, evidence.outcome
    assert not evidence.value["error"], evidence.value["error"]
    assert {row["name"] for row in evidence.value["lists"]} == {
        "norms", "rest", "optimizer 1",
    }
