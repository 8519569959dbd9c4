"""The packages that a bundle installs: those that checking this homework needs, and no more."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from grader.rubric.model import Rubric

# What `grader check` imports. Containers, the marking page, reports and calibration need others.
_AT_HOME = frozenset({
    "click", "filelock", "ipython", "jinja2", "junitparser", "nbformat", "numpy", "packaging",
    "pillow", "platformdirs", "psutil", "pydantic", "rich", "ruamel-yaml", "tzdata", "watchfiles",
})
_TORCH = frozenset({"torch", "torchvision"})
_WHILE_TRAINING = ("matplotlib", "tqdm")   # most students draw curves and bars, asked for or not
_IMPORT = re.compile(
    r"^[ \t]*(?:from[ \t]+(\w+)[\w.]*[ \t]+import\b|import[ \t]+([\w., \t]+))", re.MULTILINE
)
_CODE = (".py", ".ipynb")


def metadata_at_home(described: str) -> str:
    """Return the grader's METADATA with the requirements of `grader check` only, and no extras."""
    kept = []
    for line in described.splitlines(keepends=True):
        key, _, value = line.strip().partition(": ")
        if key == "Provides-Extra":
            continue
        if key == "Requires-Dist":
            one = Requirement(value)
            if canonicalize_name(one.name) not in _AT_HOME or _is_of_an_extra(one):
                continue
        kept.append(line)
    return "".join(kept)


def homework_packages(rubric: Rubric, described: str, texts: Iterable[str]) -> list[str]:
    """Return what pip installs beside the grader, one requirement each, in order.

    These are torch, what the visible checks need, and the packages that the starter, the handouts,
    the reference and the bundle's tests and checks import, with the rubric's `packages`.

    Args:
        rubric: the instructor's rubric.
        described: the grader's METADATA, which bounds versions.
        texts: the tests and checks of the bundle.
    """
    bounds: dict[str, str] = {
        canonicalize_name(one.name): f"{one.name}{one.specifier}"
        for one in _requirements(described)
    }
    wanted = set(_TORCH)
    if any(one.check == "pytest" for one in rubric.criteria):
        wanted.add("pytest")
    if rubric.profiles:
        wanted.update(_WHILE_TRAINING)
    if rubric.active.data.source == "digits":
        wanted.add("scikit-learn")
    wanted.update(_imported(rubric, texts))
    own = {canonicalize_name(Requirement(one).name) for one in rubric.packages}
    rest = sorted(wanted - own - _AT_HOME)
    return [*(bounds.get(name, name) for name in rest), *rubric.packages]


def _requirements(described: str) -> Iterator[Requirement]:
    for line in described.splitlines():
        key, _, value = line.partition(": ")
        if key == "Requires-Dist":
            yield Requirement(value)


def _is_of_an_extra(one: Requirement) -> bool:
    return one.marker is not None and "extra" in str(one.marker)


def _imported(rubric: Rubric, texts: Iterable[str]) -> set[str]:
    """Return the distributions of all modules that the homework's own code imports.

    A module that is not installed here is left out: its package's name would be a guess.
    """
    given = (rubric.starter, rubric.handouts, rubric.reference)
    files = [file for place in given if place is not None for file in _code_in(place)]
    own = {file.stem for file in files} | {file.parent.name for file in files}
    every = [*texts, *(_source(file) for file in files)]
    names = {name for text in every for name in _modules(text)}
    known = metadata.packages_distributions()
    found = (known[name][0] for name in names - own - sys.stdlib_module_names if name in known)
    return {str(canonicalize_name(name)) for name in found} - {"torch-grader"}


def _code_in(place: Path) -> list[Path]:
    every = [place] if place.is_file() else sorted(place.rglob("*"))
    return [file for file in every if file.is_file() and file.suffix in _CODE]


def _source(file: Path) -> str:
    text = file.read_text(encoding="utf-8", errors="replace")
    if file.suffix == ".py":
        return text
    try:
        cells = json.loads(text).get("cells", [])
    except (ValueError, AttributeError):
        return ""
    return "\n".join("".join(cell["source"]) for cell in cells if cell.get("cell_type") == "code")


def _modules(text: str) -> Iterator[str]:
    for module, several in _IMPORT.findall(text):
        for one in [module] if module else several.split(","):
            yield one.split()[0].partition(".")[0] if one.split() else ""
