"""The engine goes away, its image and its containers are removed: nobody gets a zero for it."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from docker.errors import APIError

from grader.sandbox.docker import Build, DockerSandbox
from grader.sandbox.docker.image import image_tag
from tests.faults.a_class import (
    FULL,
    ROOT,
    SLOW,
    Grader,
    a_class,
    containers,
    eventually,
    grading,
    marks,
    verdicts,
)
from tests.faults.engine_link import Link, engine_link

pytestmark = pytest.mark.docker
STUDENTS = 6


@pytest.fixture
def submissions(tmp_path: Path) -> Path:
    return a_class(tmp_path / "in", STUDENTS, SLOW)


@pytest.fixture
def link(docker_sandbox: DockerSandbox) -> Iterator[Link]:
    # A socket's path may have 107 characters, and pytest's folders have long names.
    with tempfile.TemporaryDirectory() as folder, engine_link(Path(folder) / "docker.sock") as link:
        yield link


def nobody_lost_points(grader: Grader) -> None:
    assert set(marks(grader.out).values()) <= {FULL, None}, grader.text


def the_rest_is_not_scored(grader: Grader, reason: str) -> None:
    found = marks(grader.out)
    assert len(found) == STUDENTS
    assert None in found.values()
    nobody_lost_points(grader)
    assert "could not be scored because the grader or this machine failed" in grader.text
    assert "run the same command again" in grader.text
    assert reason in (grader.out / "grades.json").read_text(encoding="utf-8")


def the_next_run_completes(submissions: Path, before: Grader, **environment: str) -> None:
    kept = [row for row in verdicts(before.out) if row[2] == "passed"]
    with grading(submissions, before.out, **environment) as grader:
        assert grader.end() == 0, grader.text
    assert set(marks(before.out).values()) == {FULL}
    passed = [row for row in verdicts(before.out) if row[2] == "passed"]
    assert passed[: len(kept)] == kept
    assert len(passed) == STUDENTS, "somebody was graded twice"


def test_an_engine_that_comes_back_costs_nothing_but_time(
    link: Link, submissions: Path, tmp_path: Path
) -> None:
    with grading(submissions, tmp_path / "out", DOCKER_HOST=link.address) as grader:
        grader.wait_for(r"^\[1/")
        link.cut()
        threading.Timer(4, link.mend).start()
        assert grader.end() == 0, grader.text
    assert set(marks(grader.out).values()) == {FULL}


def test_an_engine_that_stays_away_scores_nobody_and_the_next_run_goes_on(
    link: Link, submissions: Path, tmp_path: Path, docker_sandbox: DockerSandbox
) -> None:
    with grading(submissions, tmp_path / "out", DOCKER_HOST=link.address) as grader:
        grader.wait_for(r"^\[1/")
        link.cut()
        assert grader.end() == 1, grader.text
    the_rest_is_not_scored(grader, "no Docker Engine answers")
    the_next_run_completes(submissions, grader)
    assert containers(docker_sandbox, grader) == [], "the next grader tidies up"


def test_a_container_that_somebody_removes_is_replaced(
    docker_sandbox: DockerSandbox, submissions: Path, tmp_path: Path
) -> None:
    with grading(submissions, tmp_path / "out") as grader:
        grader.wait_for(r"^\[1/")
        assert eventually(lambda: remove_one(docker_sandbox, grader))
        assert grader.end() == 0, grader.text
    assert set(marks(grader.out).values()) == {FULL}


def remove_one(sandbox: DockerSandbox, grader: Grader) -> bool:
    """Removes a running container; False where none runs."""
    for container in containers(sandbox, grader):
        name, _, state = container.partition(" ")
        with suppress(APIError):
            if state == "(running)":
                sandbox.engine.api.remove_container(name.strip("/"), force=True)
                return True
    return False


def test_an_image_whose_name_is_taken_away_costs_nobody_anything(
    docker_sandbox: DockerSandbox, submissions: Path, tmp_path: Path
) -> None:
    """All containers of a run are made of one image, whatever its name means meanwhile."""
    api = docker_sandbox.engine.api
    tag = image_tag(Build({"BASE_IMAGE": "grader-base:faults"}))
    repository, _, digest = tag.partition(":")
    api.tag(docker_sandbox.image, repository, digest)
    try:
        out = tmp_path / "out"
        with grading(submissions, out, GRADER_BASE_IMAGE="grader-base:faults") as grader:
            grader.wait_for(r"^\[1/")
            api.remove_image(tag)
            assert grader.end() == 0, grader.text
    finally:
        with suppress(APIError):
            api.remove_image(tag)
    assert set(marks(grader.out).values()) == {FULL}


@pytest.mark.alone
@pytest.mark.skipif(
    os.environ.get("GRADER_ENGINE_IS_OURS") != "1",
    reason="restarts the machine's Docker Engine; GRADER_ENGINE_IS_OURS=1 says that it may",
)
def test_an_engine_that_is_restarted_costs_nobody_anything(
    docker_sandbox: DockerSandbox, submissions: Path, tmp_path: Path
) -> None:
    with grading(submissions, tmp_path / "out") as grader:
        grader.wait_for(r"^\[1/")
        restart_engine()
        code = grader.end()
    nobody_lost_points(grader)
    assert code == (1 if None in marks(grader.out).values() else 0)
    if code:
        the_next_run_completes(submissions, grader)


def restart_engine() -> None:
    pid = int(Path("/var/run/docker.pid").read_text())
    os.kill(pid, signal.SIGTERM)
    until = time.monotonic() + 60
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < until, "the engine does not stop"
        time.sleep(0.1)
    subprocess.run([ROOT / "scripts" / "debian-docker.sh", "engine"], check=True)
