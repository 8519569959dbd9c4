"""Every sample in submissions/ gets exactly the marks in expected.yaml.

All are graded in the process sandbox. Docker grades those whose code touches what differs there:
files, archives, other processes, memory, the processor. `grader validate` grades its cases there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from grader.records import Grade
from grader.rubric.model import Rubric
from grader.submissions.discover import discover, hand_in
from grader.validation.expected_marks import differences, load_expected
from grader.validation.outcomes import Case, conclude
from grader.validation.run import automatic
from tests.factories import DOCKER, ROOT, graded_homework, requested_sandbox

SAMPLES = ROOT / "submissions"
EXPECTED = load_expected(SAMPLES / "expected.yaml")
IN_DOCKER = (
    "compiled", "iterators", "keepsbest", "lovelaceada", "parallel", "reports-higher", "resumes",
    "right-folder", "syntaxerror", "tarball", "usedup", "zipped",
)  # fmt: skip

Grades = Mapping[str, Grade]


@pytest.fixture(scope="module", params=["process", DOCKER])
def grades(request: pytest.FixtureRequest, rubric: Rubric) -> Iterator[Grades]:
    """The samples, the reference and the untouched starter, graded once per sandbox."""
    samples = [
        one for one in discover(SAMPLES) if request.param == "process" or one.student in IN_DOCKER
    ]
    everyone = [*samples, hand_in(ROOT / "reference"), hand_in(ROOT / "starter")]
    with graded_homework(rubric, requested_sandbox(request), everyone) as found:
        yield found


def marks(grade: Grade) -> dict[str, float | None]:
    return {
        row.verdict.criterion: None if row.points is None else round(row.points, 2)
        for row in grade.criteria
    }


def reasons(grade: Grade) -> str:
    return "\n".join(
        f"{row.verdict.criterion}: {row.points}, {row.verdict.status}: {row.verdict.reason}"
        for row in grade.criteria
    )


def test_samples_get_their_marks(grades: Grades) -> None:
    wrong = {
        student: (marks(grades[student]), reasons(grades[student]))
        for student, expected in EXPECTED.items()
        if student in grades
        and (marks(grades[student]) != expected.points or grades[student].state == "not_scored")
    }
    assert wrong == {}
    assert len(set(grades) & set(EXPECTED)) in (len(EXPECTED), len(IN_DOCKER))


def test_reference_earns_every_automatic_point(grades: Grades, rubric: Rubric) -> None:
    reference = Case("reference", "reference", "the reference solution")
    concluded = conclude(reference, grades["reference"], automatic(rubric))
    assert concluded.outcome == "right", reasons(grades["reference"])


def test_untouched_starter_earns_nothing(grades: Grades) -> None:
    assert set(marks(grades["starter"]).values()) == {0.0}, reasons(grades["starter"])


def test_every_sample_has_marks_for_every_criterion(rubric: Rubric) -> None:
    assert {item.student for item in discover(SAMPLES)} == set(EXPECTED)
    ids = {criterion.id for criterion in rubric.criteria}
    assert all(set(sample.points) == ids for sample in EXPECTED.values())


def test_samples_for_docker_are_samples() -> None:
    assert set(IN_DOCKER) <= set(EXPECTED)


def test_a_mark_that_is_not_the_expected_one_is_told(grades: Grades, tmp_path: Path) -> None:
    text = (SAMPLES / "expected.yaml").read_text(encoding="utf-8")
    other = tmp_path / "expected.yaml"
    other.write_text(text.replace("accuracy: 13.6", "accuracy: 34"), encoding="utf-8")
    samples = [grade for student, grade in grades.items() if student in EXPECTED]
    (line,) = (line for line in differences(other, samples) if "but not graded" not in line)
    assert line.startswith("reports-higher, accuracy: expected 34, got 13.6")
