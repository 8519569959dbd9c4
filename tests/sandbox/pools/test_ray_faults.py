"""Nodes and graders that end at the wrong moment: nobody loses a point, and nothing is left."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from grader.errors import NodeLost, NoNodeLeft, SandboxError
from grader.records import Question
from grader.sandbox.conversation import converse
from grader.sandbox.outcomes import NODE_LOST
from grader.sandbox.pools.ray_pool import RayPool
from tests.faults.a_class import FULL, SLOW, a_class, eventually, grading, marks, verdicts
from tests.sandbox.pools.conftest import Machines
from tests.sandbox.test_contract import KINDS, TINY, group, job_of

pytestmark = pytest.mark.docker

ATTIC = {"room": "attic"}
ENGINE = "/var/run/docker.sock"
ENDLESS = ("cat",)   # like a worker, it ends when its stdin does


def in_attic(machines: Machines, command: tuple[str, ...] | None = None) -> RayPool:
    """A pool of the one node that a test is going to kill."""
    return RayPool(machines.address, machines.docker.image, labels=ATTIC, command=command)


def soon(machines: Machines, node: object, when: Callable[[], bool]) -> threading.Thread:
    """Kill a node as soon as something is true."""

    def kill() -> None:
        assert eventually(when, 60)
        machines.kill(node)

    thread = threading.Thread(target=kill)
    thread.start()
    return thread


def test_a_node_that_dies_while_code_runs_costs_nobody_anything(
    machines: Machines, tmp_path: Path
) -> None:
    node = machines.add(labels=ATTIC)
    pool = in_attic(machines)
    questions = tuple(Question(kind, kind, {"network": TINY}, kind, 60) for kind in KINDS)
    job = job_of(tmp_path, group("time.sleep(50)"), questions)
    try:
        sandbox = pool.open(tmp_path, print, threading.Event())
        began = time.monotonic()
        killer = soon(machines, node, lambda: bool(machines.running))
        found = converse(sandbox, job)
        killer.join()
        assert {one.outcome.kind for one in found} == {NODE_LOST}
        assert {one.outcome.owner for one in found} == {"harness"}
        assert "contact with" in found[0].outcome.message
        assert time.monotonic() - began < 60
        machines.settle()
        with pytest.raises(NoNodeLeft, match="no machine of the cluster is left"):
            sandbox.start(replace(job, questions=()), ()).__enter__()
    finally:
        pool.close()
    assert eventually(lambda: machines.running == [], 60)


def test_a_node_that_dies_before_the_worker_is_stopped_gives_no_honest_looking_exit(
    machines: Machines, tmp_path: Path
) -> None:
    node = machines.add(labels=ATTIC)
    pool = in_attic(machines, ENDLESS)
    job = job_of(tmp_path, "", ())
    try:
        sandbox = pool.open(tmp_path, print, threading.Event())
        with sandbox.start(job, ()) as worker:
            machines.kill(node)
            machines.settle()
            assert worker.read(1) == b""
            ended = worker.stop()
            assert ended.node_lost and ended.code is None and "contact with" in str(ended.lost)
            assert worker.stop() == ended
    finally:
        pool.close()
    assert eventually(lambda: machines.running == [], 60)


def test_a_node_whose_engine_stops_is_lost_and_the_others_start_as_before(
    machines: Machines, tmp_path: Path
) -> None:
    engine = tmp_path / "engine.sock"
    engine.symlink_to(os.environ.get("DOCKER_HOST", "").removeprefix("unix://") or ENGINE)
    node = machines.add(labels=ATTIC, env_vars={"DOCKER_HOST": f"unix://{engine}"})
    pool, others = in_attic(machines, ENDLESS), RayPool(machines.address, machines.docker.image)
    job = job_of(tmp_path, "", ())
    try:
        sandbox = pool.open(tmp_path, print, threading.Event())
        engine.unlink()
        with pytest.raises(NodeLost, match="no Docker Engine answers"):
            sandbox.start(job, ()).__enter__()
        engine.write_text("no socket")
        with pytest.raises(NodeLost):
            sandbox.start(job, ()).__enter__()
        pool.close()
        machines.kill(node)
        machines.settle()
        with others.open(tmp_path, print, threading.Event()).start(job, ()) as worker:
            assert worker.paths.submission
    finally:
        pool.close()
        others.close()
    assert machines.containers == []


def test_a_node_that_no_longer_has_the_image_is_lost_and_a_wrong_submission_is_not(
    machines: Machines, tmp_path: Path
) -> None:
    pool, job = RayPool(machines.address, machines.docker.image), job_of(tmp_path, "", ())
    try:
        sandbox = pool.open(tmp_path, print, threading.Event())
        with pytest.raises(SandboxError) as ours:   # nothing that a node has lost
            sandbox.start(replace(job, submission=tmp_path / "nothing"), ()).__enter__()
        assert not isinstance(ours.value, NodeLost)
        # Both nodes share an engine, which keeps its image: they are asked for another one.
        sandbox._settings = replace(sandbox._settings, image_id=f"sha256:{0:064}")
        with pytest.raises(NodeLost, match="No such image"):
            sandbox.start(job, ()).__enter__()
    finally:
        pool.close()
    assert machines.containers == []


def test_a_worker_that_waits_for_room_ends_with_the_run(
    machines: Machines, tmp_path: Path
) -> None:
    stop = threading.Event()
    pool = RayPool(machines.address, machines.docker.image, command=ENDLESS)
    job = job_of(tmp_path, "", ())
    try:
        sandbox = pool.open(tmp_path, print, stop)
        with sandbox.start(job, ()), sandbox.start(job, ()):   # each fills a node
            threading.Timer(1, stop.set).start()
            with pytest.raises(Exception, match="stopped before a machine had room") as waited:
                sandbox.start(job, ()).__enter__()
            assert not isinstance(waited.value, NodeLost)
    finally:
        pool.close()
    assert machines.containers == []


def test_a_grader_that_is_killed_leaves_no_container_and_the_next_run_goes_on(
    machines: Machines, tmp_path: Path
) -> None:
    submissions, out = a_class(tmp_path / "in", 4, SLOW), tmp_path / "out"
    with grading(submissions, out, "--on", "ray") as grader:
        grader.wait_for(r"^\[1/4\]")
        grader.kill()
    assert eventually(lambda: machines.running == [], 60), machines.containers
    before = verdicts(out)
    assert 0 < len(before) < 4
    with grading(submissions, out, "--on", "ray") as grader:
        assert grader.end() == 0, grader.text
    assert marks(out) == {path.stem: FULL for path in submissions.iterdir()}
    assert verdicts(out)[: len(before)] == before and len(verdicts(out)) == 4
    assert machines.containers == [], "the next run has removed what was left"


def test_ctrl_c_finishes_what_runs_and_ctrl_c_twice_ends_it_on_every_node(
    machines: Machines, tmp_path: Path
) -> None:
    submissions, out = a_class(tmp_path / "in", 5, SLOW), tmp_path / "out"
    with grading(submissions, out, "--on", "ray") as grader:
        grader.wait_for(r"^\[1/5\]")
        grader.interrupt()
        assert grader.end() == 130
    done = marks(out)
    assert 0 < len(done) < 5 and set(done.values()) == {FULL}
    assert set(done) == grader.finished
    assert machines.containers == []
    endless = a_class(tmp_path / "endless", 3, SLOW.replace("sleep(2)", "sleep(7)"))
    with grading(endless, tmp_path / "other", "--on", "ray") as grader:
        assert eventually(lambda: len(machines.running) >= 2, 90), "the class was not begun"
        grader.interrupt()
        grader.wait_for("Ctrl-C again to stop at once")
        grader.interrupt()
        assert grader.end(30) == 130
    kept = [status for _, _, status in verdicts(tmp_path / "other")]
    assert set(kept) <= {"not_scored", "passed"}
    assert eventually(lambda: machines.containers == [], 15), machines.containers
