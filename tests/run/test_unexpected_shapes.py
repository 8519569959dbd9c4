"""Unexpected shapes of honest work cost nothing; typed-in counts do."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from grader.checks.hidden_networks import RESNET18
from grader.errors import GraderError
from grader.records import Question, Verdict
from grader.rubric.model import Limits, Rubric
from grader.run.setup import set_up
from grader.sandbox.base import Job
from grader.sandbox.conversation import converse
from grader.sandbox.process import ProcessSandbox
from grader.worker.observer.passes import _bits
from grader.worker.student_code.sources import has_own_signature
from grader.worker.values.counts import as_count
from tests.factories import grade_file

ROOT = Path(__file__).parent.parent.parent


def groups_verdict(rubric: Rubric, script: Path, workspace: Path) -> Verdict:
    setup = set_up(
        rubric, ["parameter-groups"], ProcessSandbox(), workspace, workspace / "cache", seed=0
    )
    return grade_file(setup, script).criteria[0].verdict


def test_a_tensor_of_several_elements_is_no_count() -> None:
    assert as_count(torch.zeros(2, 3, dtype=torch.int64)) is None
    assert as_count(torch.zeros(2, 3)) is None
    assert as_count(torch.tensor(9600)) == 9600


def test_statistics_that_are_not_a_number_have_not_moved() -> None:
    statistics = torch.tensor([float("nan"), 1.0])
    assert torch.equal(_bits(statistics), _bits(statistics.clone()))
    assert not torch.equal(_bits(statistics), _bits(torch.tensor([0.0, 1.0])))
    assert torch.equal(_bits(torch.tensor(3)), _bits(torch.tensor(3)))


@pytest.mark.parametrize(
    ("head", "own"),
    [
        ("train(model, train_loader, validation_loader, epochs)", False),
        ("train(net, train_data, test_data, num_epochs, lr=0.1)", False),
        ("train(a, b, c, d)", False),
        ("train(*args)", False),
        ("train(loader, model, loss_fn, optimizer)", True),
        ("train(model, loader, criterion, optimizer)", True),
        ("train(model, loader)", True),
        ("train(args, model, device, train_loader, optimizer, epoch)", True),
        ("train_one_epoch(network, batches, opt)", False),
        ("train_one_epoch(model, loader, optimizer, criterion=None)", False),
        ("train_one_epoch(model, optimizer, loader)", True),
        ("evaluate(model, test_loader)", False),
        ("evaluate(model, device, test_loader)", True),
    ],
)
def test_functions_with_signatures_of_their_own_belong_to_a_script(
    tmp_path: Path, head: str, own: bool
) -> None:
    (tmp_path / "hw2.py").write_text(f"def {head}:\n    pass\n", encoding="utf-8")
    assert has_own_signature(tmp_path, head.partition("(")[0]) is own


def test_a_file_that_never_ends_costs_its_time_limit_once(tmp_path: Path) -> None:
    (tmp_path / "hw2.py").write_text(
        "import torchvision\nfor p in torchvision.models.resnet18().parameters():\n"
        "    while True:\n        pass\n",
        encoding="utf-8",
    )
    questions = tuple(
        Question(f"{number}", "layer_counts", {"network": RESNET18}, f"{number}", seconds)
        for number, seconds in enumerate([3.0, 3.0, 4.0])
    )
    job = Job("student", tmp_path, questions, Limits(), None)
    first, second, longer = (e.outcome for e in converse(ProcessSandbox(), job))
    assert first.kind == second.kind == longer.kind == "time_limit"
    assert second == dataclasses.replace(first, seconds=0.0), "nothing ran for it"
    assert longer.seconds >= 4


def test_typed_counts_beside_an_own_network_wait_for_a_person(
    rubric: Rubric, tmp_path: Path
) -> None:
    script = tmp_path / "hw2.py"
    script.write_text(
        "from torchvision.models.resnet import BasicBlock, ResNet\n"
        "net = ResNet(BasicBlock, [2, 2, 2, 2])\n"
        "bn_params, bias_params, other_params = 9600, 1000, 11678912\n"
        "assert sum(p.numel() for p in net.parameters()) == 11689512\n",
        encoding="utf-8",
    )
    verdict = groups_verdict(rubric, script, tmp_path / "work")
    assert verdict.status == "needs_marking"
    assert verdict.seen["counts"] == [9600, 1000, 11678912]


def test_a_reference_without_an_answer_stops_the_run(rubric: Rubric, tmp_path: Path) -> None:
    blank = rubric.model_copy(update={"reference": ROOT / "starter"})
    with pytest.raises(GraderError, match="reference solution has no answer"):
        groups_verdict(blank, ROOT / "reference", tmp_path / "work")
