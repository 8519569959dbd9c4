"""`make demo` grades samples that exist, by a limit that changes nobody's mark."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

from grader.submissions.discover import discover
from grader.validation.expected_marks import load_expected
from tests.factories import shipped_rubric

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def demo() -> dict[str, Any]:
    """The names in the demo's script."""
    return runpy.run_path(str(ROOT / "scripts" / "demo.py"), run_name="demo")


def test_the_demo_has_a_class_folder_of_samples_whose_marks_are_known(
    demo: dict[str, Any], tmp_path: Path
) -> None:
    demo["lay_out"](tmp_path / "class")
    there = {item.student for item in discover(tmp_path / "class")}
    assert there == set(demo["STUDENTS"])
    assert there <= set(load_expected(ROOT / "submissions" / "expected.yaml"))


def test_the_demo_changes_the_limit_and_nothing_else(demo: dict[str, Any]) -> None:
    usual, shown = shipped_rubric(), demo["rubric"]()
    assert shown.limits.seconds < usual.limits.seconds
    assert shown.model_copy(update={"limits": usual.limits}) == usual
