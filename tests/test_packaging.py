"""The wheel and the sdist have every file that they need, and no other."""

from __future__ import annotations

import subprocess
import tarfile
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest

from grader import __version__
from tests.support.installed import Installed

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
    needed = {
        path.relative_to(PROJECT).as_posix() for path in ours if "__pycache__" not in path.parts
    }
    assert needed <= inside
    image = {f"grader/sandbox/docker/{name}" for name in ("Dockerfile", "constraints.txt")}
    assert {"grader/py.typed", *image} <= inside
    assert "grader/cli/scaffold/starter/hw2.py" in inside


def test_the_wheel_has_neither_the_reference_nor_tests(wheel: zipfile.ZipFile) -> None:
    tops = {name.split("/")[0] for name in wheel.namelist()}
    assert tops == {"grader", f"torch_grader-{__version__}.dist-info"}


def test_the_wheel_has_the_version_of_the_package_and_needs_torch_only_as_an_extra(
    wheel: zipfile.ZipFile,
) -> None:
    metadata = message_from_bytes(wheel.read(f"torch_grader-{__version__}.dist-info/METADATA"))
    assert metadata["Version"] == __version__
    torch = [line for line in metadata.get_all("Requires-Dist", []) if line.startswith("torch")]
    assert torch and all("extra ==" in line for line in torch)


def test_an_installed_grader_gives_students_no_solution_of_its_homeworks(
    installed: Installed, tmp_path: Path
) -> None:
    code = "import sys, pathlib, grader.export.student_bundle.wheel as wheel\n"
    code += "wheel.pack_grader(pathlib.Path(sys.argv[1]))"
    subprocess.run(
        [installed.bin / "python", "-c", code, tmp_path],
        cwd=tmp_path, env=installed.environment(tmp_path), check=True, timeout=120,
    )  # fmt: skip
    (bundled,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(bundled).namelist()
    assert "grader/cli/scaffold/ci.py" in names
    assert not [name for name in names if name.endswith(("hw1.py", "hw2.py"))]


def test_the_sdist_has_what_its_tests_need(distributions: Path) -> None:
    (path,) = distributions.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    needed = {"LICENSE", "CHANGELOG.md", "Makefile", "constraints.txt", "rubric.yaml", "Dockerfile",
              "reference/resnet.py", "starter/hw2.py", "tests/conftest.py"}
    assert needed <= inside
