"""Fixtures that tests of several packages share, and how tests are shared out to processes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any

import pytest
from filelock import FileLock
from hypothesis import HealthCheck, settings

from grader.errors import SandboxError
from grader.sandbox.base import Sandbox
from grader.sandbox.docker import Build, DockerSandbox, connect, ensure_image
from tests.factories import DOCKER, requested_sandbox
from tests.support.installed import distributions, installed  # noqa: F401 - fixtures, as the next one
from tests.support.looking import chromium, page  # noqa: F401 - fixtures, for tests that name them
from tests.support.shared import made_once, shared_folder

# A busy machine is slow, and that is no fault of what is tested. In CI the same examples come each
# time, so that a commit does not pass or fail by luck; elsewhere they are drawn anew.
settings.register_profile("local", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("local"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")

# Processes of tests share the cores: threads of one that wait for each other would only hold up the
# others. Workers are told how many threads they have.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")


# How `pytest -n` shares tests out. A module's tests stay together in one process, so that a fixture
# of the module runs once; hostile tests for one sandbox share one run of the grader. CLASSES are
# never graded side by side: the kernel gives all containers together as much of the processor as it
# gives one process, and trainings have a time limit. The modules in SPREAD take long and have no
# fixtures that cost much: each of their tests goes to any process that is free, and so do tests of
# faults, which mostly wait.
CLASSES = ("tests/run/test_samples.py", "tests/run/test_examples.py")
SPREAD = ("tests/run/test_early_stopping.py", "tests/test_tutorials.py")
POOLS = "tests/sandbox/pools/"
# What takes longest begins first, so that all processes end at about the same time.
ON_POOLS = tuple(f"{POOLS}test_{name}.py" for name in ("ray_faults", "ray", "slurm"))
LONGEST_FIRST = (*CLASSES, *ON_POOLS, *SPREAD)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return

    def place(item: pytest.Item) -> int:
        module = item.nodeid.partition("::")[0]
        return LONGEST_FIRST.index(module) if module in LONGEST_FIRST else len(LONGEST_FIRST)

    items.sort(key=place)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]  # no hints

    class InGroups(LoadScopeScheduling):   # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            module, _, test = nodeid.partition("::")
            sandbox = re.search(r"\b(process|spawned|docker)\b", test.partition("[")[2])
            if module in SPREAD or module.startswith("tests/faults/"):
                return nodeid
            if module in CLASSES:
                return "classes"
            if module.startswith(POOLS):
                return "pools"   # one cluster, and never two of them side by side
            if sandbox and module.startswith("tests/hostile/"):
                return f"hostile {sandbox[1]}"
            return f"{module} {sandbox[1]}" if sandbox else module

    config.option.loadscopereorder = False
    return InGroups(config, log)


@pytest.fixture(scope="session")
def docker_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerSandbox]:
    """A Docker sandbox with the worker's image, which is built when it is missing.

    Without an engine or an image the test is skipped; where GRADER_REQUIRE_DOCKER is 1, as in CI,
    it fails. GRADER_BASE_IMAGE names the base image.
    """
    required = os.environ.get("GRADER_REQUIRE_DOCKER") == "1"
    try:
        engine = connect()
    except SandboxError as error:
        if required:
            raise
        pytest.skip(f"no Docker Engine: {error}")
    try:
        try:
            with FileLock(shared_folder(tmp_path_factory) / "image.lock"):
                image = ensure_image(engine, Build(), on_progress=print)
        except SandboxError as error:
            if required:
                raise
            pytest.skip(f"no worker's image: {error}")
        sandbox = DockerSandbox(engine, image)
        made_once(tmp_path_factory, "reaped", lambda folder: sandbox.reap_leftovers())
        yield sandbox
    finally:
        engine.close()


@pytest.fixture(scope="session", params=["process", DOCKER])
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    """Each sandbox in turn."""
    return requested_sandbox(request)
