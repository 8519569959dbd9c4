"""Finds the files that a person would run, for questions about parameters and for a training."""

from __future__ import annotations

import ast
from pathlib import Path

from grader.worker.student_code.sources import Source, read

_INSPECTS = {
    "modules", "named_modules", "parameters", "named_parameters", "children", "state_dict"
}


def inspecting_scripts(folder: Path) -> list[Source]:
    """The files that inspect a network's layers or parameters, or import a file that does.

    Those that a person would run come first.
    """
    files = read(folder)
    inspecting = [source for source in files if _INSPECTS & source.attributes]
    run = _entries(files, inspecting)
    first = sorted(
        inspecting, key=lambda one: (one not in run, -len(_INSPECTS & one.attributes))
    )
    return [*first, *(one for one in run if one not in inspecting)]


def training_scripts(folder: Path) -> list[Source]:
    """The files that a person would run to train: they call `backward`, or import a file that does.
    """
    files = read(folder)
    run = _entries(files, [source for source in files if source.trains])
    return sorted(run, key=lambda one: -len({"backward", "step"} & one.attributes))


def optimizing_scripts(folder: Path) -> list[Source]:
    """The files that a person would run to build an optimizer of `torch.optim`."""
    files = read(folder)
    return _entries(files, [one for one in files if "optim" in one.attributes | one.imports])


def entry_scripts(folder: Path) -> list[Source]:
    """The files that no other file of the submission imports."""
    files = read(folder)
    return _entries(files, files)


def _entries(files: list[Source], doing: list[Source]) -> list[Source]:
    """The files that do something, or import a file that does, and that no other such file imports.

    Files that all import each other are all returned.
    """
    does = {source.path for source in doing}
    while more := {
        source.path
        for source in files
        if source.path not in does
        and any(other.path in does and _imports(source, other) for other in files)
    }:
        does |= more
    found = [source for source in files if source.path in does]
    return [one for one in found if not any(_imports(other, one) for other in found)] or found


def _imports(source: Source, other: Source) -> bool:
    name = other.path.parent.name if other.path.name == "__init__.py" else other.path.stem
    return source is not other and name in source.imports


def is_called(folder: Path, function: str) -> bool:
    """True if the submission calls a function of its own, apart from recursion."""
    for source in read(folder):
        if source.error:
            continue
        for node in source.tree.body:
            if isinstance(node, ast.FunctionDef) and node.name == function:
                continue
            calls = (inner.func for inner in ast.walk(node) if isinstance(inner, ast.Call))
            if any(getattr(f, "id", getattr(f, "attr", "")) == function for f in calls):
                return True
    return False
