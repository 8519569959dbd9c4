"""What tests of several rooms share."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from grader.errors import SandboxError
from grader.sandbox.base import Sandbox
from grader.sandbox.docker import Build, DockerSandbox, connect, ensure_image
from tests.factories import DOCKER, requested_sandbox
from tests.support.installed import distributions, installed  # noqa: F401 - fixtures, as the next one
from tests.support.looking import page  # noqa: F401 - a fixture, for every test that names it

# A busy machine is slow, and that is no fault of what is tested. In CI the same examples come each
# time, so that a commit does not pass or fail by luck; elsewhere they are drawn anew.
settings.register_profile("local", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("local"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")


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
