"""`grader init` writes a homework that validates, and workflows that the CI services accept and
whose commands work."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import venv
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from jsonschema.validators import (  # type: ignore[import-untyped]  # ships no type hints
    validator_for,
)
from ruamel.yaml import YAML

from grader.checks.registry import parameter_models
from grader.cli.scaffold.homework import Kind, write_homework
from grader.rubric.load import load
from tests.cli.test_cli import ROOT
from tests.support.install_lines import install_lines_below

SCHEMAS = {"github": "github-workflows.json", "gitlab": "gitlab-ci.json"}
pytestmark = pytest.mark.skipif(os.name == "nt", reason="the commands need a POSIX shell")
FILES = {"github": (".github/workflows/validate.yml", ".github/workflows/check.yml"),
         "gitlab": (".gitlab-ci.yml", ".gitlab-ci.yml")}


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment whose `grader` and `python` are those of this checkout."""
    folder = tmp_path_factory.mktemp("bin")
    for name, words in (("grader", "-m grader"), ("python", "")):
        script = folder / name
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" {words} "$@"\n', encoding="utf-8")
        script.chmod(0o755)
    return os.environ | {
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1", "COLUMNS": "80",
    }


@pytest.fixture(scope="module")
def homework(tools: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("course") / "hw1"
    for service in SCHEMAS:   # the second time there is a homework already
        shell(f"grader init {folder} --ci {service}", folder.parent, tools)
    return folder


@pytest.fixture(scope="module")
def repository(homework: Path, tools: dict[str, str]) -> Path:
    """The repository of a student: the bundle, with the `.venv` that CI keeps between runs."""
    shell("grader release --to ../student --sandbox process --no-trial", homework, tools)
    folder = homework.parent / "student"
    venv.create(folder / ".venv", symlinks=True)
    (site,) = (folder / ".venv").rglob("site-packages")
    ours = [path for path in sys.path if path.endswith("site-packages")]
    (site / "here.pth").write_text("\n".join([str(ROOT), *ours]), encoding="utf-8")
    digest = "import check; (check.HOME / 'grader-pinned').write_text(check.digest())"
    subprocess.run([folder / ".venv/bin/python", "-c", digest], cwd=folder, check=True)
    return folder


def shell(
    command: str, folder: Path, environment: dict[str, str], code: int = 0
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        ["/bin/sh", "-ec", command], cwd=folder, env=environment, capture_output=True, text=True,
        timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == code, (command, done.stdout, done.stderr)
    return done


def read(path: Path) -> Any:
    return YAML(typ="safe").load(path.read_text(encoding="utf-8"))


def runs(workflow: Any) -> Iterator[str]:
    """Yields the commands of a workflow except those that install the grader."""
    for job in workflow["jobs"].values():
        commands = [step["run"] for step in job["steps"] if "run" in step]
        yield from (command for command in commands if "pip install" not in command)


@pytest.mark.parametrize("service", SCHEMAS)
def test_the_workflows_are_what_the_services_accept(service: str, homework: Path) -> None:
    vendored = files("check_jsonschema") / "builtin_schemas" / "vendor" / SCHEMAS[service]
    schema = json.loads(vendored.read_text(encoding="utf-8"))
    ours, theirs = FILES[service]
    for path in (homework / ours, homework / "starter" / theirs):
        errors = list(validator_for(schema)(schema).iter_errors(read(path)))
        assert errors == [], [error.message for error in errors]
        assert "@@" not in path.read_text(encoding="utf-8")


def test_the_homework_validates_itself_as_its_workflow_does(
    homework: Path, tools: dict[str, str]
) -> None:
    (command,) = runs(read(homework / FILES["github"][0]))
    done = shell(command, homework, tools)
    assert "The reference earns everything; the starter earns nothing" in done.stdout
    assert (homework / "results/validation/validation.xml").is_file()
    assert read(homework / ".gitlab-ci.yml")["validate"]["script"] == [command]
    assert re.search(r"^torch-grader\[torch\]==", (homework / "requirements.txt").read_text(), re.M)


@pytest.mark.parametrize(("sample", "code", "marks"), [
    ("reference/hw1.py", 0, "9 of 10 points"), ("submissions/bob_hw1.py", 1, "4 of 10 points"),
])  # fmt: skip
def test_a_push_is_checked_as_its_workflow_does(
    sample: str, code: int, marks: str, homework: Path, repository: Path, tools: dict[str, str],
    tmp_path: Path,
) -> None:  # fmt: skip
    (repository / "hw1.py").write_bytes((homework / sample).read_bytes())
    (repository / "answers.md").unlink(missing_ok=True)
    check, summary = runs(read(repository / FILES["github"][1]))
    answered = tools | {"PYTHONPATH": ""}
    if code == 0:   # a written answer waits for a person, and is nothing to fail for
        (repository / "answers.md").write_text("## (a)\nIt is linear.\n", encoding="utf-8")
    shell(check, repository, answered, code)
    page = tmp_path / "summary.md"
    shell(summary, repository, answered | {"GITHUB_STEP_SUMMARY": str(page)})
    assert marks in page.read_text(encoding="utf-8")
    gitlab = read(repository / ".gitlab-ci.yml")["check"]
    assert gitlab["script"] == [check]
    (after,) = gitlab["after_script"]
    shell(after, repository, answered)
    assert "<testsuite" in (repository / "results/junit.xml").read_text(encoding="utf-8")


@pytest.mark.parametrize(("kind", "criteria"), [
    ("numpy", {"why", "loss", "gradient"}),
    ("training", {"why", "shapes", "fits", "fits-steep"}),
    ("language-model", {"why-scaled", "attention", "causal", "learns"}),
])  # fmt: skip
def test_each_kind_is_a_homework_of_its_own_that_needs_no_other_file(
    kind: Kind, criteria: set[str], tmp_path: Path
) -> None:
    """That they grade their samples right is tested in `tests/run/test_examples.py`."""
    written = write_homework(tmp_path, kind)
    rubric = load(tmp_path / "rubric.yaml", parameter_models)
    assert {one.id for one in rubric.criteria} == criteria
    assert rubric.starter == tmp_path / "starter" and rubric.reference.is_dir()
    expected = read(tmp_path / "submissions" / "expected.yaml")
    assert all(set(one["points"]) == criteria for one in expected.values())
    assert tmp_path / ".gitignore" in written
    texts = {path: path.read_text(encoding="utf-8") for path in written}
    assert not [path for path, text in texts.items() if "../" in text]
    if kind == "numpy":
        assert [path.name for path, text in texts.items() if "torch" in text] == [
            "requirements.txt"   # of the grader, which has its own need of it
        ]


def test_nothing_is_overwritten(homework: Path, tools: dict[str, str]) -> None:
    again = shell("grader init .", homework, tools, code=2)
    assert "README.md is already there; nothing was written" in again.stderr
    again = shell("grader init . --ci github", homework, tools, code=2)
    assert "validate.yml is already there; nothing was written" in again.stderr


def test_a_homework_without_a_starter_gets_no_workflow(
    tools: dict[str, str], tmp_path: Path
) -> None:
    rubric = "title: T\ntotal: 1\ncap: 1\ncriteria:\n  - {id: a, title: A, part: '1', points: 1,"
    (tmp_path / "rubric.yaml").write_text(f"{rubric} check: written, answer: a}}\n")
    done = shell("grader init . --ci gitlab", tmp_path, tools, code=2)
    assert "the key 'starter' names no folder" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["rubric.yaml"]


def test_nothing_that_commands_write_installs_a_stranger_s_package(
    homework: Path, repository: Path, tools: dict[str, str]
) -> None:
    """`grader` on PyPI is another project, and ours is `torch-grader`."""
    shell("grader export autograder --to ../gradescope/autograder.zip", homework, tools)
    for written in (homework, repository, homework.parent / "gradescope"):
        assert install_lines_below(written) == []
