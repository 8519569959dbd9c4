"""Packs the running grader as a wheel, so that a bundle pins the code that it was made with.

A wheel is a zip of the package with a list of its files. The version ends in a digest of the files,
so that pip never takes other code for this one.
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
from grader.export.student_bundle.requirements import metadata_at_home

_PACKAGE = Path(grader.__file__).parent
# The homeworks that `grader init` writes contain solutions.
_LEFT_OUT = tuple(
    Path("cli/scaffold") / name for name in ("curve", "softmax", "transformer", "starter")
)
_MOMENT = (2020, 1, 1, 0, 0, 0)   # the same code is the same bytes
_WHEEL = "Wheel-Version: 1.0\nGenerator: grader release\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def pack_grader(folder: Path) -> str:
    """Write the wheel into the folder and return its file's name. Raises UsageError."""
    described = metadata_at_home(own_metadata())
    files = {name: path.read_bytes() for name, path in _sources().items()}
    version = f"{grader.__version__}+{_digest(files)[:10]}"
    about = f"torch_grader-{version}.dist-info"
    files |= {
        f"{about}/METADATA": re.sub(
            r"^Version: .*$", f"Version: {version}", described, count=1, flags=re.MULTILINE
        ).encode(),
        f"{about}/WHEEL": _WHEEL.encode(),
        f"{about}/entry_points.txt": b"[console_scripts]\ngrader = grader.cli.app:main\n",
    }
    files[f"{about}/RECORD"] = _record(files, f"{about}/RECORD").encode()
    name = f"torch_grader-{version}-py3-none-any.whl"
    with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as archive:
        for inside, content in files.items():
            archive.writestr(zipfile.ZipInfo(inside, _MOMENT), content, zipfile.ZIP_DEFLATED)
    return name


def own_metadata() -> str:
    """Return the METADATA of the grader that is installed here. Raises UsageError."""
    try:
        return metadata.distribution("torch-grader").read_text("METADATA") or ""
    except metadata.PackageNotFoundError:
        raise UsageError(
            "torch-grader is not installed, so its dependencies are unknown; install it with "
            "`pip install` from its wheel, or with `pip install -e .` from a checkout"
        ) from None


def _sources() -> dict[str, Path]:
    """Return every file of the package by its name in the wheel, in a fixed order."""
    found = {}
    for path in sorted(_PACKAGE.rglob("*")):
        inside = path.relative_to(_PACKAGE)
        clutter = "__pycache__" in inside.parts or any(map(inside.is_relative_to, _LEFT_OUT))
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
