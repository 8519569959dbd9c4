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
    """Of the test's own; it remembers the submissions where it was graded first."""
    folder = tmp_path / "homework"
    shutil.copytree(graded_class.folder, folder)
    return Classroom(folder)
