"""autograder.zip, unpacked as Gradescope unpacks it, and run for real."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from grader.cli.app import cli
from grader.sandbox.docker import DockerSandbox
from tests.export.test_read_back import by_gradescope
from tests.support.autograder import METADATA, graded, interpreter, unpacked

ROOT = Path(__file__).parent.parent.parent
CRITERIA = ("layer-counts", "parameter-groups")
ROOTLESS = not hasattr(os, "geteuid") or os.geteuid() != 0
SNOOPER = """\
import os

def layer_parameter_counts(model):
    found = []
    for place in {places!r}:
        try:
            found.append(sorted(os.listdir(place)))
        except OSError as error:
            found.append(type(error).__name__)
    raise RuntimeError(f"uid {{os.getuid()}} found {{found}}")
"""

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Gradescope's containers run Linux")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bundle") / "autograder.zip"
    chosen = [word for id in CRITERIA for word in ("--criterion", id)]
    made = CliRunner().invoke(
        cli, ["export", "autograder", "--rubric", str(ROOT / "rubric.yaml"), *chosen,
              "--to", str(path)], standalone_mode=False,
    )  # fmt: skip
    assert made.return_value == 0, made.exception
    return path


@pytest.fixture(scope="module")
def open_folder() -> Iterator[Path]:
    """A folder that other users can read, as in Gradescope's container; pytest's are private."""
    with tempfile.TemporaryDirectory(prefix="autograder-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture(scope="module")
def python(open_folder: Path) -> str:
    """An interpreter that other users can run, too, as setup.sh makes one."""
    found = interpreter(open_folder / "interpreter")
    if found is None:
        pytest.skip("no interpreter of this version that other users than root can run")
    return found


@pytest.fixture
def autograder(bundle: Path, open_folder: Path) -> Iterator[Path]:
    """A copy of /autograder when a submission is about to be graded."""
    root = open_folder / "autograder"
    unpacked(bundle, root)
    yield root
    shutil.rmtree(root)


def test_a_right_submission_gets_all_points_inside_of_gradescope(
    autograder: Path, python: str
) -> None:
    found, _ = graded(autograder, ROOT / "submissions" / "right-folder", {"GRADER_PYTHON": python})
    assert found is not None
    most = sum(test["max_score"] for test in found["tests"])
    assert by_gradescope(found) == found["score"] == most > 0
    assert {tag for test in found["tests"] for tag in test["tags"]} == {*CRITERIA, "passed"}


def test_a_wrong_submission_loses_what_it_loses_elsewhere(autograder: Path, python: str) -> None:
    wrong = (ROOT / "submissions" / "byname_hw2_problem1.py").read_text(encoding="utf-8")
    found, _ = graded(autograder, {"hw2.py": wrong}, {"GRADER_PYTHON": python})
    assert found is not None
    by_id = {test["tags"][0]: test for test in found["tests"]}
    assert by_id["parameter-groups"]["status"] == "failed"   # Gradescope knows two
    assert by_id["parameter-groups"]["score"] == 3.75
    assert by_id["layer-counts"]["score"] == 3
    assert by_gradescope(found) == 6.75


@pytest.mark.skipif(ROOTLESS, reason="only root can give a process to another user")
def test_a_student_s_code_is_not_root_and_finds_nothing_hidden(
    autograder: Path, python: str
) -> None:
    places = [str(autograder / "source" / "homework"), "/root", str(autograder / "submission")]
    snooper = {"hw2.py": SNOOPER.format(places=places)}
    found, _ = graded(autograder, snooper, {"GRADER_PYTHON": python})
    assert found is not None and found["score"] == 0
    told = found["tests"][0]["output"]
    seen = re.search(r"uid (\d+) found", told)
    assert seen is not None, told
    assert int(seen[1]) > 60_000
    assert "'PermissionError', 'PermissionError', ['hw2.py']" in told


def test_a_failure_of_the_harness_leaves_no_results_and_says_so(
    autograder: Path, python: str
) -> None:
    shutil.rmtree(autograder / "source" / "homework" / "reference")
    right = ROOT / "submissions" / "right-folder"
    found, said = graded(autograder, right, {"GRADER_PYTHON": python}, code=1)
    assert found is None
    assert "not graded, and no score was written" in said and "no fault of yours" in said


def test_metadata_that_nobody_can_read_is_the_harness_s_failure(
    autograder: Path, python: str
) -> None:
    (autograder / "submission_metadata.json").write_text("{")
    found, said = graded(autograder, {"hw2.py": "x = 1\n"}, {"GRADER_PYTHON": python}, code=1)
    assert found is None and "submission_metadata.json" in said


def test_the_zip_runs_by_itself_and_pins_what_it_needs(bundle: Path) -> None:
    with zipfile.ZipFile(bundle) as archive:
        modes = {one.filename: one.external_attr >> 16 & 0o777 for one in archive.infolist()}
        needs = archive.read("requirements.txt").decode() + archive.read("torch.txt").decode()
        script = archive.read("setup.sh").decode()
    assert modes["setup.sh"] == modes["run_autograder"] == 0o755
    assert re.search(r"^torch==\d+\.\d+\.\d+$", needs, re.MULTILINE)
    assert re.search(r"^pydantic==", needs, re.MULTILINE)
    wanted = {"homework/rubric.yaml", "homework/reference/resnet.py", "grader/worker/__main__.py"}
    assert wanted <= set(modes)
    others = ("homework/submissions", "homework/validation", "homework/starter")
    assert not [name for name in modes if name.startswith(others)]
    assert subprocess.run(["bash", "-n"], input=script, text=True, check=False).returncode == 0


def test_what_lies_outside_of_the_rubric_s_folder_is_refused(tmp_path: Path) -> None:
    rubric = tmp_path / "hw" / "rubric.yaml"
    rubric.parent.mkdir()
    (tmp_path / "solution").mkdir()
    (tmp_path / "solution" / "hw.py").write_text("x = 1\n")
    rubric.write_text(
        "title: T\nreference: ../solution\ntotal: 1\ncap: 1\n"
        "criteria:\n- {id: a, title: A, part: a, points: 1, check: written, answer: a}\n"
    )
    made = CliRunner().invoke(cli, ["export", "autograder", "--rubric", str(rubric), "--to",
                                    str(tmp_path / "a.zip")], standalone_mode=False)
    assert "is outside of" in str(made.exception) and not (tmp_path / "a.zip").exists()


def test_the_same_rubric_makes_the_same_bytes(bundle: Path, tmp_path: Path) -> None:
    chosen = [word for id in CRITERIA for word in ("--criterion", id)]
    again = tmp_path / "again.zip"
    CliRunner().invoke(cli, ["export", "autograder", "--rubric", str(ROOT / "rubric.yaml"), *chosen,
                             "--to", str(again)])
    assert again.read_bytes() == bundle.read_bytes()


LATE = """\
title: Homework
total: 10
cap: 10
checks: checks.py
late: {due: 2026-11-29 23:59, zone: America/New_York, extensions: more-time.csv}
criteria:
- {id: all, title: All, part: "1", points: 10, check: all}
"""
ALL = """\
from grader.checks.custom.api import Check, NoParams, Verdict

