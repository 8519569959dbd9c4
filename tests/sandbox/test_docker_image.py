"""The image's tag is a digest of its content; a failed build reports the build's own output."""

from __future__ import annotations

import dataclasses
import re
import shutil
import tomllib
from pathlib import Path

import pytest

from grader.errors import ImageMissing
from grader.rubric.model import Limits
from grader.sandbox.base import Job
from grader.sandbox.docker import Build, DockerSandbox, ensure_image, image_tag
from grader.sandbox.docker.image import PROJECT


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of what the image is built from."""
    copy = tmp_path / "project"
    for name in ("Dockerfile", "constraints.txt", "grader/__init__.py", "grader/packing.py",
                 "grader/stopwatch.py", "grader/wire.py"):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT / name, copy / name)
    shutil.copytree(PROJECT / "grader/worker", copy / "grader/worker")
    return copy


def test_a_changed_worker_gets_another_image(project: Path) -> None:
    before = image_tag(Build(context=project))
    assert image_tag(Build(context=project)) == before
    (project / "grader/worker/__main__.py").write_text("print('changed')")
    assert image_tag(Build(context=project)) != before


def test_files_that_are_not_copied_do_not_change_the_image(project: Path) -> None:
    before = image_tag(Build(context=project))
    (project / "grader/rubric").mkdir()
    (project / "grader/rubric/model.py").write_text("answers = 42")
    (project / "grader/worker/__pycache__").mkdir(exist_ok=True)
    (project / "grader/worker/__pycache__/x.pyc").write_bytes(b"x")
    assert image_tag(Build(context=project)) == before


def test_another_base_image_gives_another_image(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GRADER_BASE_IMAGE", raising=False)
    default = image_tag(Build(context=project))
    monkeypatch.setenv("GRADER_BASE_IMAGE", "mine")
    from_environment = image_tag(Build(context=project))
    assert from_environment != default
    assert image_tag(Build({"BASE_IMAGE": "mine"}, project)) == from_environment
    assert image_tag(Build({"BASE_IMAGE": "other"}, project)) != from_environment


def test_an_installed_grader_builds_the_image_of_its_checkout(project: Path) -> None:
    checkout = image_tag(Build(context=project))
    packaged = project / "grader/sandbox/docker"
    packaged.mkdir(parents=True)
    for name in ("Dockerfile", "constraints.txt"):
        (project / name).rename(packaged / name)
    assert image_tag(Build(context=project)) == checkout


def test_another_version_of_a_package_in_the_image_gives_another_image(project: Path) -> None:
    before = image_tag(Build(context=project))
    pins = project / "constraints.txt"
    text = pins.read_text(encoding="utf-8")
    pins.write_text(re.sub("^ruff==.*$", "ruff==0", text, flags=re.MULTILINE), encoding="utf-8")
    assert image_tag(Build(context=project)) == before, "ruff is not in the image"
    pins.write_text(re.sub("^numpy==.*$", "numpy==2", text, flags=re.MULTILINE), encoding="utf-8")
    assert image_tag(Build(context=project)) != before


def test_the_image_is_built_for_the_torch_that_is_pinned() -> None:
    dockerfile = (PROJECT / "Dockerfile").read_text(encoding="utf-8")
    pins = (PROJECT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    for name in ("torch", "torchvision"):
        (version,) = re.findall(rf"^ARG {name.upper()}_VERSION=(.+)$", dockerfile, re.MULTILINE)
        assert f"{name}=={version}" in pins


def test_without_a_dockerfile_the_error_says_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(ImageMissing, match=str(tmp_path)):
        image_tag(Build(context=tmp_path))


@pytest.mark.docker
def test_a_build_that_fails_ends_with_the_log_and_what_to_do(
    docker_sandbox: DockerSandbox, project: Path
) -> None:
    dockerfile = project / "Dockerfile"
    (project / "Dockerfile").write_text(
        dockerfile.read_text().split("ARG TORCH_VERSION")[0] + "RUN echo nearly there && exit 3\n"
    )
    seen: list[str] = []
    with pytest.raises(ImageMissing, match=r"(?s)nearly there.*--base-image") as caught:
        ensure_image(docker_sandbox.engine, Build(context=project), seen.append)
    assert "non-zero code: 3" in str(caught.value)
    assert any("nearly there" in line for line in seen)


@pytest.mark.docker
def test_an_image_that_is_there_is_not_built_again(docker_sandbox: DockerSandbox) -> None:
    seen: list[str] = []
    assert ensure_image(docker_sandbox.engine, Build(), seen.append) == docker_sandbox.image
    assert seen == []


@pytest.mark.docker
def test_an_image_is_known_by_what_it_is_and_not_by_its_name(
    docker_sandbox: DockerSandbox, tmp_path: Path
) -> None:
    api, repository = docker_sandbox.engine.api, "grader-worker-test"
    name = f"{repository}:{tmp_path.name}"
    tmp_path.chmod(0o755)   # a container's user is another one
    api.tag(docker_sandbox.image, repository, tmp_path.name)
    try:
        renamed = dataclasses.replace(docker_sandbox, image=name)
        assert renamed.version == docker_sandbox.version
        container = api.create_container(docker_sandbox.image)["Id"]
        try:   # another image by the same name, as when its base was changed
            api.commit(container, repository, tmp_path.name, changes='LABEL built="again"')
        finally:
            api.remove_container(container)
        again = dataclasses.replace(docker_sandbox, image=name)
        assert again.version != renamed.version == docker_sandbox.version
        with renamed.start(Job("ada", tmp_path, (), Limits()), ()) as worker:
            made_of = api.inspect_container(worker.name)["Image"]
        assert made_of == docker_sandbox.image_id != again.image_id
    finally:
        api.remove_image(name)


@pytest.mark.docker
def test_every_package_in_the_image_has_the_version_that_is_pinned(
    docker_sandbox: DockerSandbox,
) -> None:
    api = docker_sandbox.engine.api
    container = api.create_container(
        docker_sandbox.image, ["-m", "pip", "freeze", "--all", "--exclude", "pip"],
        entrypoint=["/opt/venv/bin/python"], network_disabled=True,
    )["Id"]  # fmt: skip
    try:
        api.start(container)
        assert api.wait(container)["StatusCode"] == 0
        frozen = api.logs(container, stderr=False).decode()
    finally:
        api.remove_container(container, force=True)
    installed = {line.partition("+")[0].lower() for line in frozen.splitlines()}
    pins = (PROJECT / "constraints.txt").read_text(encoding="utf-8").lower().splitlines()
    assert installed and installed <= set(pins)


def test_students_find_the_same_packages_in_both_sandboxes() -> None:
    (line,) = [
        line
        for line in (PROJECT / "Dockerfile").read_text(encoding="utf-8").splitlines()
        if line.startswith("ARG STUDENT_PACKAGES=")
    ]
    with (PROJECT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    ours = {name.partition(">")[0] for name in project["dependencies"]}
    in_image = set(line.partition("=")[2].strip('"').split())
    assert set(project["optional-dependencies"]["homework"]) == in_image - ours
