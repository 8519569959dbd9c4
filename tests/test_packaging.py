"""What is built to be installed: a wheel and an sdist with all that is needed, and no more."""

from __future__ import annotations

import tarfile
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest

from grader import __version__

PROJECT = Path(__file__).parent.parent


@pytest.fixture
def wheel(distributions: Path) -> zipfile.ZipFile:
    (path,) = distributions.glob("*.whl")
    return zipfile.ZipFile(path)


def test_the_wheel_has_every_file_of_the_package_and_what_commands_copy(
    wheel: zipfile.ZipFile,
) -> None:
    inside = set(wheel.namelist())
    ours = [path for path in (PROJECT / "grader").rglob("*") if path.is_file()]
    wanted = {
        path.relative_to(PROJECT).as_posix() for path in ours if "__pycache__" not in path.parts
    }
    assert wanted <= inside
    assert {"grader/py.typed", "grader/sandbox/docker/Dockerfile"} <= inside
    assert "grader/cli/scaffold/starter/hw2.py" in inside


def test_the_wheel_has_neither_the_reference_nor_tests(wheel: zipfile.ZipFile) -> None:
    tops = {name.split("/")[0] for name in wheel.namelist()}
    assert tops == {"grader", f"torch_grader-{__version__}.dist-info"}


def test_the_wheel_says_the_version_of_the_package_and_asks_for_torch_only_as_an_extra(
    wheel: zipfile.ZipFile,
) -> None:
    said = message_from_bytes(wheel.read(f"torch_grader-{__version__}.dist-info/METADATA"))
    assert said["Version"] == __version__
    torch = [line for line in said.get_all("Requires-Dist", []) if line.startswith("torch")]
    assert torch and all("extra ==" in line for line in torch)


def test_the_sdist_can_be_tested_by_who_unpacks_it(distributions: Path) -> None:
    (path,) = distributions.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    wanted = {"LICENSE", "CHANGELOG.md", "Makefile", "constraints.txt", "rubric.yaml", "Dockerfile",
              "reference/resnet.py", "starter/hw2.py", "tests/conftest.py"}
    assert wanted <= inside
