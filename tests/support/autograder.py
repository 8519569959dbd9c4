"""Lays out Gradescope's /autograder from autograder.zip, and runs it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

METADATA = {
    "id": 5, "created_at": "2026-11-30T22:10:05.123456-05:00",
    "assignment": {"due_date": "2026-11-30T23:59:00-05:00"},
    "users": [{"email": "ada@school.example", "id": 1, "name": "Ada Lovelace"}],
}  # fmt: skip


def interpreter(folder: Path) -> str | None:
    """An interpreter with torch that other users can run, too, made below `folder` if need be.

    None if there is no such interpreter of this version.
    """
    if not hasattr(os, "geteuid") or os.geteuid() != 0 or _others_can_run(sys.executable):
        return sys.executable
    name = f"python3.{sys.version_info.minor}"
    found = next((path for path in ("/usr/bin", "/usr/local/bin")
                  if _others_can_run(f"{path}/{name}")), None)
    if found is None:
        return None
    subprocess.run([f"{found}/{name}", "-m", "venv", "--without-pip", str(folder)], check=True)
    (packages,) = folder.glob("lib/*/site-packages")
    others = [place for place in sys.path if Path(place).name == "site-packages"]
    (packages / "others.pth").write_text("\n".join(others) + "\n", encoding="utf-8")
    return str(folder / "bin" / "python")


def _others_can_run(python: str) -> bool:
    try:
        subprocess.run([python, "-c", ""], user=60_099, group=60_099, extra_groups=[], check=True,
                       cwd="/")
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def unpacked(bundle: Path, root: Path) -> None:
    """Unpack autograder.zip as Gradescope does, with a student's metadata beside it."""
    with zipfile.ZipFile(bundle) as archive:
        archive.extractall(root / "source")
        for entry in archive.infolist():   # which extractall leaves to others
            (root / "source" / entry.filename).chmod(entry.external_attr >> 16 & 0o777)
    shutil.copy(root / "source" / "run_autograder", root / "run_autograder")
    (root / "submission").mkdir()
    (root / "results").mkdir()
    (root / "submission_metadata.json").write_text(json.dumps(METADATA), encoding="utf-8")


def graded(
    root: Path, files: Mapping[str, str] | Path, environment: Mapping[str, str], code: int = 0
) -> tuple[dict[str, Any] | None, str]:
    """Run `run_autograder`; return results.json and what it wrote to stderr.

    Args:
        root: The folder that stands for /autograder.
        files: What the student handed in: texts by name, or a folder.
        environment: Further variables of its environment.
        code: The exit code that is expected.
    """
    if isinstance(files, Path):
        shutil.copytree(files, root / "submission", dirs_exist_ok=True)
    else:
        for name, text in files.items():
            (root / "submission" / name).write_text(text, encoding="utf-8")
    ran = subprocess.run(
        [str(root / "run_autograder")],
        env={"PATH": os.environ["PATH"], "AUTOGRADER": str(root), **environment},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert ran.returncode == code, ran.stderr
    results = root / "results" / "results.json"
    found = json.loads(results.read_text(encoding="utf-8")) if results.is_file() else None
    return found, ran.stderr
