"""The grader that runs, packed as a wheel: what a bundle pins is the code that it was made with.

A wheel is a zip of the package with a list of its files. Its version ends in a digest of them, so
that another code is never taken for this one.
"""

from __future__ import annotations

import base64
import hashlib
import re
import zipfile
from importlib import metadata
from pathlib import Path

import grader
from grader.errors import UsageError

_PACKAGE = Path(grader.__file__).parent
# For instructors: the homeworks that `grader init` writes have a solution in them.
_LEFT_OUT = ("starter", "scaffold")
_MOMENT = (2020, 1, 1, 0, 0, 0)   # the same code is the same bytes
_WHEEL = "Wheel-Version: 1.0\nGenerator: grader release\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def pack_grader(folder: Path) -> str:
    """Write the wheel into the folder and return its file's name. Raises UsageError."""
    try:
        described = metadata.distribution("grader").read_text("METADATA") or ""
    except metadata.PackageNotFoundError:
        raise UsageError(
            "the grader is not installed, so nobody knows what it needs; `pip install` it, from "
            "its wheel or from a checkout (`pip install -e .`)"
        ) from None
    files = {name: path.read_bytes() for name, path in _sources().items()}
    version = f"{grader.__version__}+{_digest(files)[:10]}"
    about = f"grader-{version}.dist-info"
    files |= {
        f"{about}/METADATA": re.sub(
            r"^Version: .*$", f"Version: {version}", described, count=1, flags=re.MULTILINE
        ).encode(),
        f"{about}/WHEEL": _WHEEL.encode(),
        f"{about}/entry_points.txt": b"[console_scripts]\ngrader = grader.cli.app:main\n",
    }
    files[f"{about}/RECORD"] = _record(files, f"{about}/RECORD").encode()
    name = f"grader-{version}-py3-none-any.whl"
    with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as archive:
        for inside, content in files.items():
            archive.writestr(zipfile.ZipInfo(inside, _MOMENT), content, zipfile.ZIP_DEFLATED)
    return name


def _sources() -> dict[str, Path]:
    """Every file of the package by its name in the wheel, in a fixed order."""
    found = {}
    for path in sorted(_PACKAGE.rglob("*")):
        inside = path.relative_to(_PACKAGE)
        clutter = "__pycache__" in inside.parts or inside.parts[0] in _LEFT_OUT
        if path.is_file() and not clutter:
            found[f"grader/{inside.as_posix()}"] = path
    return found


def _digest(files: dict[str, bytes]) -> str:
    digest = hashlib.sha256()
    for name, content in files.items():
        digest.update(f"\0{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def _record(files: dict[str, bytes], itself: str) -> str:
    rows = []
    for name, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
        rows.append(f"{name},sha256={digest},{len(content)}\n")
    return "".join(rows) + f"{itself},,\n"
