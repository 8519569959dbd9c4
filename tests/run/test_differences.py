"""The packages of a rubric and the version of Python are the same where students are graded."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from grader.checks.registry import parameter_models
from grader.errors import RubricError
from grader.export.student_bundle.public_rubric import public_rubric
from grader.rubric.load import load
from grader.run import differences as module
from grader.run.differences import IMAGE_PYTHON, differences
from grader.sandbox.docker.image import Build, image_tag
from tests.factories import criterion, rubric

ROOT = Path(__file__).parents[2]
DOCUMENT = """\
title: Homework
total: 5
cap: 5
packages: {packages}
profiles:
  quick:
    data: {{source: digits}}
    epochs: 1
    seconds: 1
    thresholds: [{{accuracy: 0.5, share: 1}}]
criteria:
  - {{id: a, title: A, part: "1", points: 5, check: written, answer: a}}
"""


def test_the_image_is_made_of_the_version_of_python_that_is_told() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    (found,) = re.findall(r"^ARG BASE_IMAGE=python:(\d+)\.(\d+)-slim$", text, re.MULTILINE)
    assert tuple(map(int, found)) == IMAGE_PYTHON


def test_another_version_of_python_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "IMAGE_PYTHON", sys.version_info[:2])
    assert list(differences(rubric(criterion()))) == []
    monkeypatch.setattr(module, "IMAGE_PYTHON", (3, 99))
    (line,) = differences(rubric(criterion()))
    assert "containers have Python 3.99" in line


def test_packages_that_are_not_installed_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "IMAGE_PYTHON", sys.version_info[:2])
    wanted = ("numpy", "numpy>=1.20,<99", "no-such-package[extra]>=2", "numpy>99")
    (line,) = differences(rubric(criterion(), packages=wanted))
    assert line.endswith("pip install 'no-such-package[extra]>=2' 'numpy>99'")


def test_an_image_with_packages_is_another_one_and_without_them_the_same() -> None:
    plain = Build.of(None)
    assert image_tag(plain) == image_tag(Build()) != image_tag(Build.of(None, ("timm",)))
    assert Build.of("base:1", ("a", "b>=2")).args == {
        "BASE_IMAGE": "base:1", "EXTRA_PACKAGES": "a b>=2",
    }  # fmt: skip


def test_the_students_bundle_has_the_packages() -> None:
    ours = rubric(criterion(), packages=("medmnist>=3",))
    assert public_rubric(ours, 0, 10).document["packages"] == ["medmnist>=3"]
    assert "packages" not in public_rubric(rubric(criterion()), 0, 10).document


@pytest.mark.parametrize("name", ["medmnist; rm x", "$(x)", "../x", "a b", "-r x", "git+https://x"])
def test_what_is_no_name_of_a_package_is_an_error_with_its_line(tmp_path: Path, name: str) -> None:
    path = tmp_path / "rubric.yaml"
    path.write_text(DOCUMENT.format(packages=f'["{name}"]'), encoding="utf-8")
    with pytest.raises(RubricError, match=r"rubric\.yaml:4"):
        load(path, parameter_models)
    path.write_text(DOCUMENT.format(packages='[timm, "a[b]>=1.2,<2"]'), encoding="utf-8")
    assert load(path, parameter_models).packages == ("timm", "a[b]>=1.2,<2")
