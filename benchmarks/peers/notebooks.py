"""Writes a submission as a notebook, for peers that take nothing else.

The script is in one cell, and each test in a cell of its own.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.peers.base import ASKED, QUESTIONS

Metadata = dict[str, Any]


def write_notebook(
    path: Path,
    script: Path,
    head: Callable[[str, int], str],
    metadata: Callable[[str, int], Metadata],
) -> None:
    """Write the notebook.

    Args:
        path: The notebook.
        script: The student's script.
        head: From a test's name and points to the text above the test in its cell.
        metadata: From a test's name and points to its cell's metadata; the cell with the script has
            the name "solution" and 0 points.
    """
    cells = [_cell("solution", script.read_text(encoding="utf-8"), metadata("solution", 0))]
    for check, function, points in QUESTIONS:
        text = f"{head(check, points)}{ASKED}\n\n{check}({function})\n"
        cells.append(_cell(check, text, metadata(check, points)))
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook = {
        "cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5,
    }  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(notebook, indent=1), encoding="utf-8")


def _cell(name: str, text: str, metadata: Metadata) -> dict[str, Any]:
    return {
        "cell_type": "code", "id": name.replace("_", "-"), "metadata": metadata, "source": text,
        "execution_count": None, "outputs": [],
    }  # fmt: skip
