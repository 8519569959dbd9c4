"""The grader as it is installed from its wheel, in an environment of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from tests.support.shared import made_once

PROJECT = Path(__file__).parent.parent.parent


@dataclass(frozen=True)
class Installed:
    """`bin` has the `grader` of the wheel."""

    bin: Path

    def environment(self, home: Path) -> dict[str, str]:
        """Variables like those of a newcomer's shell: nothing of this checkout, and no engine."""
        kept = {name: os.environ[name] for name in ("LANG", "SYSTEMROOT") if name in os.environ}
        return kept | {
            "PATH": os.pathsep.join([str(self.bin), os.environ["PATH"]]), "HOME": str(home),
            "COLUMNS": "80", "DOCKER_HOST": "unix:///nonexistent/docker.sock",
        }  # fmt: skip


@pytest.fixture(scope="session")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel, made of the sdist as for an upload, and the sdist."""
    return made_once(tmp_path_factory, "dist", _build)


def _build(folder: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(PROJECT)],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip


@pytest.fixture(scope="session")
def installed(distributions: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel in a virtual environment. What it needs is this environment's own, so that nothing
    is fetched; the checkout is not to be found from there."""
    folder = made_once(tmp_path_factory, "installed", partial(_install, distributions))
    return Installed(_python(folder).parent)


def _install(distributions: Path, folder: Path) -> None:
    venv.create(folder, with_pip=False)
    (wheel,) = distributions.glob("*.whl")
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", str(_python(folder)), "install", "--no-deps",
         "--no-index", "--disable-pip-version-check", "--quiet", str(wheel)],
        check=True, timeout=120,
    )  # fmt: skip
    (packages,) = folder.glob("**/site-packages")
    # A folder that is named here is searched, and the links to checkouts in it are not followed.
    others = [place for place in sys.path if Path(place).name == "site-packages"]
    (packages / "dependencies.pth").write_text("\n".join(others) + "\n", encoding="utf-8")


def _python(folder: Path) -> Path:
    return next(folder.glob("bin/python")) if os.name != "nt" else folder / "Scripts/python.exe"
