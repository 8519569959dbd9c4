"""A graded class for each test, made once and copied."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.marking.classroom import Classroom, make_class


@pytest.fixture(scope="session")
def graded_class(tmp_path_factory: pytest.TempPathFactory) -> Classroom:
    return make_class(tmp_path_factory.mktemp("marking"))


@pytest.fixture
def room(graded_class: Classroom, tmp_path: Path) -> Classroom:
    """A copy for one test. It still names the folder where its submissions were graded."""
    folder = tmp_path / "homework"
    shutil.copytree(graded_class.folder, folder)
    return Classroom(folder)
