"""Notebooks that are made to hurt: graded as what their code is, or left out with the reason.

A notebook is read on the host by a child with limits, which runs nothing of it; its code runs in
the sandbox as a script. So all but the cells that never end do no harm in the process sandbox
either.
"""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from grader.run.setup import RunSetup
from grader.submissions.safe_writer import MEGABYTE
from tests.hostile.case import HONEST, Must, grade_path
from tests.hostile.conftest import Verify

PROCESS = pytest.mark.parametrize("sandbox", ["process"], indirect=True, scope="session")
HONEST_CODE = HONEST.read_text(encoding="utf-8")
PEAK = 100 * MEGABYTE  # of the grader's memory: the first grading loads the data, nothing else
TRACE = "grader-notebook-was-run"  # what shell lines would leave in the temporary folder

Cell = dict[str, Any]


def code(source: Any, **fields: Any) -> Cell:
    return {"cell_type": "code", "metadata": {}, "outputs": [], "source": source} | fields


def book(*cells: Cell | str, **fields: Any) -> bytes:
    """An honest student's notebook with these cells before the honest ones."""
    all_cells = [code(cell) if isinstance(cell, str) else cell for cell in cells]
    content = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": all_cells} | fields
    return json.dumps(content).encode()


def honest(*cells: Cell | str, **fields: Any) -> bytes:
    return book(*cells, code(HONEST_CODE.splitlines(keepends=True)), **fields)


def deep(levels: int) -> Any:
    return json.loads("[" * levels + "]" * levels)


