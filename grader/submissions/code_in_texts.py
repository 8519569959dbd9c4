"""Finds code in text files whose names do not say so, such as a notebook called `hw2.txt`."""

from __future__ import annotations

import ast
import warnings
from pathlib import Path

from grader.submissions.left_out import shown
from grader.submissions.safe_writer import free
from grader.submissions.steps import Steps

_SUFFIXES = ("", ".txt", ".text", ".json", ".md")
_LARGEST_SCRIPT = 200_000  # bytes
_MOST = 50  # files that are looked at


def adopt_code_in_texts(folder: Path, steps: Steps) -> list[str]:
    """Copy texts that are code to files named as such, if there is no code; returns notes."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    if any(path.suffix in (".py", ".ipynb") for path in paths):
        return []
    notes = []
    for path in [one for one in paths if one.suffix.lower() in _SUFFIXES][:_MOST]:
        may = steps.may("look for code in", path.relative_to(folder).as_posix())
        if may and (suffix := _suffix_of(path)):
            copy = free(path.with_name(f"{path.stem}{suffix}"))
            copy.write_bytes(path.read_bytes())
            notes.append(f"{shown(path.name)} is taken for {shown(copy.name)}.")
    return notes


def _suffix_of(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(_LARGEST_SCRIPT + 1)
    if head.lstrip()[:1] == b"{" and b'"cells"' in head or b'"nbformat"' in head:
        return ".ipynb"
    return ".py" if len(head) <= _LARGEST_SCRIPT and is_script(head) else ""


def is_script(text: bytes) -> bool:
    """Return True if a text is Python that imports or defines something."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            tree = ast.parse(text)
        except Exception:   # SyntaxError, or nested too deeply
            return False
    return any(isinstance(one, ast.Import | ast.ImportFrom | ast.FunctionDef) for one in tree.body)
