"""Every file in `submissions/`: what it tries has no effect, or costs its student the points."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from grader.reports.student.render import Renderer
from grader.run.setup import RunSetup
from tests.hostile.case import (
    HONEST,
    Case,
    Ending,
    grade_cases,
    grade_path,
    happened,
    read_cases,
)
from tests.hostile.conftest import Verify

CASES = read_cases()


@pytest.fixture(scope="module")
def endings(
    setup: RunSetup, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, Ending]:
    """Grades the cases that are to be tested in this sandbox, as one class."""
    chosen = [item.callspec.params for item in request.session.items
              if item.path == request.path and hasattr(item, "callspec")]
    names = {params["case"].name for params in chosen if "case" in params}
    cases = [one for one in CASES if one.name in names and setup.sandbox.name in one.runs_in]
    return grade_cases(setup, cases, tmp_path_factory.mktemp("class"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_earns_nothing_and_hurts_nobody(
    setup: RunSetup, case: Case, verify: Verify, endings: Mapping[str, Ending]
) -> None:
    if setup.sandbox.name not in case.runs_in:
        pytest.skip(f"the {setup.sandbox.name} sandbox does not protect against this")
    ending = endings[case.name]
    verify(f"{case.name} ({setup.sandbox.name})", case.must, ending.grade)
    if case.leak:
        pages = Renderer().render(ending.grade, "Hostile submissions", datetime.now(UTC))
        assert case.leak not in pages.html + pages.markdown
    assert ending.containers == ()
    if case.group == "resources":
        assert ending.next_one == {"layer-counts": "N"}, "the next submission was harmed"


def test_an_honest_student_gets_all_points(setup: RunSetup) -> None:
    """Gives every N its meaning, and shows that a Z is the doing of the attack."""
    ids = tuple(criterion.id for criterion in setup.criteria)
    assert set(happened(grade_path(setup, HONEST, ids)).values()) == {"N"}
