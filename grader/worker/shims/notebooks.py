"""Provides the parts of IPython, Jupyter and Colab that a converted notebook needs."""

from __future__ import annotations

import builtins
import shlex
import sys
from pathlib import Path
from typing import Any

from grader.worker.shims.import_hooks import IfMissing, OnImport


class Nothing:
    """An object whose every attribute is callable and does nothing."""

    def __getattr__(self, name: str) -> Nothing:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __bool__(self) -> bool:
        return False   # matplotlib checks this before it hooks into a shell

    def __call__(self, *args: Any, **kwargs: Any) -> None:
        return None


class Shell(Nothing):
    """The result of `get_ipython()`. Of all magics, only `%%writefile` does something."""

    def run_cell_magic(self, magic: str, line: str, cell: str) -> None:
        if magic not in ("writefile", "file"):
            return
        words = shlex.split(line)
        path = Path(words[-1]).expanduser()
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a" if words[0] in ("-a", "--append") else "w", encoding="utf-8") as file:
            file.write(cell)


def install(on_import: OnImport, missing: IfMissing) -> None:
    """Add IPython's builtins, and modules for imports that are not installed."""
    shell = Shell()
    builtins.get_ipython = lambda: shell  # type: ignore[attr-defined]  # IPython's own way
    builtins.display = print  # type: ignore[attr-defined]  # likewise

    def ipython(module: Any) -> None:
        module.get_ipython = lambda: shell
        module.version_info = (9, 0, 0)   # matplotlib reads it and then does nothing itself

    # Installed or not: the installed IPython has no shell to give to a script.
    for name, fill in (("IPython", ipython), ("IPython.display", _displays)):
        on_import.do(name, fill)
        missing.give(name, fill)
    missing.give("google", lambda module: None)
    missing.give("google.colab", _does_nothing("drive", "files", "output", "userdata"))
    missing.give("google.colab.patches", _does_nothing("cv2_imshow"))
    on_import.do("tqdm.notebook", _plain_bars)


def _displays(module: Any) -> None:
    _does_nothing("clear_output", "set_matplotlib_formats", "HTML", "Markdown", "Image")(module)
    module.display = print


def _does_nothing(*names: str) -> Any:
    def fill(module: Any) -> None:
        for name in names:
            setattr(module, name, Nothing())

    return fill


def _plain_bars(notebook: Any) -> None:
    """Replace notebook progress bars by text: they need a running notebook."""
    plain = sys.modules["tqdm.std"]
    notebook.tqdm = notebook.tqdm_notebook = plain.tqdm
    notebook.trange = notebook.tnrange = plain.trange
