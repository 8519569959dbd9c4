"""Podman's Docker-compatible socket is refused before anything runs in it, and Docker's is not."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingUnixStreamServer
from typing import Any

import pytest

from grader.errors import EngineUnsuitable
from grader.run.open import open_sandbox
from grader.run.options import RunOptions
from grader.sandbox.docker import connect

# Recorded from Podman 4.3.1 and from Docker Engine 20.10.24, less what does not matter here.
PODMAN_4 = {
    "Platform": {"Name": "linux/amd64/debian-12"},
    "Components": [
        {"Name": "Podman Engine", "Version": "4.3.1", "Details": {"APIVersion": "4.3.1"}},
        {"Name": "Conmon", "Version": "conmon version 2.1.6, commit: unknown", "Details": {}},
        {"Name": "OCI Runtime (runc)", "Version": "runc version 1.1.5+ds1", "Details": {}},
    ],
    "Version": "4.3.1", "ApiVersion": "1.41", "MinAPIVersion": "1.24", "Os": "linux",
}  # fmt: skip
PODMAN_5 = PODMAN_4 | {
    "Components": [
        {"Name": "Conmon", "Version": "conmon version 2.1.12", "Details": {}},
        {"Name": "Podman Engine", "Version": "5.2.2", "Details": {"APIVersion": "5.2.2"}},
    ],
    "Version": "5.2.2",
}
DOCKER = {
    "Platform": {"Name": ""},
    "Components": [
        {"Name": "Engine", "Version": "20.10.24+dfsg1", "Details": {"ApiVersion": "1.41"}},
        {"Name": "containerd", "Version": "1.6.20~ds1", "Details": {}},
    ],
    "Version": "20.10.24+dfsg1", "ApiVersion": "1.41", "MinAPIVersion": "1.12", "Os": "linux",
}  # fmt: skip
OLD_DOCKER = {"Version": "17.05.0-ce", "ApiVersion": "1.41", "Os": "linux"}   # without components
INFO = {"ServerVersion": "4.3.1", "NCPU": 2, "Runtimes": {"runc": {}}, "CPUShares": True}


@contextmanager
def engine_that_says(version: Mapping[str, Any]) -> Iterator[str]:
    """An HTTP server on a unix socket with this answer to `version`; yields its DOCKER_HOST."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(version if self.path.endswith("/version") else INFO).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def address_string(self) -> str:
            return "a unix socket"

        def log_message(self, *arguments: Any) -> None:
            pass

    with tempfile.TemporaryDirectory() as folder:   # a socket's path must be short
        place = f"{folder}/engine.sock"
        with ThreadingUnixStreamServer(place, Answer) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            try:
                yield f"unix://{place}"
            finally:
                server.shutdown()


@pytest.mark.parametrize("version", [PODMAN_4, PODMAN_5])
def test_podman_is_refused_with_its_version_the_reason_and_what_to_do(
    version: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with engine_that_says(version) as host:
        monkeypatch.setenv("DOCKER_HOST", host)
        with pytest.raises(EngineUnsuitable) as refused:
            connect()
    said = str(refused.value)
    assert said.startswith(f"Podman Engine {version['Version']} answers")
    assert "seccomp" in said and "Install Docker Engine" in said and "--sandbox process" in said


@pytest.mark.parametrize("version", [DOCKER, OLD_DOCKER])
def test_docker_is_taken_whatever_its_age(
    version: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with engine_that_says(version) as host:
        monkeypatch.setenv("DOCKER_HOST", host)
        engine = connect()
        engine.close()
    assert (engine.cpus, engine.runtimes) == (2, ("runc",))


def test_podman_never_turns_into_a_run_without_protection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`--sandbox auto` takes a process where no engine answers; here one does."""
    with engine_that_says(PODMAN_4) as host:
        monkeypatch.setenv("DOCKER_HOST", host)
        opening = open_sandbox(RunOptions(sandbox="auto"), tmp_path, print)
        with pytest.raises(EngineUnsuitable), opening:
            pass


def test_the_doctor_names_podman_and_what_to_install() -> None:
    with engine_that_says(PODMAN_4) as host:
        done = subprocess.run(
            [sys.executable, "-m", "grader", "doctor", "--json"], capture_output=True, text=True,
            env=os.environ | {"DOCKER_HOST": host}, timeout=60, check=False,
        )  # fmt: skip
    (found,) = [one for one in json.loads(done.stdout) if one["what"] == "engine"]
    assert (done.returncode, found["state"]) == (1, "problem")
    assert found["found"].startswith("Podman Engine 4.3.1 answers")
    assert found["fix"].startswith("Install Docker Engine")


@pytest.mark.skipif(
    shutil.which("podman") is None or os.geteuid() != 0, reason="no podman, or not as root"
)
def test_a_real_podman_answers_as_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, "podman.sock")
        own = ("--root", f"{folder}/root", "--runroot", f"{folder}/run", "--tmpdir", folder,
               "--storage-driver", "vfs")   # overlay would stay mounted
        service = subprocess.Popen(
            ["podman", *own, "system", "service", "--time", "60", f"unix://{place}"],
            stderr=subprocess.DEVNULL,
        )
        try:
            until = time.monotonic() + 30
            while not place.exists() and time.monotonic() < until and service.poll() is None:
                time.sleep(0.1)
            if not place.exists():
                pytest.skip("podman does not serve its socket here")
            monkeypatch.setenv("DOCKER_HOST", f"unix://{place}")
            with pytest.raises(EngineUnsuitable, match="Podman Engine"):
                connect()
        finally:
            service.kill()
            service.wait()
