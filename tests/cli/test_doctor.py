"""`grader doctor` on machines that lack something: each is a real lack, and each line has a fix."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from grader.sandbox.docker import DockerSandbox
from tests.cli.test_cli import ROOT

NO_ENGINE = "unix:///nonexistent/docker.sock"


def doctor(
    *words: str | Path, cwd: Path = ROOT, code: int, **more: str
) -> dict[str, tuple[str, str, str]]:
    """Return the state, the finding and the fix of each thing."""
    environment = os.environ | {"DOCKER_HOST": NO_ENGINE, "PYTHONPATH": str(ROOT)} | more
    done = subprocess.run(
        [sys.executable, "-m", "grader", "doctor", "--json", *map(str, words)], cwd=cwd,
        env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    findings = json.loads(done.stdout)
    assert all(one["fix"] for one in findings if one["state"] != "ok")
    return {one["what"]: (one["state"], one["found"], one["fix"]) for one in findings}


def test_a_machine_without_an_engine_is_told_so_and_what_to_do() -> None:
    state, found, fix = doctor(code=1)["engine"]
    assert state == "problem" and "no Docker Engine answers" in found
    assert "`docker info`" in fix and "--sandbox process" in fix


def test_nobody_needs_an_engine_for_the_process_sandbox(tmp_path: Path) -> None:
    findings = doctor("--sandbox", "process", cwd=tmp_path, code=0)
    assert findings["engine"][0] == "ok"
    assert findings["rubric"][0] == "warning" and "grader init" in findings["rubric"][2]
    assert findings["results"] == ("ok", "nothing in results yet", "")
    assert {"python", "torch", "gpu", "memory", "disk", "temporary folder"} <= set(findings)


def test_an_engine_that_never_answers_holds_nobody_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        place = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        findings = doctor(code=1, DOCKER_HOST=place)
        assert time.monotonic() - began < 15
    assert findings["engine"][:2] == ("problem", "no answer within 4 seconds")
    assert findings["rubric"][0] == "ok"


@pytest.mark.docker
def test_an_image_is_there_or_is_not(docker_sandbox: DockerSandbox) -> None:
    host = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    base = os.environ.get("GRADER_BASE_IMAGE", "")
    findings = doctor(code=0, DOCKER_HOST=host, GRADER_BASE_IMAGE=base)
    assert findings["engine"][0] == "ok"
    assert findings["image"][:2] == ("ok", docker_sandbox.image)
    findings = doctor("--base-image", "never:built", code=0, DOCKER_HOST=host)
    assert findings["image"][0] == "warning" and "grader image build" in findings["image"][2]


def test_a_broken_rubric_is_told_with_its_line(tmp_path: Path) -> None:
    text = (ROOT / "rubric.yaml").read_text(encoding="utf-8").replace("points: 34", "pionts: 34")
    (tmp_path / "rubric.yaml").write_text(text, encoding="utf-8")
    (line,) = [n for n, row in enumerate(text.splitlines(), 1) if "pionts" in row]
    state, found, _ = doctor("--sandbox", "process", cwd=tmp_path, code=1)["rubric"]
    assert state == "problem"
    assert f"rubric.yaml:{line}" in found and "did you mean 'points'" in found


def test_missing_data_and_a_missing_reference_are_problems(tmp_path: Path) -> None:
    (tmp_path / "handouts").mkdir()
    shutil.copy(ROOT / "rubric.yaml", tmp_path)
    words = ("--sandbox", "process", "--profile", "full")
    findings = doctor(*words, cwd=tmp_path, code=1)
    state, found, fix = findings["data"]
    assert state == "problem" and found.endswith("data/cifar10-jpeg.zip is missing")
    assert "profile" in fix
    assert findings["reference"][0] == "problem"


def test_a_damaged_gradebook_and_one_of_a_later_grader(tmp_path: Path) -> None:
    results = tmp_path / "results"
    results.mkdir()
    book = results / "gradebook.sqlite"
    book.write_bytes(b"no database at all" * 100)
    state, found, fix = doctor("--sandbox", "process", cwd=tmp_path, code=0)["results"]
    assert state == "warning" and "is damaged" in found and "sets it aside" in fix
    book.unlink()
    connection = sqlite3.connect(book)
    connection.executescript("create table submissions (student text); pragma user_version = 99;")
    connection.close()
    state, found, fix = doctor("--sandbox", "process", cwd=tmp_path, code=1)["results"]
    assert state == "problem" and "later grader" in found and "--out" in fix


def test_a_person_reads_a_line_for_each_and_the_fix_below(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "grader", "doctor"], cwd=tmp_path, capture_output=True, text=True,
        env=os.environ | {"DOCKER_HOST": NO_ENGINE, "PYTHONPATH": str(ROOT)}, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    (at,) = [number for number, line in enumerate(lines) if line.startswith("problem engine:")]
    assert lines[at + 1].startswith("        Is it running")
    assert "\x1b" not in done.stdout
