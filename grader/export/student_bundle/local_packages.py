"""Fills a bundle's environment with packages of this machine: those that it would install, no more.

A trial by pip downloads gigabytes for torch alone. The packages of a bundle are usually installed
where the reference ran, and links to just these leave everything else out.
"""

from __future__ import annotations

import subprocess
import venv
import zipfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

_PINNED = "import check; (check.HOME / 'grader-pinned').write_text(check.digest())"
_NO_PACKAGES = ("..", "__pycache__")


def fill_from_here(bundle: Path) -> bool:
    """Make the bundle's `.venv` from installed packages; False if one is missing here.

    Raises OSError where the system allows no links.
    """
    grading = bundle / "grading"
    (wheel,) = grading.glob("*.whl")
    wanted = [*_in_wheel(wheel), *_in_list(grading / "requirements.txt")]
    found = _closure([one for one in wanted if one.marker is None or one.marker.evaluate()])
    if found is None:
        return False
    home = bundle / ".venv"
    venv.EnvBuilder(symlinks=True).create(home)
    (site,) = home.rglob("site-packages")
    for one in found:
        for top in {file.parts[0] for file in one.files or ()}:
            source = Path(str(one.locate_file(top)))
            if top not in _NO_PACKAGES and source.exists() and not (site / top).exists():
                (site / top).symlink_to(source)
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    python = home / "bin" / "python"
    subprocess.run([python, "-P", "-c", f"import sys; sys.path.insert(0, '.'); {_PINNED}"],
                   cwd=bundle, check=True)
    return True


def _in_wheel(wheel: Path) -> Iterator[Requirement]:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (one for one in archive.namelist() if one.endswith(".dist-info/METADATA"))
        described = archive.read(name).decode()
    for line in described.splitlines():
        if line.startswith("Requires-Dist: "):
            yield Requirement(line.removeprefix("Requires-Dist: "))


def _in_list(path: Path) -> Iterator[Requirement]:
    for line in path.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith(("-", "./")):
            yield Requirement(line)


def _closure(wanted: list[Requirement]) -> list[metadata.Distribution] | None:
    """Return the installed packages that these need, directly or not; None if one is missing."""
    found: dict[tuple[str, frozenset[str]], metadata.Distribution] = {}
    while wanted:
        one = wanted.pop()
        key = canonicalize_name(one.name), frozenset(one.extras)
        try:
            here = metadata.distribution(one.name)
        except metadata.PackageNotFoundError:
            here = None
        if here is None or not one.specifier.contains(here.version, prereleases=True):
            return None
        if key in found:
            continue
        found[key] = here
        for text in here.requires or ():
            needed = Requirement(text)
            extras = ["", *one.extras]
            if needed.marker is None or any(needed.marker.evaluate({"extra": e}) for e in extras):
                wanted.append(needed)
    return list(found.values())
