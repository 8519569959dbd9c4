"""Files that the course handed out are there for a student's code and never count as its own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
import torch

from grader import wire
from grader.checks.hidden_networks import RESNET18
from grader.records import Evidence, Question
from grader.rubric.model import Limits
from grader.sandbox.base import Job
from grader.sandbox.conversation import converse
from grader.sandbox.process import ProcessSandbox
from tests.worker.shimmed_script import write_view

ROOT = Path(__file__).parent.parent.parent
TINY = RESNET18 | {"layers": [1, 1, 1, 1], "width": 16, "num_classes": 10}
COUNTS = """
def layer_parameter_counts(model):
    return {n: sum(p.numel() for p in m.parameters(recurse=False)) for n, m in model.named_modules()
            if any(True for _ in m.parameters(recurse=False))}
"""


@pytest.fixture
def view(tmp_path: Path) -> Path:
    """A student's view of the data with three files that were handed out."""
    view = write_view(tmp_path / "view")
    (view / "handouts" / "given").mkdir(parents=True)
    (view / "handouts" / "net.py").write_text("WIDTH = 96\n" + COUNTS, encoding="utf-8")
    for name in ("notes.txt", "given/start.txt"):
        (view / "handouts" / name).write_text("handed out", encoding="utf-8")
    return view


def ask(view: Path, files: Mapping[str, str]) -> Evidence:
    submission = view.parent / "student"
    submission.mkdir()
    for name, text in files.items():
        (submission / name).write_text(text, encoding="utf-8")
    question = Question("q", "layer_counts", {"network": TINY}, "q", 30)
    job = Job("student", submission, (question,), Limits(), view)
    (evidence,) = converse(ProcessSandbox(), job)
    assert sorted(path.name for path in submission.iterdir()) == sorted(files)
    return evidence


def test_its_python_is_importable_and_the_rest_lies_in_the_working_folder(view: Path) -> None:
    code = (
        "from net import WIDTH\n"
        "assert WIDTH == 96\n"
        "assert open('notes.txt').read() == open('given/start.txt').read() == 'handed out'\n"
    )
    assert ask(view, {"hw2.py": code + COUNTS}).outcome.answered


def test_what_the_student_has_comes_first(view: Path) -> None:
    code = "import net\nassert net.WIDTH == 7\nassert open('notes.txt').read() == 'mine'\n"
    mine = {"hw2.py": code + COUNTS, "net.py": "WIDTH = 7\n", "notes.txt": "mine", "given": "mine"}
    assert ask(view, mine).outcome.answered


def test_its_functions_are_not_the_students(view: Path) -> None:
    assert ask(view, {"hw2.py": "print('nothing')\n"}).outcome.kind == wire.NOT_FOUND


def test_the_shipped_network_is_the_papers_with_batch_norm(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "handouts"))
    from allcnn import allcnn_t

    network = allcnn_t()
    assert network(torch.randn(2, 3, 32, 32)).shape == (2, 10)
    weights = [p for name, p in network.named_parameters() if p.dim() == 4]
    assert sum(weight.numel() for weight in weights) == 1_368_480   # of All-CNN-C, without biases
    assert [weight.shape[0] for weight in weights] == [96, 96, 96] + [192] * 5 + [10]
    assert allcnn_t(c1=8, c2=16)(torch.randn(2, 3, 32, 32)).shape == (2, 10)
