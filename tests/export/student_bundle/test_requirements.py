"""A bundle installs what its homework needs, and `grader check` gets along with it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from grader.checks.registry import parameter_models
from grader.export.student_bundle.check import Progress
from grader.export.student_bundle.requirements import homework_packages, metadata_at_home
from grader.export.student_bundle.wheel import own_metadata
from grader.rubric.load import load
from tests.factories import shipped_rubric, write_files

ROOT = Path(__file__).parent.parent.parent.parent
NOT_AT_HOME = ("docker", "uvicorn", "starlette", "pyseccomp", "latex2mathml", "markdown_it",
               "mdit_py_plugins", "ray")
RUBRIC = """\
title: Numbers
starter: starter
total: 1
cap: 1
{more}
criteria:
  - {{id: one, title: One, part: "1", points: 1, check: pytest, file: test_one.py}}
"""


def packages(folder: Path, more: str = "", **files: str) -> list[str]:
    write_files(folder, {"rubric.yaml": RUBRIC.format(more=more), "test_one.py": "import pytest\n",
                         "reference/hw.py": "", "starter/hw.py": "", **files})
    rubric = load(folder / "rubric.yaml", parameter_models)
    texts = [(folder / "test_one.py").read_text()]
    found = homework_packages(rubric, own_metadata(), texts)
    return [re.split(r"[<>=]", one)[0] for one in found]


def test_a_bundle_installs_no_package_that_only_instructors_need(tmp_path: Path) -> None:
    lines = metadata_at_home(own_metadata()).split("\n\n")[0].splitlines()
    needed = {re.split(r"\W", line.removeprefix("Requires-Dist: "))[0] for line in lines
              if line.startswith("Requires-Dist: ")}
    assert {"click", "rich", "numpy"} <= needed and not needed & set(NOT_AT_HOME)
    assert packages(tmp_path) == ["pytest", "torch", "torchvision"]


@pytest.mark.parametrize(("file", "text", "package"), [
    ("reference/hw.py", "import os, scipy.linalg as la\n", "scipy"),
    ("starter/hw.py", "from sklearn.svm import SVC\n", "scikit-learn"),
    ("test_one.py", "import pytest\nimport matplotlib.pyplot as plt\n", "matplotlib"),
    ("starter/hw.ipynb",
     '{"cells": [{"cell_type": "code", "source": ["%matplotlib inline\\n", "import scipy\\n"]}]}',
     "scipy"),
])  # fmt: skip
def test_what_the_homework_imports_is_installed(
    file: str, text: str, package: str, tmp_path: Path
) -> None:
    assert set(packages(tmp_path, **{file: text})) == {"pytest", "torch", "torchvision", package}


def test_modules_of_the_homework_and_unknown_words_are_no_packages(tmp_path: Path) -> None:
    text = '"""import numbers from the table\nfrom there import nothing"""\nimport helper\n'
    files = {"starter/hw.py": text, "starter/helper.py": ""}
    assert packages(tmp_path, **files) == ["pytest", "torch", "torchvision"]


def test_a_version_in_the_rubric_comes_before_an_import(tmp_path: Path) -> None:
    found = packages(tmp_path, 'packages: ["scipy<99"]', **{"starter/hw.py": "import scipy\n"})
    assert found == ["pytest", "torch", "torchvision", "scipy"]


def test_the_homework_with_a_training_has_what_draws_its_curves() -> None:
    found = homework_packages(shipped_rubric(), own_metadata(), [])
    assert {re.split(r"[<>=]", one)[0] for one in found} == {
        "torch", "torchvision", "matplotlib", "tqdm"
    }


def test_the_command_for_students_needs_nothing_else() -> None:
    """Only imports: a criterion that a worker answers is checked in `test_bundle_checks`."""
    absent = (*NOT_AT_HOME, "matplotlib", "scipy", "sklearn")
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({absent!r}));"
        "import grader.cli.app, grader.cli.student, grader.api, grader.cli.student_view,"
        "grader.cli.watch, grader.cli.export, grader.reports.grades_file, grader.run.differences"
    )  # fmt: skip
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=120)


def test_the_progress_bar_follows_what_pip_says(tmp_path: Path) -> None:
    progress = Progress(tmp_path)
    shares = [progress.share()]
    for line in (
        "Processing ./torch_grader-0.1.0+abc-py3-none-any.whl\n",
        "Collecting torch>=2.6 (from -r requirements.txt (line 2))\n",
        "  Downloading torch-2.9.0-cp311-cp311-manylinux_2_28_x86_64.whl.metadata (30 kB)\n",
        "Downloading torch-2.9.0-cp311-cp311-manylinux_2_28_x86_64.whl (899.8 MB)\n",
    ):
        progress.read(line)
        shares.append(progress.share())
    assert "torch, 899.8 MB" in progress.line(7) and "7 s" in progress.line(7)
    assert len(progress.line(7)) < 80
    progress.read("Installing collected packages: torch, torch-grader\n")
    shares.append(progress.share())
    for name in ("torch", "torch_grader"):
        (tmp_path / f"lib/python3.11/site-packages/{name}-1.dist-info").mkdir(parents=True)
        shares.append(progress.share())
    assert shares == [0, 0, 0, 0, 0.25, 0.5, 0.75, 1]
