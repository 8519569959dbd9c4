"""A bundle on a laptop: unpacked, set up by its one command, and right without the reference."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent.parent
SAMPLES = {
    "bymodule": "bymodule_hw2_problem1.py",   # right
    "byname": "byname_hw2_problem1.py",
    "typedin": "typedin_hw2_problem1.py",
}
CRITERIA = ("--criterion", "layer-counts", "--criterion", "parameter-groups")


def run(*words: str | Path, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"COLUMNS": "80", "OMP_NUM_THREADS": "1"} | more
    return subprocess.run(
        [*map(str, words)], cwd=cwd, env=environment, capture_output=True, text=True, timeout=240,
        check=False,
    )  # fmt: skip


def grader(*words: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return run(sys.executable, "-m", "grader", *words, cwd=cwd, PYTHONPATH=str(ROOT))


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Unpack it like a student, far from the instructor's files."""
    folder = tmp_path_factory.mktemp("laptop")
    done = grader("release", "--to", folder / "hw2.zip", "--seed", "5", "--sandbox", "process",
                  "--no-trial")
    assert done.returncode == 0, done.stderr
    assert "8 of 8 criteria, 7 answers of the reference" in done.stdout
    with zipfile.ZipFile(folder / "hw2.zip") as archive:
        archive.extractall(folder)
    (folder / "hw2.zip").unlink()
    return folder / "hw2"


def verdicts(out: Path) -> Mapping[str, Any]:
    told = json.loads((out / "grades.json").read_text(encoding="utf-8"))["submissions"]
    return {one["student"]: _marks(one) for one in told}


def _marks(submission: Mapping[str, Any]) -> dict[str, tuple[str, float]]:
    return {one["id"]: (one["status"], one["points"]) for one in submission["criteria"]}


def test_the_bundle_judges_as_the_instructor_does(bundle: Path, tmp_path: Path) -> None:
    submissions = tmp_path / "submissions"
    submissions.mkdir()
    for name in SAMPLES.values():
        (submissions / name).write_bytes((ROOT / "submissions" / name).read_bytes())
    found = {}
    for name, rubric in (("at home", bundle / "grading"), ("in class", ROOT)):
        done = grader("run", submissions, "--rubric", rubric / "rubric.yaml", "--sandbox",
                      "process", "--out", tmp_path / name, *CRITERIA)
        assert done.returncode == 0, done.stdout + done.stderr
        found[name] = verdicts(tmp_path / name)
    assert found["at home"] == found["in class"]
    assert found["at home"]["bymodule"] == {
        "layer-counts": ("passed", 3.0), "parameter-groups": ("passed", 5.0)
    }
    assert found["at home"]["byname"]["parameter-groups"] == ("partial", 3.75)
    assert found["at home"]["typedin"]["layer-counts"] == ("failed", 0.0)


def test_one_command_sets_itself_up_and_checks(bundle: Path) -> None:
    """The environment is a real one that pip fills; torch and the like come from this machine's."""
    venv.create(bundle / ".venv", with_pip=True, symlinks=os.name == "posix")
    (site,) = (bundle / ".venv").rglob("site-packages")
    for old in site.glob("setuptools*"):   # that of Python 3.11's venv is too old for torch
        shutil.rmtree(old)
    ours = [path for path in sys.path if path.endswith("site-packages")]
    (site / "here.pth").write_text("\n".join(ours), encoding="utf-8")
    (bundle / "hw2.py").write_bytes((ROOT / "submissions" / SAMPLES["byname"]).read_bytes())
    (bundle / "click.py").write_text("raise SystemExit('a file of the student')", encoding="utf-8")
    command = (sys.executable, "check.py", "hw2.py", *CRITERIA[:2], "--json")
    done = run(*command, cwd=bundle, PIP_NO_INDEX="1", PYTHONPATH="")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "First run: installing" in done.stderr
    assert _marks(json.loads(done.stdout)) == {"layer-counts": ("passed", 3.0)}
    (installed,) = site.glob("torch_grader-*.dist-info")
    (wheel,) = (bundle / "grading").glob("torch_grader-*.whl")
    assert wheel.name.startswith(installed.name.removesuffix(".dist-info"))
    again = run(sys.executable, "check.py", "hw2.py", "--criterion", "written-a", cwd=bundle,
                PIP_NO_INDEX="1", PYTHONPATH="")
    assert again.returncode == 0 and again.stderr == "", again.stderr
    assert "1(a)" in again.stdout


def test_another_seed_than_the_recorded_one_is_refused(bundle: Path) -> None:
    done = grader("check", ROOT / "submissions" / SAMPLES["bymodule"], "--seed", "6", *CRITERIA[:2],
                  "--rubric", bundle / "grading" / "rubric.yaml")
    assert done.returncode == 1
    assert "The answers are for --seed 5" in " ".join(done.stderr.split())


def test_what_is_there_is_not_overwritten(bundle: Path) -> None:
    done = grader("release", "--to", bundle, "--sandbox", "process")
    assert done.returncode == 2 and "exists already" in done.stderr
