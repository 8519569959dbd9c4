"""The peers, each as pinned in requirements.txt, in an environment of their own: `.venv-peers`.

    python -m benchmarks.peers.installing

They get this environment's packages behind their own, by a .pth file, so that torch is not
installed twice and is the same for all. One that can't be installed is told, and leaves its row
without a figure; the others are installed.
"""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from pathlib import Path

from benchmarks.peers.base import BIN, VENV

REQUIREMENTS = Path(__file__).parent / "requirements.txt"
DONE = VENV / "installed.json"   # the requirements that were tried, and what pip said of failures


def failures() -> dict[str, str]:
    """By requirement, why it is not there; raises FileNotFoundError when nothing was tried yet."""
    told: dict[str, str] = json.loads(DONE.read_text(encoding="utf-8"))
    return {name: why for name, why in told.items() if why}


def main() -> None:
    wanted = REQUIREMENTS.read_text(encoding="utf-8").split()
    if DONE.exists() and set(json.loads(DONE.read_text(encoding="utf-8"))) == set(wanted):
        return
    venv.create(VENV, with_pip=True, clear=True)
    found = {requirement: _install(requirement) for requirement in wanted}
    # Behind their own packages: what they pin themselves comes first.
    (_site_packages() / "grader-benchmark.pth").write_text(
        "".join(f"{path}\n" for path in sys.path if Path(path).name == "site-packages"),
        encoding="utf-8",
    )
    DONE.write_text(json.dumps(found, indent=1), encoding="utf-8")


def _install(requirement: str) -> str:
    """Why it could not be installed; "" when it was."""
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
    told = subprocess.run(
        [BIN / "python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return Path(told.stdout.strip())


if __name__ == "__main__":
    main()
