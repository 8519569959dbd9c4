"""Each homework in examples/ grades its own samples right: all in a process, two in Docker."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from grader.checks.registry import parameter_models
from grader.errors import DataError
from grader.records import Grade
from grader.rubric.load import load
from grader.run.setup import set_up
from grader.sandbox.process import ProcessSandbox
from grader.submissions.discover import discover, hand_in
from grader.validation.expected_marks import differences
from grader.validation.outcomes import Case, conclude
from grader.validation.run import automatic
from tests.factories import DOCKER, grade_file, graded_homework, requested_sandbox

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
# The curve is what `grader init` writes: tests/cli/test_init.py has it validate itself. Batch norm
# is validated by the tutorial tutorial-own.md.
ELSEWHERE = {"curve", "batchnorm"}
HOMEWORKS = sorted({path.parent.name for path in EXAMPLES.glob("*/rubric.yaml")} - ELSEWHERE)
IN_DOCKER = 2   # samples

Graded = tuple[Path, Mapping[str, Grade]]


@pytest.fixture(scope="module", params=HOMEWORKS)
def homework(request: pytest.FixtureRequest) -> Path:
    return EXAMPLES / str(request.param)


@pytest.fixture(
    scope="module", params=["process", DOCKER]
)
def graded(request: pytest.FixtureRequest, homework: Path) -> Iterator[Graded]:
    """The samples, the reference and the untouched starter, graded once per sandbox."""
    rubric = load(homework / "rubric.yaml", parameter_models)
    own = [hand_in(rubric.reference), hand_in(homework / "starter")]
    samples = [*discover(homework / "submissions")]
    everyone = [*(samples if request.param == "process" else samples[:IN_DOCKER]), *own]
    with graded_homework(rubric, requested_sandbox(request), everyone) as grades:
        yield homework, grades


def test_samples_get_their_marks_and_the_reference_all_points(graded: Graded) -> None:
    homework, grades = graded
    samples = [one for name, one in grades.items() if name not in ("reference", "starter")]
    assert len(samples) >= IN_DOCKER
    told = differences(homework / "submissions" / "expected.yaml", samples)
    assert [line for line in told if "but not graded" not in line] == []
    rubric = load(homework / "rubric.yaml", parameter_models)
    reference = Case("reference", "reference", "the reference solution")
    assert conclude(reference, grades["reference"], automatic(rubric)).outcome == "right"


def test_the_untouched_starter_earns_nothing(graded: Graded) -> None:
    _, grades = graded
    assert grades["starter"].score == 0, grades["starter"]


def test_a_check_that_trains_needs_data_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "rubric.yaml").write_text(
        "title: T\ntotal: 1\ncap: 1\nreference: .\ncriteria:\n"
        "  - {id: learns, title: It learns, part: '1', points: 1, check: accuracy}\n"
    )
    (tmp_path / "hw.py").write_text("")
    rubric = load(tmp_path / "rubric.yaml", parameter_models)
    setup = set_up(rubric, ["learns"], ProcessSandbox(), tmp_path, tmp_path / "cache")
    with pytest.raises(DataError, match=r"'learns' trains, and the rubric has no data"):
        grade_file(setup, tmp_path / "hw.py")
