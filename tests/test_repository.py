"""The repository's own files: workflows, templates and hooks are valid, every package is pinned."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from jsonschema.validators import (  # type: ignore[import-untyped]  # ships no type hints
    validator_for,
)
from ruamel.yaml import YAML

from grader.sandbox.docker.image import END_OF_IMAGE
from tests.support.install_lines import install_lines

PROJECT = Path(__file__).parent.parent
GITHUB = PROJECT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
CHOOSER = GITHUB / "ISSUE_TEMPLATE" / "config.yml"
FORMS = sorted(set(CHOOSER.parent.glob("*.yml")) - {CHOOSER})
SCHEMAS = [
    *((path, "github-workflows") for path in WORKFLOWS),
    *((path, "github-issue-forms") for path in FORMS),
    (CHOOSER, "github-issue-config"),
]


@pytest.fixture(scope="module")
def pin() -> Any:
    """The module scripts/pin.py, which belongs to no package."""
    spec = importlib.util.spec_from_file_location("pin", PROJECT / "scripts" / "pin.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def read(path: Path) -> Any:
    return YAML(typ="safe").load(path.read_text(encoding="utf-8"))


def commands() -> Iterator[str]:
    """Each line of a command in our workflows."""
    for path in WORKFLOWS:
        for job in read(path)["jobs"].values():
            for step in job.get("steps", ()):
                yield from step.get("run", "").splitlines()


@pytest.mark.parametrize(("path", "schema"), SCHEMAS, ids=lambda one: getattr(one, "name", one))
def test_github_accepts_our_workflows_and_templates(path: Path, schema: str) -> None:
    vendored = files("check_jsonschema") / "builtin_schemas" / "vendor" / f"{schema}.json"
    described = json.loads(vendored.read_text(encoding="utf-8"))
    errors = list(validator_for(described)(described).iter_errors(read(path)))
    assert errors == [], [error.message for error in errors]


def test_workflows_use_only_github_s_own_actions() -> None:
    used = {
        place["uses"]
        for path in WORKFLOWS for job in read(path)["jobs"].values()
        for place in [job, *job.get("steps", ())] if "uses" in place
    }  # fmt: skip
    assert used and all(name.startswith(("actions/", "./.github/workflows/")) for name in used)


def test_workflows_install_pinned_versions() -> None:
    installs = [command for command in commands() if "pip install" in command]
    assert installs and all("-c constraints.txt" in command for command in installs)


def test_hooks_use_the_pinned_versions() -> None:
    pins = (PROJECT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    hooks = [hook for repo in read(PROJECT / ".pre-commit-config.yaml")["repos"]
             for hook in repo["hooks"]]  # fmt: skip
    assert hooks and all(set(hook["additional_dependencies"]) <= set(pins) for hook in hooks)


def test_every_package_that_our_extras_bring_is_pinned(pin: Any) -> None:
    assert pin.missing() == [], "run scripts/pin.py"


def test_the_packages_of_the_worker_s_image_are_the_first_part_of_the_pins(pin: Any) -> None:
    text = pin.FILE.read_text(encoding="utf-8")
    first, marker, _ = text.partition(END_OF_IMAGE)
    assert marker
    named = set(re.findall(r"^([\w.-]+)==", first, re.MULTILINE))
    assert {pin.canonicalize_name(name) for name in named} == set(pin.needed(pin.image_roots()))


@pytest.mark.parametrize("line", [
    "pip install 'NAME[torch]'", "pip install NAME", "pipx install NAME",
    "run: pip install -U NAME",
    "`pip install NAME` and a Docker Engine do", '"pip", "install", "NAME"', "uv tool install NAME",
    "pip install -r requirements.txt NAME==0.1.0", "NAME[torch]==0.1.0", "NAME==0.1.0",
    "NAME @ git+https://example.org/x", r'f"\nNAME[torch]=={version}"', "Name: NAME",
    "NAME-0.1.0-py3-none-any.whl", 'f"NAME-{version}.dist-info"',
])  # fmt: skip
def test_a_line_that_installs_a_stranger_s_package_is_found(line: str) -> None:
    assert list(install_lines(line.replace("NAME", "grader")))
    assert not list(install_lines(line.replace("NAME", "torch-grader")))


@pytest.mark.parametrize("line", [
    "pip install ./grader", "pip install -e .", "cd grader && pip install .", "grader init hw",
    "pip install 'torch-grader[torch]'   # the command is grader", "from grader import api",
    "pip install torch_grader-0.1.0-py3-none-any.whl", "grader == other",
    "run: pip install -r requirements.txt; grader validate", "graders[0] == 1",
])  # fmt: skip
def test_a_line_that_installs_something_else_is_not_found(line: str) -> None:
    assert not list(install_lines(line))


def test_nothing_of_ours_tells_anybody_to_install_a_stranger_s_package() -> None:
    """`grader` on PyPI is another project, and ours is `torch-grader`."""
    found = []
    for path in tracked():
        content = path.read_bytes()
        if b"\0" not in content and path != Path(__file__):
            lines = install_lines(content.decode("utf-8", errors="replace"))
            found += [f"{path.relative_to(PROJECT)}: {line}" for line in lines]
    assert found == []


def tracked() -> list[Path]:
    """The files that belong to the project: of Git's list, or, without Git, of the whole folder."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if listed.returncode == 0:
        paths = [PROJECT / name for name in listed.stdout.split("\0") if name]
    else:
        prefix = Path(sys.prefix)
        paths = [path for path in PROJECT.rglob("*") if prefix not in path.parents]
    return [path for path in paths if path.is_file()]
