"""`grader validate` as it is typed, on a homework of one criterion that trains nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.factories import write_files

ROOT = Path(__file__).parent.parent.parent
RUBRIC = """\
title: Counts
reference: reference
starter: starter
validation: validation
total: 3
cap: 3
profiles:
  quick: {epochs: 1, seconds: 5, thresholds: [{accuracy: 0.5, share: 1.0}]}
criteria:
  - {id: counts, title: Counts per layer, part: a, points: 3, check: layer_counts}
"""
REFERENCE = """\
def layer_parameter_counts(model):
    counts = {}
    for name, layer in model.named_modules():
        own = sum(p.numel() for p in layer.parameters(recurse=False))
        if own:
            counts[name] = own
    return counts
"""
CASES = """\
mutants:
  tensors:
    about: tensors are counted
    loses: [counts]
    rewrite: [{file: hw2.py, find: p.numel(), by: "1"}]
  shapes:
    about: elements are counted by their shapes, which is right
    loses: [counts]
    rewrite: [{file: hw2.py, find: p.numel(), by: "p.shape.numel()"}]
variants:
  renamed: {about: a script without functions}
  slipped:
    about: one too many in each layer, which is wrong
    rewrite: [{file: hw2.py, find: "counts[name] = own", by: "counts[name] = own + 1"}]
"""
SCRIPT = """\
import torchvision

net = torchvision.models.resnet18()
sizes = {n: sum(p.numel() for p in m.parameters(recurse=False)) for n, m in net.named_modules()}
"""


@pytest.fixture
def homework(tmp_path: Path) -> Path:
    files = {
        "rubric.yaml": RUBRIC,
        "reference/hw2.py": REFERENCE,
        "starter/hw2.py": "def layer_parameter_counts(model):\n    raise NotImplementedError\n",
        "validation/cases.yaml": CASES,
        "validation/variants/renamed.py": SCRIPT,
    }
    return write_files(tmp_path, files)


def validate(homework: Path, *more: str) -> subprocess.CompletedProcess[str]:
    words = ["validate", "--sandbox", "process", "--out", "out", *more]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "80"}
    return subprocess.run(
        [sys.executable, "-m", "grader", *words],
        cwd=homework, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_right_mutant_and_a_wrong_variant_are_reported(homework: Path) -> None:
    done = validate(homework)
    assert done.returncode == 1, done.stderr
    assert "mutant shapes, survived: elements are counted by their shapes" in done.stdout
    assert "counts: must be lost, got 3 of 3" in done.stdout
    assert "variant slipped, lost points: one too many" in done.stdout
    assert "mutant tensors" not in done.stdout   # what is as it should be takes no room
    assert (
        "The reference earns everything; the starter earns nothing; 1 of 2 mutants lost exactly "
        "the required criteria; 1 of 2 variants lost nothing"
    ) in done.stdout
    out = homework / "out"
    told = json.loads((out / "validation.json").read_text(encoding="utf-8"))
    (counts,) = told["criteria"]
    rates = [(counts[kind]["right"], counts[kind]["of"]) for kind in ("sensitivity", "specificity")]
    assert rates == [(1, 2), (1, 2)]
    for name in ("validation.html", "validation.xml", "feedback/mutant-shapes.html"):
        assert (out / name).is_file()


def test_a_named_case_is_graded_alone(homework: Path) -> None:
    done = validate(homework, "--only", "tensors")
    assert (done.returncode, done.stderr) == (0, "")
    assert "1 of 1 mutants lost exactly the required criteria" in done.stdout


def test_an_unknown_case_is_a_usage_error(homework: Path) -> None:
    done = validate(homework, "--only", "tensor")
    assert done.returncode == 2
    assert "no mutant or variant 'tensor'; did you mean 'tensors'?" in done.stderr


def test_an_edit_that_matches_nothing_stops_before_anything_is_graded(homework: Path) -> None:
    cases = homework / "validation" / "cases.yaml"
    cases.write_text(CASES.replace("p.shape.numel()", "p.numel()"), encoding="utf-8")
    done = validate(homework)
    assert done.returncode == 2
    assert "cases.yaml:9: mutants.shapes.rewrite.0: " in done.stderr
    assert "nothing was changed" in done.stderr
    assert "[1/" not in done.stdout


def test_without_cases_the_reference_is_graded(homework: Path) -> None:
    text = RUBRIC.replace("validation: validation\n", "").replace("starter: starter\n", "")
    (homework / "rubric.yaml").write_text(text, encoding="utf-8")
    done = validate(homework)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "The reference earns everything; " in done.stdout
