"""Every file in `submissions/`: what it tries has no effect, or costs its student the points."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from grader.reports.student.render import Renderer
from grader.run.setup import RunSetup
from grader.sandbox.docker import DockerSandbox, leftovers
from tests.hostile.case import HONEST, Case, grade_code, grade_path, happened, read_cases
from tests.hostile.conftest import Verify

CASES = read_cases()


def containers(sandbox: DockerSandbox) -> list[str]:
    found = sandbox.engine.api.containers(
        all=True, filters={"label": f"{leftovers.RUN}={sandbox.run}"}
    )
    return [container["Id"] for container in found]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_earns_nothing_and_hurts_nobody(
    setup: RunSetup, case: Case, verify: Verify, tmp_path: Path
) -> None:
    if setup.sandbox.name not in case.runs_in:
        pytest.skip(f"the {setup.sandbox.name} sandbox does not protect against this")
    grade = grade_code(setup, case, tmp_path)
    verify(f"{case.name} ({setup.sandbox.name})", case.must, grade)
    if case.leak:
        pages = Renderer().render(grade, "Hostile submissions", datetime.now(UTC))
        assert case.leak not in pages.html + pages.markdown
    if isinstance(setup.sandbox, DockerSandbox):
        assert containers(setup.sandbox) == []
    if case.group == "resources":
        after = grade_path(setup, HONEST, ("layer-counts",))
        assert happened(after) == {"layer-counts": "N"}, "the next submission was harmed"


def test_an_honest_student_gets_all_points(setup: RunSetup) -> None:
    """What every N means, and that a Z is the attack's and not the class's."""
    ids = tuple(criterion.id for criterion in setup.criteria)
    assert set(happened(grade_path(setup, HONEST, ids)).values()) == {"N"}
