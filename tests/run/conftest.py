"""Fixtures for the tests of grading runs."""

from __future__ import annotations

import pytest

from grader.rubric.model import Rubric
from tests.factories import shipped_rubric


@pytest.fixture(scope="session")
def rubric() -> Rubric:
    """The rubric of the homework in this repository."""
    return shipped_rubric()
