"""A student reads of a syntax error what Python says about it, and no line of ours."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from grader.submissions.notebook import read_notebook
from grader.worker.session import Session, failure
from grader.worker.student_code import execution, sources


def in_cells(*cells: str) -> str:
    found = [{"cell_type": "code", "metadata": {}, "outputs": [], "source": one} for one in cells]
    return read_notebook(json.dumps({"nbformat": 4, "cells": found})).source


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="this Python knows the syntax")
def test_of_a_cell_in_a_newer_python_that_it_is_newer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = in_cells("d = {'a': 1}", 'print(f"{d["a"]}")')
    message, _ = told(tmp_path, monkeypatch, outcome="environment", main=text)
    assert "this syntax needs Python 3.12" in message


def told(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *, outcome: str = "exception", **files: str
) -> tuple[str, str]:
    """The message and the traceback of the error that ends the file `main`."""
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "argv", [*sys.argv])
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    (source,) = (one for one in sources.read(folder) if one.path.name == "main.py")
    error = execution.run_as_script(source, {})
    assert error is not None
    found = failure(error, Session(folder, None, lambda: None))
    assert found["outcome"] == outcome
    return found["message"], found["traceback"]


def test_of_a_cell_its_number_line_and_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = in_cells("x = 1", "y = 2\ndef f(:\n    pass", "z = 3")
    message, traceback = told(tmp_path, monkeypatch, main=text)
    assert message == "main.py, cell 2, line 2: SyntaxError: invalid syntax"
    assert traceback.splitlines() == [
        '  File "cell 2", line 2', "    def f(:", "          ^", "SyntaxError: invalid syntax",
    ]


def test_of_a_script_its_file_and_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    message, traceback = told(tmp_path, monkeypatch, main="x = 1\ny = = 2\n")
    assert message.startswith("SyntaxError: invalid syntax (main.py, line 2); Python 3.")
    assert traceback.splitlines()[0] == '  File "main.py", line 2'
    assert "ast.py" not in traceback and "grader" not in traceback


def test_of_an_imported_file_both_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, traceback = told(tmp_path, monkeypatch, main="import odd_helper\n", odd_helper="x = = 1\n")
    assert 'File "main.py", line 1' in traceback and 'File "odd_helper.py", line 1' in traceback
    assert "importlib" not in traceback


def test_an_honest_error_keeps_its_frames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = in_cells("def f():\n    raise ValueError('no')", "f()")
    message, traceback = told(tmp_path, monkeypatch, main=text)
    assert message == "main.py, cell 1, line 2: ValueError: no"
    assert traceback.count("File ") == 2
