"""Grades hostile submissions for real and prints a table of the results."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from grader.checks.registry import parameter_models
from grader.records import Grade
from grader.rubric.load import load
from grader.run.setup import RunSetup, set_up
from grader.sandbox.base import Sandbox
from tests.hostile.case import HERE, Must, happened, is_as_it_must

ROW = "hostile"   # the name under which a test's report carries a row of the table
ROWS: list[tuple[str, str, str]] = []
Verify = Callable[[str, Must, Grade], None]
Record = Callable[[str], None]


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Collects the rows of all tests, also of those that ran in other processes."""
    if report.when == "call":
        ROWS.extend(tuple(row) for name, row in report.user_properties if name == ROW)  # type: ignore[arg-type, misc]  # three texts


@pytest.fixture(scope="session")
def setup(sandbox: Sandbox) -> Iterator[RunSetup]:
    """A run of all criteria; its questions and reference answers are made once.

    Where Docker is required, as in CI, it alone is attacked: it is what the promises are for.
    """
    if sandbox.name == "process" and os.environ.get("GRADER_REQUIRE_DOCKER") == "1":
        pytest.skip("Docker is attacked here, and the process sandbox where no engine is needed")
    rubric = load(HERE / "rubric.yaml", parameter_models)
    ids = [criterion.id for criterion in rubric.criteria]
    with tempfile.TemporaryDirectory(prefix="grader-hostile-") as folder:
        workspace = Path(folder)
        workspace.chmod(0o755)
        yield set_up(rubric, ids, sandbox, workspace, workspace / "cache")


@pytest.fixture
def verify(request: pytest.FixtureRequest) -> Verify:
    """`verify(case, must, grade)` adds a row to the table for each criterion, then asserts."""

    def check(case: str, must: Must, grade: Grade) -> None:
        found = happened(grade)
        for criterion, word in found.items():
            where = f"{case} [{criterion}]" if len(found) > 1 else case
            request.node.user_properties.append((ROW, (where, " or ".join(must), word)))
        reasons = "\n".join(
            f"{row.verdict.criterion}: {row.verdict.status}: {row.verdict.reason}"
            f" {dict(row.verdict.seen)}"
            for row in grade.criteria
        )
        assert all(is_as_it_must(word, must) for word in found.values()), f"{found}\n{reasons}"

    return check


@pytest.fixture
def record(request: pytest.FixtureRequest) -> Record:
    """`record(case)` adds a row for an attack without effect that leaves no grade to look at."""
    return lambda case: request.node.user_properties.append((ROW, (case, "N", "N")))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not ROWS:
        return
    terminalreporter.section("hostile submissions: case, expected, seen")
    width = max(len(case) for case, _, _ in ROWS)
    wide = max(len(must) for _, must, _ in ROWS)
    for case, must, word in sorted(ROWS):
        terminalreporter.write_line(f"{case:<{width}}  {must:<{wide}}  {word}")
    terminalreporter.write_line("Z zero  L stopped, its limit  R refused  N no effect")
