"""Hostile submissions leave nothing on the machine and cost their neighbours nothing."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from grader.run.setup import RunSetup
from grader.sandbox.docker import DockerSandbox, leftovers
from tests.hostile.case import HONEST, grade_path, happened, read_cases

pytestmark = pytest.mark.alone
CASES = {case.name: case for case in read_cases()}
# Of each kind of thing that could be left behind, the case that leaves most of it.
LOT = (
    "resources/fills_memory",
    "resources/fills_the_disk",
    "resources/leaves_shared_memory_behind",
    "resources/keeps_the_pipe_open",
)
MEMORY_BOUND = 2**30    # the machine's own, for whatever else goes on there
DISK_BOUND = 2**28
SETTLING_SECONDS = 60.0
A_BOMB = 20             # processes
FUSE_SECONDS = 120.0    # in which a bomb has a container and goes off

# A bomb outside of the process that was asked, under a name that it can be found by on the host.
MARKED_BOMB = """
import os, sys, time

def layer_parameter_counts(model):
    if os.fork() == 0:
        os.setsid()
        code = "import os\\nwhile True:\\n try: os.fork()\\n except OSError: pass"
        os.execv(sys.executable, [sys.executable, "-c", code, {mark!r}])
    time.sleep(10**6)
"""


@pytest.fixture
def docker(setup: RunSetup) -> DockerSandbox:
    if not isinstance(setup.sandbox, DockerSandbox):
        pytest.skip("what the process sandbox does not protect against")
    return setup.sandbox


@pytest.fixture
def grade(setup: RunSetup, tmp_path: Path) -> Callable[[str], dict[str, str]]:
    """Grade code by the criterion that is quickest; what happened."""

    def run(code: str) -> dict[str, str]:
        source = tmp_path / f"{secrets.token_hex(4)}.py"
        source.write_text(code, encoding="utf-8")
        return dict(happened(grade_path(setup, source, ("layer-counts",))))

    return run


def marked(mark: str) -> int:
    """Counts the processes of this machine that have the mark in their command line."""
    found = (process.info["cmdline"] or () for process in psutil.process_iter(["cmdline"]))
    return sum(mark in line for line in found)


def samples(mark: str, until: threading.Event, went_off: threading.Event) -> Iterator[int]:
    while not until.is_set():
        count = marked(mark)
        if count > A_BOMB:
            went_off.set()
        yield count
        time.sleep(0.5)


def test_a_bomb_beside_an_honest_training_costs_it_nothing_and_leaves_nothing(
    setup: RunSetup, docker: DockerSandbox, grade: Callable[[str], dict[str, str]]
) -> None:
    mark = secrets.token_hex(16)
    done, went_off = threading.Event(), threading.Event()
    most: list[int] = []

    def bombs() -> list[dict[str, str]]:
        words = []
        while not done.is_set():
            words.append(grade(MARKED_BOMB.format(mark=mark)))
        return words

    ids = tuple(criterion.id for criterion in setup.criteria)
    with ThreadPoolExecutor(3) as pool:
        bombing = pool.submit(bombs)
        watching = pool.submit(lambda: most.append(max(samples(mark, done, went_off))))
        try:
            # Else a training that is quick, or a container that is slow to come, meets no bomb.
            went_off.wait(FUSE_SECONDS)
            honest = happened(grade_path(setup, HONEST, ids))
        finally:
            done.set()
        watching.result()
        words = bombing.result()
    assert set(honest.values()) == {"N"}, honest
    assert {word for row in words for word in row.values()} == {"L time_limit"}
    assert A_BOMB < most[0] <= setup.rubric.limits.pids, "the bomb went off, and within its limit"
    assert marked(mark) == 0


def test_the_machine_is_afterwards_as_it_was_before(
    docker: DockerSandbox, grade: Callable[[str], dict[str, str]]
) -> None:
    root = docker.engine.api.info()["DockerRootDir"]

    def taken() -> tuple[int, int]:
        memory = psutil.virtual_memory()
        return memory.total - memory.available, psutil.disk_usage(root).used

    memory, disk = taken()
    for name in LOT:
        assert set(grade(CASES[name].code).values()) != {"N"}, name
    label = f"{leftovers.RUN}={docker.run}"
    assert docker.engine.api.containers(all=True, filters={"label": label}) == []
    until = time.monotonic() + SETTLING_SECONDS
    while time.monotonic() < until:
        now = taken()
        if now[0] < memory + MEMORY_BOUND and now[1] < disk + DISK_BOUND:
            return
        time.sleep(1)
    pytest.fail(f"memory and disk taken: {(memory, disk)} before, {now} after")
