"""Ctrl-C, once and twice; two graders at once."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import psutil
import pytest
from docker.errors import NotFound

from grader.sandbox.docker import DockerSandbox
from grader.sandbox.docker.shares import FULL as FULL_SHARES
from tests.faults.a_class import (
    FULL,
    SLOW,
    Grader,
    a_class,
    containers,
    eventually,
    grading,
    marks,
    verdicts,
)

SANDBOXES = ["process", pytest.param("docker", marks=pytest.mark.docker)]


@pytest.fixture(params=SANDBOXES)
def sandbox(request: pytest.FixtureRequest) -> str:
    if request.param == "docker":
        request.getfixturevalue("docker_sandbox")   # builds the image, or skips
    return str(request.param)


def test_ctrl_c_finishes_what_runs_and_the_next_run_goes_on(sandbox: str, tmp_path: Path) -> None:
    submissions, out = a_class(tmp_path / "in", 6, SLOW), tmp_path / "out"
    with grading(submissions, out, "--sandbox", sandbox) as grader:
        grader.wait_for(r"^\[1/6\]")
        grader.interrupt()
        grader.wait_for("Ctrl-C again to stop at once")
        assert grader.end() == 130
    assert "not begun. Run the same command again" in grader.text
    done = marks(out)
    assert 0 < len(done) < 6
    assert set(done) == grader.finished == {student for student, _, _ in verdicts(out)}
    assert set(done.values()) == {FULL}
    with grading(submissions, out, "--sandbox", sandbox) as grader:
        assert grader.end() == 0, grader.text
    assert marks(out) == {path.stem: FULL for path in submissions.iterdir()}
    assert len(verdicts(out)) == 6, "somebody was graded twice"


def test_ctrl_c_twice_stops_at_once_and_costs_nobody_anything(
    sandbox: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    endless = SLOW.replace("sleep(2)", "sleep(7)")
    submissions, out = a_class(tmp_path / "in", 3, endless), tmp_path / "out"
    with grading(submissions, out, "--sandbox", sandbox) as grader:
        engine = request.getfixturevalue("docker_sandbox") if sandbox == "docker" else None
        assert eventually(lambda: workers(grader, engine) >= 2, 90), "the class was not begun"
        grader.interrupt()
        grader.wait_for("Ctrl-C again to stop at once")
        began = time.monotonic()
        grader.interrupt()
        assert grader.end() == 130
        assert time.monotonic() - began < 6, "it waited for the students' code"
    assert "Run the same command again, without --fresh, to continue" in grader.text
    assert [status for _, _, status in verdicts(out) if status != "not_scored"] == []
    if engine is not None:
        assert containers(engine, grader) == []


def test_a_grader_that_is_held_up_takes_nobodys_points(
    sandbox: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Ctrl-Z and fg, a machine that was paused: the limits of those who ran then are long over."""
    submissions, out = a_class(tmp_path / "in", 2, SLOW), tmp_path / "out"
    with grading(submissions, out, "--sandbox", sandbox) as grader:
        engine = request.getfixturevalue("docker_sandbox") if sandbox == "docker" else None
        assert eventually(lambda: workers(grader, engine) >= 2, 90), "the class was not begun"
        grader.process.send_signal(signal.SIGSTOP)
        time.sleep(26)   # 8 seconds are the limit, 10 its grace, 5 what else may come late
        grader.process.send_signal(signal.SIGCONT)
        assert grader.end() == 0, grader.text
    assert marks(out) == {path.stem: FULL for path in submissions.iterdir()}


def test_what_is_stopped_in_the_middle_of_its_work_keeps_no_failure(tmp_path: Path) -> None:
    """Stopped at once, a run takes its folders away: code that writes a file would miss them."""
    writes = SLOW.replace("sleep(2)", "sleep(4); open('notes.txt', 'w').close()")
    submissions, out = a_class(tmp_path / "in", 2, writes), tmp_path / "out"
    with grading(submissions, out, "--sandbox", "process") as grader:
        assert eventually(lambda: workers(grader, None) >= 2, 90), "the class was not begun"
        grader.process.send_signal(signal.SIGTERM)
        assert grader.end() == 130
    assert {status for _, _, status in verdicts(out)} <= {"not_scored"}
    with grading(submissions, out, "--sandbox", "process") as grader:
        assert grader.end() == 0, grader.text
    assert marks(out) == {path.stem: FULL for path in submissions.iterdir()}


def test_two_graders_do_not_share_a_results_folder(tmp_path: Path) -> None:
    submissions, out = a_class(tmp_path / "in", 3, SLOW), tmp_path / "out"
    with grading(submissions, out, "--sandbox", "process") as first:
        first.wait_for(r"^\[1/3\]")
        with grading(submissions, out, "--sandbox", "process") as second:
            assert second.end() == 2
        assert "another grader is using this folder" in second.text
        assert f"process {first.process.pid} on" in second.text
        assert first.end() == 0
    assert set(marks(out).values()) == {FULL}
    assert len(verdicts(out)) == 3


def workers(grader: Grader, engine: DockerSandbox | None) -> int:
    """Counts the workers that are asked.

    In the process sandbox no worker starts ahead of its turn. In both, the reference has one at
    first.
    """
    if engine is None:
        return len(psutil.Process(grader.process.pid).children())
    found = [one.split()[0] for one in containers(engine, grader)]
    return sum(_shares(engine, name) == FULL_SHARES for name in found)


def _shares(engine: DockerSandbox, name: str) -> int:
    """The processor weight of a container; 0 if it is gone since the list was made."""
    try:
        return int(engine.engine.api.inspect_container(name)["HostConfig"]["CpuShares"])
    except NotFound:
        return 0
