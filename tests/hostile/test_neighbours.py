"""Nothing of one student reaches another: not the next in line, nor one at the same time."""

from __future__ import annotations

import dataclasses
import time
from collections import defaultdict
from pathlib import Path

import pytest

from grader.run.pipeline import grade_all
from grader.run.schedule import Slots
from grader.run.setup import RunSetup
from grader.submissions.discover import hand_in
from tests.hostile.case import Case, grade_code, read_cases
from tests.hostile.conftest import Verify

CASES = {case.name: case for case in read_cases()}
LEAVES, LOOKS = CASES["neighbours/leaves_traces"], CASES["neighbours/looks_for_traces"]
SECONDS = 3.0   # for which both cases stay, in each of their two sessions
# What one container lets one leave and find in it, in the words of looks_for_traces.py.
FOUND = (
    "/tmp/left-by-a-neighbour",
    "/dev/shm/left-by-a-neighbour",
    "/dev/shm/shm.left-by-a-neighbour",
    "/dev/shm/sem.left-by-a-neighbour",
    "/.cache/torch/hub/left-by-a-neighbour",
    "/.cache/huggingface/left-by-a-neighbour",
    "System V shm",
    "System V sem",
    "System V msg",
    "socket @left-by-a-neighbour",
    "port 46371",
    "process /proc/",
    "lock on /data/",
    "lock on /opt/venv/lib/",
)


@pytest.fixture
def contained(setup: RunSetup) -> RunSetup:
    """The process sandbox promises nothing of this: SECURITY.md."""
    if setup.sandbox.name != "docker":
        pytest.skip("students in the process sandbox share one machine and one user")
    return setup


def test_what_is_left_is_found_by_whoever_can_reach_it(contained: RunSetup, tmp_path: Path) -> None:
    """Both in one container: without this, to find nothing would mean nothing."""
    at_once = "\nimport torch, traces\ntraces.SECONDS = 0\n"
    at_once += "traces.layer_parameter_counts(torch.nn.Linear(1, 1))\n"
    both = dataclasses.replace(LOOKS, code=LOOKS.code + at_once, others={"traces.py": LEAVES.code})
    (row,) = grade_code(contained, both, tmp_path).criteria
    said = str(row.verdict.seen.get("traceback", "")) + row.verdict.reason
    assert [trace for trace in FOUND if trace not in said] == [], said


def test_the_next_student_finds_nothing(
    contained: RunSetup, verify: Verify, tmp_path: Path
) -> None:
    for case in (LEAVES, LOOKS):
        grade = grade_code(contained, case, tmp_path)
        verify(f"{case.name}, one after the other", case.must, grade)


def test_a_student_at_the_same_time_finds_nothing(
    contained: RunSetup, verify: Verify, tmp_path: Path
) -> None:
    told: dict[str, list[float]] = defaultdict(list)
    criteria = tuple(one for one in contained.criteria if one.id in LOOKS.criteria)
    asker = dataclasses.replace(contained.asker, slots=Slots(2))
    two = dataclasses.replace(contained, criteria=criteria, asker=asker, in_hand=2)
    paths = [_written(case, tmp_path) for case in (LEAVES, LOOKS)]
    for grade in grade_all(
        two,
        [hand_in(path) for path in paths],
        lambda who, what: told[who].append(time.monotonic()),
    ):
        case = next(one for one in (LEAVES, LOOKS) if one.name.split("/")[1] in grade.student)
        verify(f"{case.name}, at the same time", case.must, grade)
    # Told before each question and after the last: before the second one, the container had been
    # there for as long as the first had waited.
    began, ended = zip(*((times[-3] - SECONDS, times[-2]) for times in told.values()), strict=True)
    assert min(ended) - max(began) > 1, "they were not there at the same time; nothing is shown"


def _written(case: Case, folder: Path) -> Path:
    path = folder / f"{case.name.split('/')[1]}.py"
    path.write_text(case.code, encoding="utf-8")
    return path
