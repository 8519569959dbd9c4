"""Which of the student's files a person would run, for the parts on parameters and for a training.
"""

from __future__ import annotations

import ast
from pathlib import Path

from grader.worker.student_code.sources import Source, read

_WALKS = {"modules", "named_modules", "parameters", "named_parameters", "children", "state_dict"}


def that_walk(folder: Path) -> list[Source]:
    """The files that look at a network's layers or parameters, or import one of the submission that
    does; those that a person would run first."""
    files = read(folder)
    walks = [source for source in files if _WALKS & source.attributes]
    run = _entries(files, walks)
    looks = sorted(walks, key=lambda one: (one not in run, -len(_WALKS & one.attributes)))
    return [*looks, *(one for one in run if one not in walks)]


def that_train(folder: Path) -> list[Source]:
    """The files that a person would run for a training: which call `backward`, or import a file of
    the submission that does."""
    files = read(folder)
    run = _entries(files, [source for source in files if source.trains])
    return sorted(run, key=lambda one: -len({"backward", "step"} & one.attributes))


def entries(folder: Path) -> list[Source]:
    """The files that no other file of the submission imports."""
    files = read(folder)
    return _entries(files, files)


def _entries(files: list[Source], doing: list[Source]) -> list[Source]:
    """The files that do something themselves or by what they import, and that no other such file
    imports; all such files where they import each other."""
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
    """Whether the submission calls a function of its own, recursion aside."""
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
