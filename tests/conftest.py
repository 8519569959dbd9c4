"""What tests of several rooms share."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from grader.errors import SandboxError
from grader.sandbox.base import Sandbox
from grader.sandbox.docker import Build, DockerSandbox, connect, ensure_image
from tests.factories import DOCKER, requested_sandbox
from tests.support.installed import distributions, installed  # noqa: F401 - fixtures, as the next one
from tests.support.looking import chromium, page  # noqa: F401 - fixtures, for tests that name them

# A busy machine is slow, and that is no fault of what is tested. In CI the same examples come each
# time, so that a commit does not pass or fail by luck; elsewhere they are drawn anew.
settings.register_profile("local", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("local"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")


# With `-n 2` a module's tests stay together, so that what a module or session makes is made once;
# where a fixture stands for a sandbox, each sandbox's tests go by themselves. The modules here make
# nothing that their tests share, and take long: each of their tests goes where it is free.
SPREAD = ("tests/run/test_early_stopping.py", "tests/test_tutorials.py")
# What takes longest begins first, so that no process ends long after the others.
LONGEST_FIRST = ("tests/hostile/test_submissions.py", "tests/run/test_samples.py", *SPREAD)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
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
            return nodeid if module in SPREAD else f"{module} {sandbox and sandbox[1]}"

    config.option.loadscopereorder = False
    return InGroups(config, log)


@pytest.fixture(scope="session")
def docker_sandbox() -> Iterator[DockerSandbox]:
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
            image = ensure_image(engine, Build(), on_progress=print)
        except SandboxError as error:
            if required:
                raise
            pytest.skip(f"no worker's image: {error}")
        sandbox = DockerSandbox(engine, image)
        sandbox.reap_leftovers()
        yield sandbox
    finally:
        engine.close()


@pytest.fixture(scope="session", params=["process", DOCKER])
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    """Each sandbox in turn."""
    return requested_sandbox(request)