CHECK = Check("all", NoParams, lambda criterion, exam, limits: (),
              lambda criterion, work, key: Verdict(criterion.id, "passed", 1.0, "It is there."))
"""


@pytest.mark.parametrize(
    ("extension", "score"),
    [("", 9), ("ada@school.example,1\n", 10), ("Grace-Hopper,1\n", 10), ("somebody,1\n", 9)],
)
def test_a_group_at_gradescope_has_the_latest_due_date_of_its_members(
    open_folder: Path, tmp_path: Path, python: str, extension: str, score: float
) -> None:
    homework = tmp_path / "homework"
    (homework / "reference").mkdir(parents=True)
    for name, text in (("rubric.yaml", LATE), ("checks.py", ALL),
                       ("more-time.csv", f"student,days\n{extension}")):
        (homework / name).write_text(text, encoding="utf-8")
    made = CliRunner().invoke(cli, ["export", "autograder", "--rubric",
                                    str(homework / "rubric.yaml"), "--to", str(tmp_path / "a.zip")])
    assert made.exit_code == 0, made.output
    root = open_folder / "late"
    unpacked(tmp_path / "a.zip", root)
    try:
        users = [*METADATA["users"], {"email": "g@school.example", "name": "Grace Hopper"}]  # type: ignore[misc]
        (root / "submission_metadata.json").write_text(json.dumps(METADATA | {"users": users}))
        found, _ = graded(root, {"hw.py": "x = 1\n"}, {"GRADER_PYTHON": python})
    finally:
        shutil.rmtree(root)
    assert found is not None and found["score"] == score
    assert ("Late by 1 day: 10% penalty." in found["output"]) == (score == 9)


@pytest.mark.docker
def test_it_grades_as_root_in_a_container_without_a_network(
    autograder: Path, docker_sandbox: DockerSandbox
) -> None:
    """Install like Gradescope, with this machine's packages: setup.sh needs a network.
    """
    shutil.copytree(ROOT / "submissions" / "right-folder", autograder / "submission",
                    dirs_exist_ok=True)
    packages = [place for place in sys.path if Path(place).name == "site-packages"]
    own = f"/opt/autograder/lib/python3.{sys.version_info.minor}/site-packages"
    script = f"""
        python -m venv --without-pip /opt/autograder
        printf '%s\\n' {" ".join(packages)} > {own}/others.pth || exit 99
        GRADER_PYTHON=/opt/autograder/bin/python /autograder/run_autograder
    """
    ran = subprocess.run(
        ["docker", "run", "--rm", "--network", "none", "--user", "0", "--entrypoint", "bash",
         "-v", f"{autograder}:/autograder", *(f"-v={place}:{place}:ro" for place in packages),
         docker_sandbox.image, "-c", script],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    if ran.returncode == 99:
        pytest.skip("the image has another Python than this one, whose packages it would need")
    assert ran.returncode == 0, ran.stderr
    found = json.loads((autograder / "results" / "results.json").read_text(encoding="utf-8"))
    assert by_gradescope(found) == sum(test["max_score"] for test in found["tests"]) > 0
