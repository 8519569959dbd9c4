"""The Python interface, and the page that documents it."""

from __future__ import annotations

import dataclasses
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import grader

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "python.md"


@pytest.fixture(scope="module")
def homework(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the page's code: the project's own homework, with one submission."""
    folder = tmp_path_factory.mktemp("homework")
    for name in ("rubric.yaml", "reference", "handouts", "starter", "validation"):
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, folder / name)
    (folder / "submissions").mkdir()
    shutil.copy(ROOT / "submissions" / "bymodule_hw2_problem1.py", folder / "submissions")
    return folder


def test_the_page_runs_as_it_stands(homework: Path) -> None:
    code = "\n".join(re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S))
    assert "to_dataframe" in code
    done = subprocess.run([sys.executable, "-c", code], cwd=homework, capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "bymodule" in done.stdout and "layer-counts" in done.stdout
    assert done.stderr == ""
    assert (homework / "results" / "grades.json").is_file()


def test_a_wrong_name_is_an_error_and_not_an_empty_result(homework: Path) -> None:
    with pytest.raises(grader.GraderError, match="no student 'nobody'"):
        grader.grade(homework / "submissions", homework / "rubric.yaml", homework / "out",
                     only=["nobody"])
    with pytest.raises(grader.GraderError, match="not a criterion"):
        grader.check(homework / "submissions" / "bymodule_hw2_problem1.py",
                     homework / "rubric.yaml", criteria=["hidden-thing"])


def test_results_and_options_cannot_be_changed() -> None:
    for value in (grader.Results(()), grader.RunOptions()):
        name = dataclasses.fields(value)[0].name
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(value, name, None)


def test_the_package_can_be_imported_alone_as_in_the_workers_image(tmp_path: Path) -> None:
    (tmp_path / "grader").mkdir()
    shutil.copy(ROOT / "grader" / "__init__.py", tmp_path / "grader")
    code = "import grader; print(grader.__version__, 'grade' in dir(grader))"
    done = subprocess.run([sys.executable, "-S", "-c", code], cwd=tmp_path, capture_output=True,
                          text=True, check=True)
    assert done.stdout.split() == [grader.__version__, "True"]


def test_a_name_that_is_not_exported_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = grader.nothing
