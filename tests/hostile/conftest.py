"""A class of hostile submissions, graded for real; and the table of what became of them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from grader.checks.registry import parameter_models
from grader.records import Grade
from grader.rubric.load import load
from grader.run import pipeline
from grader.sandbox.base import Sandbox
from tests.hostile.case import HERE, Must, happened, is_as_it_must

ROWS = pytest.StashKey[list[tuple[str, str, str]]]()
Verify = Callable[[str, Must, Grade], None]
Record = Callable[[str], None]


def pytest_configure(config: pytest.Config) -> None:
    config.stash[ROWS] = []


@pytest.fixture(scope="session")
def setup(sandbox: Sandbox) -> Iterator[pipeline.RunSetup]:
    """The exam and its key, drawn once for the whole class, as in a run of the grader."""
    rubric = load(HERE / "rubric.yaml", parameter_models)
    ids = [criterion.id for criterion in rubric.criteria]
    with tempfile.TemporaryDirectory(prefix="grader-hostile-") as folder:
        workspace = Path(folder)
        workspace.chmod(0o755)
        yield pipeline.set_up(rubric, ids, sandbox, workspace, workspace / "cache")


@pytest.fixture
def verify(request: pytest.FixtureRequest) -> Verify:
    """`verify(case, must, grade)`: a row of the table for each criterion, then the judgement."""

    def check(case: str, must: Must, grade: Grade) -> None:
        rows = request.config.stash[ROWS]
        found = happened(grade)
        for criterion, word in found.items():
            where = f"{case} [{criterion}]" if len(found) > 1 else case
            rows.append((where, " or ".join(must), word))
        reasons = "\n".join(
            f"{row.verdict.criterion}: {row.verdict.status}: {row.verdict.reason}"
            f" {dict(row.verdict.seen)}"
            for row in grade.criteria
        )
        assert all(is_as_it_must(word, must) for word in found.values()), f"{found}\n{reasons}"

    return check


@pytest.fixture
def record(request: pytest.FixtureRequest) -> Record:
    """`record(case)`: a row for what was seen to have no effect, where there is no grade to ask."""
    return lambda case: request.config.stash[ROWS].append((case, "N", "N"))


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    rows = config.stash[ROWS]
    if not rows:
        return
    terminalreporter.section("hostile submissions: case, expected, seen")
    width = max(len(case) for case, _, _ in rows)
    wide = max(len(must) for _, must, _ in rows)
    for case, must, word in rows:
        terminalreporter.write_line(f"{case:<{width}}  {must:<{wide}}  {word}")
    terminalreporter.write_line("Z zero  L stopped, its limit  R refused  N no effect")
