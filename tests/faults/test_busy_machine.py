"""The same marks beside eight busy processes as on an idle machine."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator

import pytest

from grader.sandbox.base import Sandbox
from grader.submissions.discover import discover
from grader.validation.expected_marks import differences
from tests.factories import DOCKER, ROOT, graded_homework, requested_sandbox, shipped_rubric

SAMPLES = ROOT / "submissions"
BUSY = 8
# A training, one that forges its report, and a plain script. All samples would take an hour.
STUDENTS = ("bymodule", "reports-higher", "right-folder")


@contextlib.contextmanager
def busy(number: int) -> Iterator[None]:
    """Keep so many processes busy; they end with this one."""
    loop = "import os\nparent = os.getppid()\nwhile os.getppid() == parent: sum(range(10**5))"
    processes = [subprocess.Popen([sys.executable, "-c", loop]) for _ in range(number)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


@pytest.fixture(params=["process", DOCKER])
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    return requested_sandbox(request)


@pytest.mark.alone
def test_samples_get_their_marks_beside_eight_busy_processes(sandbox: Sandbox) -> None:
    everyone = [one for one in discover(SAMPLES) if one.student in STUDENTS]
    assert len(everyone) == len(STUDENTS)
    with busy(BUSY), graded_homework(shipped_rubric(), sandbox, everyone) as found:
        told = differences(SAMPLES / "expected.yaml", list(found.values()))
    assert len(found) == len(STUDENTS)
    assert [line for line in told if "but not graded" not in line] == []
