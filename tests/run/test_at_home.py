"""Work that runs on its author's machine keeps its marks on a machine that has less."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from grader.records import Grade
from grader.sandbox.process import ProcessSandbox
from grader.submissions.discover import hand_in
from tests.factories import graded_homework, shipped_rubric, write_files

GROUPS = """
network = torchvision.models.resnet18()
norms, biases, rest = [], [], []
for layer in network.modules():
    for name, parameter in layer.named_parameters(recurse=False):
        norm = isinstance(layer, torch.nn.BatchNorm2d)
        (norms if norm else biases if name == "bias" else rest).append(parameter)
"""
TRAINING = """
to_tensor = torchvision.transforms.ToTensor()
sets = [torchvision.datasets.CIFAR10("data", train=train, transform=to_tensor)
        for train in (True, False)]
train, test = (torch.utils.data.DataLoader(one, batch_size=125, shuffle=True) for one in sets)
network = torch.nn.Sequential(
    torch.nn.AvgPool2d(4), torch.nn.Flatten(), torch.nn.Linear(192, 10), torch.nn.BatchNorm1d(10))
optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
for epoch in range(2):
    network.train()
    for step, (images, labels) in enumerate(train):
        if step % (len(train) // 20) == 0:
            print(epoch, step)
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(network(images), labels).backward()
        optimizer.step()
    network.eval()
    with torch.no_grad():
        right = sum((network(images).argmax(1) == labels).sum() for images, labels in test)
"""
HEAD = "import os, sys, torch, torchvision\n"
NO_GPU = "if not torch.cuda.is_available():\n    print('get a GPU')\n    sys.exit()\n"
WORK = {
    "leaves-without-a-gpu": HEAD + NO_GPU + GROUPS,
    "returns-without-a-gpu": HEAD + "def main():\n    if not torch.cuda.is_available():\n"
        "        return\n" + "".join(f"    {line}\n" for line in GROUPS.splitlines())
        + "    return norms, biases, rest\nfound = main()\nassert found\n",
    "counts-the-images": HEAD + "train = torchvision.datasets.CIFAR10('data')\n"
        "assert len(train) == 50000\n" + GROUPS,
    "lacks-a-package": HEAD + "import medmnist\n" + GROUPS,
    "lacks-its-own-file": HEAD + "from utils import helper\n" + GROUPS,
    "divides-by-zero": HEAD + "1 / 0\n" + GROUPS,
    "prints-twenty-lines": HEAD + TRAINING,
    "branches-for-speed": HEAD + GROUPS + "on_gpu = torch.cuda.is_available()\nassert not on_gpu\n",
}  # fmt: skip


@pytest.fixture(scope="module")
def grades(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Grade]]:
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    folder = tmp_path_factory.mktemp("class")
    write_files(folder, {f"{name}.py": code for name, code in WORK.items()})
    rubric = shipped_rubric()
    kept = tuple(one for one in rubric.criteria if one.id in ("parameter-groups", "mode-switch"))
    rubric = rubric.model_copy(update={"criteria": kept})
    items = [hand_in(path) for path in sorted(folder.glob("*.py"))]
    with graded_homework(rubric, ProcessSandbox(), items) as found:
        yield found


@pytest.mark.parametrize(
    ("student", "status"),
    [
        ("leaves-without-a-gpu", "passed"),
        ("returns-without-a-gpu", "passed"),
        ("counts-the-images", "passed"),
        ("branches-for-speed", "passed"),
        ("lacks-a-package", "needs_marking"),
        ("lacks-its-own-file", "failed"),
        ("divides-by-zero", "failed"),
    ],
)
def test_groups_are_judged_as_on_the_students_machine(
    grades: dict[str, Grade], student: str, status: str
) -> None:
    verdict = grades[student].criteria[0].verdict
    assert verdict.status == status, verdict.reason
    told = any("told that there is one" in hint for hint in verdict.hints)
    assert told is student.endswith("without-a-gpu")


def test_a_training_for_more_images_is_observed_in_epochs_of_those_that_there_are(
    grades: dict[str, Grade],
) -> None:
    verdict = grades["prints-twenty-lines"].criteria[1].verdict
    assert verdict.status == "passed", verdict.reason
    assert verdict.reason == "Correct in all 2 training and 2 evaluation phases."
    assert verdict.run is not None
    facts = dict(verdict.run.facts)
    assert (facts["steps"], facts["epochs"]) == ("24", "2 of 1,500 images")
    notes = [text for name, text in verdict.run.facts if name == "note"]
    assert any("as many images as CIFAR-10 has" in note for note in notes)
