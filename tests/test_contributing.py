"""The recipes for contributors, followed in a copy of the repository."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_repository import PROJECT, tracked
from tests.test_tutorials import File, matches, steps

RECIPES = ("run-one-test", "add-a-check", "add-a-sample", "add-a-hostile-case")

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the recipes are written for a POSIX shell")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the repository with this environment as its `.venv`."""
    for path in tracked():
        target = tmp_path / path.relative_to(PROJECT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    commands = tmp_path / ".venv" / "bin"
    commands.mkdir(parents=True)
    for name, words in {"python": "", "grader": "-m grader", "pytest": "-m pytest"}.items():
        script = f'#!/bin/sh\nexec "{sys.executable}" {words} "$@"\n'
        (commands / name).write_text(script, encoding="utf-8")
        (commands / name).chmod(0o755)
    return tmp_path


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_works_as_it_is_written(recipe: str, checkout: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(checkout), "COLUMNS": "80"}
    # A newcomer's shell does not demand an engine, as CI's does.
    environment.pop("GRADER_REQUIRE_DOCKER", None)
    for step in steps(f"contributing/{recipe}"):
        if isinstance(step, File):
            (checkout / step.name).write_text(step.text, encoding="utf-8")
            continue
        ran = subprocess.run(
            ["bash", "-c", step.words], cwd=checkout, env=environment, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=300, check=False,
        )  # fmt: skip
        assert ran.returncode == step.code, f"$ {step.words}\n{ran.stdout}"
        assert matches(step.prints, ran.stdout), f"$ {step.words}\n{ran.stdout}"