def png(megabytes: int) -> Cell:
    picture = {"image/png": "iVBORw0K" * (megabytes * MEGABYTE // 8)}
    return {"output_type": "display_data", "metadata": {}, "data": picture}


def version_3() -> bytes:
    cells = [{"cell_type": "code", "language": "python", "input": HONEST_CODE, "outputs": []}]
    return json.dumps({"nbformat": 3, "metadata": {}, "worksheets": [{"cells": cells}]}).encode()


FORGED = {
    "tags": ["grade", "full-marks", "skip-grading"],
    "nbgrader": {
        "grade": True, "solution": False, "locked": True, "points": 1_000, "score": 1_000,
        "grade_id": "layer-counts", "checksum": "0" * 32, "schema_version": 3,
    },
}  # fmt: skip
SHELL = f"touch /tmp/{TRACE}; exit 1"

# What is honest stays honest, whatever lies around it.
NO_EFFECT: dict[str, Callable[[], bytes]] = {
    "pip install and magics": lambda: honest(
        "!pip install torch torchvision\n%matplotlib inline\n%load_ext autoreload\nimport torch"
    ),
    "shell lines": lambda: honest(f"!{SHELL}\nx = !{SHELL}\n%sx {SHELL}\n!!{SHELL}"),
    "shell cells": lambda: honest(f"%%bash\n{SHELL}", f"%%script sh\n{SHELL}", f"%%!\n{SHELL}"),
    "another file run": lambda: honest("%run other.py\n%load other.py\n%%writefile honest.py\nx"),
    "get_ipython": lambda: honest(f"get_ipython().system({SHELL!r})"),
    "a cell that asks": lambda: honest("name = input('Your name? ')"),
    "a cell that raises": lambda: honest("raise ValueError('no')", "this is no Python"),
    "forged grading tags": lambda: honest(
        code("x = 1", id="../../etc", metadata=FORGED), code("y = 1", id="../../etc"),
        metadata={"celltoolbar": "Create Assignment", **FORGED},
    ),
    "forged cell marks": lambda: honest("# %% [cell 2]\nx = (\n# %% [cell 3]\n1)"),
    "no kernel": lambda: honest(metadata={"kernelspec": {"name": "gone", "language": "python"}}),
    "kernel of another language": lambda: honest(
        metadata={"kernelspec": {"name": "ir", "language": "R"}, "language_info": {"name": "R"}}
    ),
    "metadata of all kinds": lambda: honest(
        code("x = 1", execution_count="x", id=7, metadata=None, outputs={"a": deep(500)}),
        {"cell_type": "raw", "source": ""}, {"cell_type": "\x1b]0;owned\x07", "source": ["a", "b"]},
        metadata=[1], nbformat_minor="many",
    ),
    "outputs of 45 MB": lambda: honest(code("x = 1", outputs=[png(45)])),
    "outputs of two million values": lambda: honest(code("x = 1", outputs="HERE")).replace(
        b'"HERE"', b"[" + b'{"a":{}},' * 700_000 + b"1]"
    ),
    "attachments of 45 MB": lambda: honest(
        {"cell_type": "markdown", "source": "![](attachment:a)", "attachments": {"a": png(45)}}
    ),
    "version 3": version_3,
    "byte order mark": lambda: b"\xef\xbb\xbf" + honest(),
    "UTF-16": lambda: honest("x = 'é'").decode().encode("utf-16"),
    "surrogates and NULs": lambda: honest("x = '\ud800'  # \udfff\0", "y = '\0'", "\0"),
    "a line of 400,000 characters": lambda: honest("x = '" + "x" * 400_000 + "'"),
    "code too deep for Python": lambda: honest("x = " + "(" * 5_000, "y = " + "-" * 100_000 + "1"),
    "a key twice": lambda: honest().replace(b'{"nbformat": 4', b'{"nbformat": 99, "nbformat": 4'),
}  # fmt: skip

# What can't be read is left out: no points, and the student is told what to do.
LEFT_OUT: dict[str, tuple[str, Callable[[], bytes]]] = {
    "no JSON": ("not JSON", lambda: honest()[:-1]),
    "empty file": ("not JSON", lambda: b""),
    "bytes of no text": ("not JSON", lambda: bytes(range(256)) * 9),
    "5,000 levels of JSON": ("nested too deeply", lambda: b"[" * 5_000 + b"]" * 5_000),
    "5,000 levels in its outputs": (
        "nested too deeply",
        lambda: honest(code("x = 1", outputs="HERE")).replace(
            b'"HERE"', b'{"a":' * 5_000 + b"1" + b"}" * 5_000
        ),
    ),
    "a number of 5,000 digits": (
        "not JSON", lambda: honest(metadata="HERE").replace(b'"HERE"', b"9" * 5_000)
    ),
    "outputs of 90 MB": ("larger than 50 MB", lambda: honest(code("x = 1", outputs=[png(90)]))),
    "outputs of a million objects": (
        "larger than 50 MB",
        lambda: honest(code("x = 1", outputs="HERE")).replace(
            b'"HERE"', b"[" + b"{}," * 3_000_000 + b"{}]"
        ),
    ),
    "nbformat 99": ("'nbformat' is '99'", lambda: honest(nbformat=99)),
    "nbformat with an escape sequence": ("nbformat", lambda: honest(nbformat="\x1b]0;owned\x07")),
    "no nbformat": ("'nbformat' is 'None'", lambda: honest(nbformat=None)),
    "no cells": ("malformed", lambda: honest(cells=None)),
    "cells that are none": ("malformed", lambda: honest(cells=[7, "code", [[]]])),
    "source of nested lists": ("malformed", lambda: book(code([[[HONEST_CODE]]]))),
    "source of numbers": ("malformed", lambda: book(code(7), code([1, 2, 3]))),
    "30,000 cells": ("more than 20,000 cells", lambda: book(*["x = 1"] * 30_000)),
    "a cell of 600,000 characters": ("in one cell", lambda: book("x = 1\n" * 100_000)),
}  # fmt: skip

OTHER_CODE: dict[str, tuple[Must, Callable[[], bytes]]] = {
    "code of another language": (
        ("Z",),
        lambda: book(
            "library(torch)\nmodel <- function(x) { x$parameters }",
            metadata={"kernelspec": {"name": "ir", "language": "R"}},
        ),
    ),
    "nothing but shell": (("Z",), lambda: book(f"!{SHELL}", f"%%bash\n{SHELL}")),
}

ENDLESS: dict[str, Callable[[], bytes]] = {
    "a cell that never ends": lambda: honest("while True:\n    pass"),
    "a timed cell that never ends": lambda: honest("%%time\nwhile True:\n    pass"),
    "a cell that catches what would end it": lambda: honest(
        "import time\nwhile True:\n    try:\n        time.sleep(1)\n    except BaseException:\n"
        "        pass"
    ),
}


def handed_in(content: bytes, tmp_path: Path) -> Path:
    path = tmp_path / "eve.ipynb"
    path.write_bytes(content)
    return path


def nothing_was_run() -> bool:
    return not (Path("/tmp") / TRACE).exists()


@PROCESS
@pytest.mark.parametrize("name", NO_EFFECT)
def test_an_honest_notebook_keeps_its_points(
    setup: RunSetup, name: str, verify: Verify, tmp_path: Path
) -> None:
    source = handed_in(NO_EFFECT[name](), tmp_path)
    tracemalloc.start()
    grade = grade_path(setup, source, ("layer-counts",))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    verify(f"notebooks/{name}", ("N",), grade)
    assert peak < PEAK
    assert nothing_was_run()


@PROCESS
@pytest.mark.parametrize("name", LEFT_OUT)
def test_a_notebook_that_cannot_be_read_waits_for_a_person_and_says_why(
    setup: RunSetup, name: str, verify: Verify, tmp_path: Path
) -> None:
    says, content = LEFT_OUT[name]
    source = handed_in(content(), tmp_path)
    tracemalloc.start()
    grade = grade_path(setup, source, ("layer-counts",))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    verify(f"notebooks/{name}", ("needs_marking",), grade)
    reason = grade.criteria[0].verdict.reason
    assert "'eve.ipynb' was left out" in reason and says in reason
    assert reason.isprintable() and "Traceback" not in reason
    assert peak < PEAK


@PROCESS
def test_outputs_of_200_megabytes_are_left_out_as_any_file_of_that_size(
    setup: RunSetup, verify: Verify, tmp_path: Path
) -> None:
    source = handed_in(honest(code("x = 1", outputs=[png(200)])), tmp_path)
    grade = grade_path(setup, source, ("layer-counts",))
    verify("notebooks/outputs of 200 MB", ("needs_marking",), grade)
    assert "larger than 100 MB" in grade.criteria[0].verdict.reason


@PROCESS
@pytest.mark.parametrize("name", OTHER_CODE)
def test_a_notebook_is_graded_as_what_its_code_is(
    setup: RunSetup, name: str, verify: Verify, tmp_path: Path
) -> None:
    must, content = OTHER_CODE[name]
    source = handed_in(content(), tmp_path)
    verify(f"notebooks/{name}", must, grade_path(setup, source, ("layer-counts",)))
    assert nothing_was_run()


@pytest.mark.parametrize("name", ENDLESS)
def test_a_cell_that_never_ends_is_stopped_and_the_next_student_is_graded(
    setup: RunSetup, name: str, verify: Verify, tmp_path: Path
) -> None:
    source = handed_in(ENDLESS[name](), tmp_path)
    grade = grade_path(setup, source, ("layer-counts",))
    verify(f"notebooks/{name} ({setup.sandbox.name})", ("L time_limit",), grade)
    next_one = grade_path(setup, HONEST, ("layer-counts",))
    verify(f"notebooks/after {name} ({setup.sandbox.name})", ("N",), next_one)
