"""Every file in `submissions/`: what it tries has no effect, or costs its student the points."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from grader.reports.student.render import Renderer
from grader.run.pipeline import Setting
from grader.sandbox.docker import DockerSandbox, leftovers

from .case import HONEST, Case, grade_code, grade_path, happened, read_cases
from .conftest import Verify

CASES = read_cases()


def containers(sandbox: DockerSandbox) -> list[str]:
    found = sandbox.engine.api.containers(
        all=True, filters={"label": f"{leftovers.RUN}={sandbox.run}"}
    )
    return [container["Id"] for container in found]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_earns_nothing_and_hurts_nobody(
    setting: Setting, case: Case, verify: Verify, tmp_path: Path
) -> None:
    if setting.sandbox.name not in case.runs_in:
        pytest.skip(f"the {setting.sandbox.name} sandbox does not protect against this")
    grade = grade_code(setting, case, tmp_path)
    verify(f"{case.name} ({setting.sandbox.name})", case.must, grade)
    if case.leak:
        pages = Renderer().render(grade, "Hostile submissions", datetime.now(UTC))
        assert case.leak not in pages.html + pages.markdown
    if isinstance(setting.sandbox, DockerSandbox):
        assert containers(setting.sandbox) == []
    if case.group == "resources":
        after = grade_path(setting, HONEST, ("layer-counts",))
        assert happened(after) == {"layer-counts": "N"}, "the next submission was harmed"


def test_an_honest_student_gets_all_points(setting: Setting) -> None:
    """What every N means, and that a Z is the attack's and not the class's."""
    ids = tuple(criterion.id for criterion in setting.criteria)
    assert set(happened(grade_path(setting, HONEST, ids)).values()) == {"N"}
