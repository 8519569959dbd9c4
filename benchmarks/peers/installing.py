"""Installs the peers, as pinned in requirements.txt, into their own environment `.venv-peers`.

    python -m benchmarks.peers.installing

A .pth file adds this environment's packages behind theirs, so that torch is installed once and is
the same for all. A peer that cannot be installed is reported, and its row has no figure.
"""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from pathlib import Path

from benchmarks.peers.base import BIN, VENV

REQUIREMENTS = Path(__file__).parent / "requirements.txt"
DONE = VENV / "installed.json"   # each requirement that was tried, with pip's error or ""


def failures() -> dict[str, str]:
    """Return why requirements are missing. Raises FileNotFoundError if none was tried yet."""
    tried: dict[str, str] = json.loads(DONE.read_text(encoding="utf-8"))
    return {name: why for name, why in tried.items() if why}


def main() -> None:
    wanted = REQUIREMENTS.read_text(encoding="utf-8").split()
    if DONE.exists() and set(json.loads(DONE.read_text(encoding="utf-8"))) == set(wanted):
        return
    venv.create(VENV, with_pip=True, clear=True)
    found = {requirement: _install(requirement) for requirement in wanted}
    # Behind their own packages, so that the versions that they pin come first.
    (_site_packages() / "grader-benchmark.pth").write_text(
        "".join(f"{path}\n" for path in sys.path if Path(path).name == "site-packages"),
        encoding="utf-8",
    )
    DONE.write_text(json.dumps(found, indent=1), encoding="utf-8")


def _install(requirement: str) -> str:
    """Install a requirement. Returns why that failed; "" if it did not."""
    print(f"installing {requirement} in {VENV.name}", flush=True)
    done = subprocess.run(
        [BIN / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
         requirement], capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode == 0:
        return ""
    errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
    why = (errors or ["pip gave no reason"])[-1][:200]
    print(f"{requirement} is not installed: {why}", flush=True)
    return why


def _site_packages() -> Path:
    done = subprocess.run(
        [BIN / "python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return Path(done.stdout.strip())


if __name__ == "__main__":
    main()
