"""Parameters of lazy layers are described without their shapes, and none of our code trips."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from grader import packing
from grader.checks.groups.kinds import parameters_of
from grader.checks.pytest_runner.student import Reply, Student, StudentError
from grader.worker import networks
from grader.worker.networks.sizes import LAZY
from grader.worker.observer.networks import same_parameters
from grader.worker.probes import custom
from grader.worker.probes.custom import run_custom
from grader.worker.probes.handles import Handles
from grader.worker.session import BadAnswer, Session
from grader.worker.values.counts import as_count

LAZY_LAYERS = [nn.LazyLinear, nn.LazyConv2d, nn.LazyBatchNorm2d]
ARGUMENTS = {nn.LazyLinear: (3,), nn.LazyConv2d: (3, 1), nn.LazyBatchNorm2d: ()}


def lazy(kind: type[nn.Module]) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(3, 4, 1), kind(*ARGUMENTS[kind]))


@pytest.mark.parametrize("kind", LAZY_LAYERS)
def test_a_lazy_layer_has_no_elements_before_its_first_pass(kind: type[nn.Module]) -> None:
    network = lazy(kind)
    sizes = {one.name: one.elements for one in parameters_of(networks.describe(network))}
    assert sizes["0.weight"] == 12 and sizes["1.weight"] == 0
    assert as_count(dict(network.named_parameters())["1.weight"]) is None
    assert same_parameters(network, lazy(kind))
    network(torch.zeros(2, 3, 5, 5))
    assert {row[0]: row[2] for row in networks.describe(network)}["1.weight"] is not None


@pytest.mark.parametrize(
    "probe",
    ["return sum(p.numel() for p in student.parameters('net').values())",
     "return {n: list(p.shape) for n, p in student.parameters('net').items()}",
     "return student.parameters('net')"],
)  # fmt: skip
def test_a_probe_that_needs_a_size_gets_a_sentence_for_the_student(
    probe: str, tmp_path: Path
) -> None:
    (tmp_path / "hw.py").write_text("from torch import nn\nnet = nn.LazyLinear(3)\n")
    args = {
        "source": f"def ask(student):\n    {probe}\n", "name": "ask", "file": "tests.py",
        "line": 1, "arguments": {"dict": []},
    }
    session = Session(tmp_path, None, lambda: None)
    session.student = _Student()
    with pytest.raises(BadAnswer, match="a parameter of a lazy layer has no size"):
        run_custom(session, args, ())


class _Student(custom.Student):
    """The worker's `Student` without shims and files."""

    def __init__(self) -> None:
        self.handles = Handles()

    def parameters(self, of: str, *args: object) -> dict[str, nn.Parameter]:
        return dict(nn.LazyLinear(3).named_parameters())


def test_a_test_may_read_the_names_and_is_told_about_the_sizes() -> None:
    value, blobs = packing.pack({"a.weight": [[2, 3], 6, True], "b.weight": [None, None, True]})
    found = Student(lambda *args: Reply("answered", "student", "", value, blobs)).parameters("net")
    assert set(found) == {"a.weight", "b.weight"} and found["b.weight"].trainable
    assert (found["a.weight"].shape, found["a.weight"].elements) == ((2, 3), 6)
    for size in ("shape", "elements"):
        with pytest.raises(StudentError, match=r"b\.weight belongs to a lazy layer"):
            getattr(found["b.weight"], size)
    assert "b.weight" in repr(found["b.weight"])
    assert "lazy layer" in LAZY
