"""Converts a notebook to Python source that runs as a script, and collects its texts.

The source is made of the code cells in order. Each starts with a line of its own, exactly

    # %% [cell N]

where N counts all cells (code, Markdown and raw) from 1, top to bottom. The cell's code follows; its
first line is line 1 of that cell. No other line begins like a marker. Lines end with a line feed.

A cell that is Python stays as it is. Any other cell is rewritten by IPython's transformer, with
line numbers kept. The result need not be Python; the worker tells, whose Python may be newer.
Outputs, cell ids, tags and kernels are ignored.
"""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from grader.submissions.ipython_syntax import IPythonSyntax, TooLong, without_transparent_magics
from grader.submissions.steps import TOO_MUCH

LARGEST_NOTEBOOK = 50_000_000  # bytes
_LARGEST_CODE = 2_000_000  # characters, all cells together
_LARGEST_CELL = 500_000  # characters; compiling takes a thousand times as many bytes
_MOST_CELLS = 20_000
_MOST_NODES = 3_000_000  # values of all kinds, since each takes memory

_PROMPT = re.compile(r"\s*In \[\d+\]: ")  # Python takes it for an annotation
_MARKER = re.compile(r"^# (?=%% \[cell )", re.MULTILINE)
# IPython runs these without their % in a cell of one line; students leave it out elsewhere, too.
_INSTALL = re.compile(r"^([ \t]*)(?=(?:pip3?|conda|mamba)[ \t]+install\b)", re.MULTILINE)


class NotebookError(ValueError):
    """A notebook can't be read; the message is for the student."""


@dataclass(frozen=True)
class Notebook:
    """A converted notebook: Python source, and the texts of its Markdown and raw cells."""

    source: str
    markdown: tuple[str, ...]


def read_notebook(text: str, ipython: IPythonSyntax | None = None) -> Notebook:
    """Convert the contents of an `.ipynb` file; raises NotebookError and nothing else.

    Pass the same `ipython` for all notebooks of a submission, so that they share its budget.
    """
    try:
        cells = list(_cells(text))
    except NotebookError:
        raise
    except RecursionError:
        raise NotebookError("the notebook is nested too deeply") from None
    except MemoryError:
        raise NotebookError(f"{TOO_MUCH}; keep data in files of their own") from None
    except Exception as error:  # fields of any type where others belong: AttributeError and so on
        raise NotebookError(
            f"the notebook is malformed ({type(error).__name__}); save it again in Jupyter"
        ) from error
    code = [source for kind, source in cells if kind == "code"]
    if sum(map(len, code)) > _LARGEST_CODE or max(map(len, code), default=0) > _LARGEST_CELL:
        raise NotebookError(
            f"the notebook has more than {_LARGEST_CODE:,} characters of code, or more than "
            f"{_LARGEST_CELL:,} in one cell; keep data in a file of its own"
        )
    ipython = ipython or IPythonSyntax()
    marked = [
        # A marker that the student wrote becomes an ordinary comment.
        f"# %% [cell {number}]\n" + _MARKER.sub("#  ", _converted(source, number, ipython)) + "\n"
        for number, (kind, source) in enumerate(cells, start=1)
        if kind == "code"
    ]
    return Notebook("".join(marked), tuple(source for kind, source in cells if kind != "code"))


def _cells(text: str) -> Iterator[tuple[str, str]]:
    """Yield (kind, source) of every cell, as in version 4 of the format."""
    if len(text) > LARGEST_NOTEBOOK or sum(map(text.count, "[{,")) > _MOST_NODES:
        raise NotebookError(
            f"the notebook is larger than {LARGEST_NOTEBOOK // 1_000_000} MB or has too many "
            "values; clear its outputs and save it again"
        )
    try:
        notebook = json.loads(text)
    except ValueError as error:
        raise NotebookError(f"the notebook is not JSON ({str(error)[:80]})") from error
    version = notebook.get("nbformat") if isinstance(notebook, dict) else None
    if type(version) is not int or version not in (3, 4):
        raise NotebookError(
            f"the notebook's 'nbformat' is {str(version)[:20]!r}, expected 4 (or the old 3); "
            "save it again in Jupyter"
        )
    # Version 3 had pages of cells, and nbformat would keep the first page only.
    pages = [notebook] if version == 4 else notebook["worksheets"]
    cells = [_bare(cell, version) for page in pages for cell in page["cells"]]
    if len(cells) > _MOST_CELLS:
        raise NotebookError(f"the notebook has more than {_MOST_CELLS:,} cells")
    for cell in cells if version == 4 else _as_version_4(cells):
        yield str(cell["cell_type"]), _clean(cell["source"])


def _as_version_4(cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    from nbformat import convert, reader   # which takes as long to import as all else

    bare = {"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": [{"cells": cells}]}
    # Not `nbformat.reads`, which would log warnings about missing fields.
    converted: Any = convert(reader.reads(json.dumps(bare)), 4)  # type: ignore[no-untyped-call]  # nbformat is untyped here
    return list(converted.cells)


def _bare(cell: dict[str, Any], version: int) -> dict[str, Any]:
    """Return a cell with its text only, since nbformat copies, checks and logs everything else."""
    kind, level = cell["cell_type"], cell.get("level", 1)
    text = cell["input" if kind == "code" and "input" in cell else "source"]
    text = text if isinstance(text, str) else "".join(text)
    if kind == "code":
        field = "input" if version == 3 else "source"
        return {"cell_type": kind, "metadata": {}, "outputs": [], field: text}
    if kind == "heading":
        level = max(1, min(int(level), 6))
        return {"cell_type": kind, "metadata": {}, "level": level, "source": text}
    kind = "markdown" if kind in ("markdown", "html") else "raw"
    return {"cell_type": kind, "metadata": {}, "source": text}


def _clean(source: str) -> str:
    """Normalise line ends, and replace characters that a file or Python would refuse."""
    source = source.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd")
    return source.encode("utf-8", "replace").decode("utf-8")


def _converted(source: str, number: int, ipython: IPythonSyntax) -> str:
    """Return the cell in as many lines, as Python if it is IPython's or Python's at all."""
    for python in (source, without_transparent_magics(source)):
        if _is_python(python) and not _PROMPT.match(source):
            return python
    try:
        python = ipython.to_python(source)
        if not _is_python(python) and _INSTALL.search(source):
            magic = ipython.to_python(_INSTALL.sub(r"\1%", source))
            python = magic if _is_python(magic) else python
    except TooLong:
        why = "the cell has too much text for its magics to be read; put data into a file"
        commented = "# " + source.replace("\n", "\n# ")
        return f"raise SyntaxError({why!r}, ('cell {number}', 1, None, None))  {commented}"
    return python


def _is_python(source: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "\d" in a string is no mistake here
            ast.parse(source)
    except Exception:  # SyntaxError; nested too deeply, a number of 5,000 digits ...
        return False
    return True
