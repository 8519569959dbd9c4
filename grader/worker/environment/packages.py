"""Tells whose lack a failed import is: a package that is not installed here, or a student's file.

A module that nobody here knows counts as a package, unless its name is one that students give to
files of their own, the import is relative, or the name is close to that of a known module.
"""

from __future__ import annotations

import difflib
import importlib.util
import re
import sys
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from grader.worker.environment.errors import message_of, own_frames

# Names that students give to files of their own; nobody means the packages of these names.
_OWN_FILE = re.compile(
    r"(my|hw|homework|assignment|ex|exercise|student|problem|part|question|q)_?\d*([_.]|$)|my[a-z]|"
    r".*(^|_)(args?|common|configs?|constants|data|dataset|evaluat\w*|functions?|helpers?|layers?|"
    r"loaders?|main|models?|nets?|networks?|[a-z]*net|parameters|params|plots?|plotting|settings?|"
    r"solver|test|train\w*|transforms?|utils?|utilities|vgg\d*)\d*$",
    re.IGNORECASE,
)
# Packages whose names are close to those of others.
_NO_TYPOS = frozenset(("torchsummaryX", "torchx", "xarray"))
_CLOSE = 0.8   # similarity of a mistyped name to the right one


def missing(error: BaseException, folder: Path) -> str:
    """The package that is not installed, or that has another version here, in words; "" if none."""
    if not isinstance(error, ImportError) or not error.name:
        return ""
    top = error.name.partition(".")[0]
    if _is_of_the_submission(top, folder):
        return ""
    if isinstance(error, ModuleNotFoundError):
        if top != error.name and _is_there(top):
            return "" if _is_close(error.name, [name for name in sys.modules if "." in name]) else (
                f"{installed(top)} is used here, and it has no module {error.name}"
            )
        if _looks_like_an_own_file(error, top, folder):
            return ""
        return f"package {top} is not installed here"
    wanted = quoted(message_of(error))
    there = dir(sys.modules[error.name]) if error.name in sys.modules else []
    if not wanted or _is_close(wanted, there):
        return ""
    return f"{installed(top)} is used here, and {error.name} has no {wanted}"


def _is_of_the_submission(top: str, folder: Path) -> bool:
    """True if the submission has a module or a folder of that name."""
    return any(
        found.suffix == ".py" or found.is_dir() for found in folder.rglob(f"{top}*")
        if found.stem == top
    )


def _looks_like_an_own_file(error: ImportError, name: str, folder: Path) -> bool:
    """True if a missing module is a file that was not handed in, or a mistyped name."""
    known = {*sys.stdlib_module_names, *metadata.packages_distributions()} - {name}
    mistyped = name not in _NO_TYPOS and _is_close(name, known)
    line = next((frame.line or "" for frame in reversed(own_frames(error, folder))), "")
    relative = line.lstrip().startswith("from .")
    return relative or mistyped or _OWN_FILE.fullmatch(name) is not None


def _is_close(name: str, known: Iterable[str]) -> bool:
    return bool(difflib.get_close_matches(name, list(known), 1, _CLOSE))


def _is_there(top: str) -> bool:
    try:
        return importlib.util.find_spec(top) is not None
    except (ImportError, ValueError):
        return False


def installed(top: str) -> str:
    """A package with its version: `numpy 2.3.1`."""
    names = metadata.packages_distributions().get(top, [top])
    try:
        return f"{top} {metadata.version(names[0])}"
    except metadata.PackageNotFoundError:
        return top


def quoted(text: str) -> str:
    found = re.search(r"'([^']*)'", text)
    return found[1] if found else ""
