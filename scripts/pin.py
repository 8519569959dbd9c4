#!/usr/bin/env python3
"""Write constraints.txt from the packages that are installed here.

    .venv/bin/python scripts/pin.py            write the file
    .venv/bin/python scripts/pin.py --check    exit with 1 where it is not complete

The file pins every package that an installation with all extras brings, direct or indirect, on
Linux, macOS and Windows. Its first part is what the worker's image installs: a change there gives
a new image, a change of a development tool does not. Packages that are needed on other systems, and
the tools of the release, are not installed here: their pins are kept as they stand in the file.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from grader.sandbox.docker.image import END_OF_IMAGE

PROJECT = Path(__file__).resolve().parent.parent
FILE = PROJECT / "constraints.txt"
_HEAD = """\
# The versions that the project was tested with, indirect dependencies included. `make setup`, the
# workflows and the worker's image install these; pyproject.toml says what else may work.
# Written by scripts/pin.py. The first part is for the worker's image (Dockerfile).
"""
_SYSTEMS = (
    {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"},
    {"sys_platform": "darwin", "platform_system": "Darwin", "os_name": "posix"},
    {"sys_platform": "win32", "platform_system": "Windows", "os_name": "nt"},
)


def needed(roots: Iterable[str]) -> dict[str, str]:
    """Every package that `roots` need on any system: canonical name to name as it spells itself.

    A package that is not installed here is listed, without what it needs itself.
    """
    found: dict[str, str] = {}
    seen: set[str] = set()
    waiting = [Requirement(root) for root in roots]
    while waiting:
        requirement = waiting.pop()
        if str(requirement) in seen:
            continue
        seen.add(str(requirement))
        name = canonicalize_name(requirement.name)
        found.setdefault(name, requirement.name)
        try:
            installed = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        found[name] = installed.metadata["Name"]
        extras = {"", *requirement.extras}
        waiting += [
            one for one in map(Requirement, installed.requires or ()) if _applies(one, extras)
        ]
    return found


def _applies(requirement: Requirement, extras: set[str]) -> bool:
    marker = requirement.marker
    return marker is None or any(
        marker.evaluate({**system, "extra": extra}) for system in _SYSTEMS for extra in extras
    )


def project_roots() -> list[str]:
    """The project's direct dependencies, all extras included, and what builds it."""
    with (PROJECT / "pyproject.toml").open("rb") as file:
        document = tomllib.load(file)
    project = document["project"]
    extras = [name for extra in project["optional-dependencies"].values() for name in extra]
    return [*document["build-system"]["requires"], *project["dependencies"], *extras]


def image_roots() -> list[str]:
    """The packages that the Dockerfile installs by name."""
    text = (PROJECT / "Dockerfile").read_text(encoding="utf-8")
    (students,) = re.findall(r'^ARG STUDENT_PACKAGES="(.*)"$', text, re.MULTILINE)
    return ["torch", "torchvision", *students.split()]


def pinned() -> dict[str, str]:
    """Return the pinned lines by canonical name."""
    lines = FILE.read_text(encoding="utf-8").splitlines() if FILE.is_file() else []
    return {
        canonicalize_name(line.partition("==")[0]): line
        for line in lines if line and not line.startswith("#")
    }  # fmt: skip


def missing() -> list[str]:
    """Packages that the project or the image needs and the file does not pin."""
    return sorted(set(needed(project_roots() + image_roots())) - set(pinned()))


def text() -> str:
    """The file anew. Raises SystemExit where a version is known neither here nor in the file."""
    everything, image = needed(project_roots() + image_roots()), needed(image_roots())
    lines = pinned()
    for name, spelled in everything.items():
        try:
            lines[name] = f"{spelled}=={metadata.version(name).partition('+')[0]}"
        except metadata.PackageNotFoundError:
            if name not in lines:
                sys.exit(f"{name} is not installed here; add a line `{name}==VERSION` to {FILE}")
    parts = ([lines[name] for name in sorted(lines) if (name in image) is first]
             for first in (True, False))  # fmt: skip
    return _HEAD + f"{END_OF_IMAGE}\n".join("".join(f"{line}\n" for line in part) for part in parts)


def _main(arguments: list[str]) -> Iterator[str]:
    if arguments == ["--check"]:
        yield from missing()
    else:
        FILE.write_text(text(), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    if lost := list(_main(sys.argv[1:])):
        sys.exit(f"not pinned in constraints.txt: {', '.join(lost)}; run scripts/pin.py")
