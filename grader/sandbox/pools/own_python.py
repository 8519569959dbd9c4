"""Options that show a worker under bubblewrap the system, this Python, and their packages."""

from __future__ import annotations

import os
import site
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path


def system() -> Iterator[str]:
    """Yield the options that show the system's programs and libraries."""
    yield from ("--ro-bind", "/usr", "/usr")
    for name in ("bin", "sbin", "lib", "lib64"):
        path = Path("/", name)
        if path.is_symlink():
            yield from ("--symlink", f"usr/{name}", str(path))
        elif path.is_dir():
            yield from ("--ro-bind", str(path), str(path))
    for place in ("/etc/ld.so.cache", "/etc/alternatives", "/sys/devices/system", *libraries()):
        yield from ("--ro-bind-try", place, place)


def interpreter() -> Iterator[str]:
    """Yield the options that show this interpreter and its packages, without the grader's own."""
    real = Path(sys.executable).resolve().parent.parent
    shown: list[Path] = []
    for prefix in dict.fromkeys((Path(sys.prefix), Path(sys.base_prefix), real)):
        # By name: a virtual environment may lie at the top of a homework, beside its solution.
        parts = ("bin", "lib", "lib64", "share", "pyvenv.cfg")
        shown += [prefix / part for part in parts if (prefix / part).exists()]
    for path in (*shown, *packages()):
        if not path.is_relative_to("/usr"):
            yield from ("--ro-bind", str(path), str(path))
    for path in packages():
        if (path / "grader").is_dir():
            yield from ("--tmpfs", str(path / "grader"), "--remount-ro", str(path / "grader"))


def packages() -> Sequence[Path]:
    """Return the folders of this interpreter's installed packages."""
    names = ("site-packages", "dist-packages")
    found = (Path(one) for one in sys.path if Path(one).name in names)
    return tuple(path for path in dict.fromkeys(found) if path.is_dir())


def is_users(folder: Path) -> bool:
    """Say if these packages came by `pip install --user`, where `python -s` does not look."""
    return str(folder) == site.getusersitepackages()


def libraries() -> list[str]:
    """Return the folders of LD_LIBRARY_PATH, which environment modules set."""
    named = os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep)
    return [one for one in named if one and Path(one).is_dir()]
