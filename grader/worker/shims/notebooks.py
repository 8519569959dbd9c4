"""What IPython, Jupyter and Colab give to notebooks, enough of it for a script that was one."""

from __future__ import annotations

import builtins
import shlex
import sys
from pathlib import Path
from typing import Any

from grader.worker.shims.import_hooks import IfMissing, OnImport


class Nothing:
    """Whatever is asked of it does nothing: `get_ipython().run_line_magic(...)`."""

    def __getattr__(self, name: str) -> Nothing:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __bool__(self) -> bool:
        return False   # matplotlib asks, before it hooks into a shell

    def __call__(self, *args: Any, **kwargs: Any) -> None:
        return None


class Shell(Nothing):
    """What `get_ipython()` gives. A cell that writes a file writes it."""

    def run_cell_magic(self, magic: str, line: str, cell: str) -> None:
        if magic not in ("writefile", "file"):
            return
        words = shlex.split(line)
        path = Path(words[-1]).expanduser()
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a" if words[0] in ("-a", "--append") else "w", encoding="utf-8") as file:
            file.write(cell)


def install(on_import: OnImport, missing: IfMissing) -> None:
    shell = Shell()
    builtins.get_ipython = lambda: shell  # type: ignore[attr-defined]  # IPython's own way
    builtins.display = print  # type: ignore[attr-defined]  # likewise

    def ipython(module: Any) -> None:
        module.get_ipython = lambda: shell
        module.version_info = (9, 0, 0)   # matplotlib looks: with these it does nothing of its own

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
    """Bars in text: those of a notebook need one around them."""
    plain = sys.modules["tqdm.std"]
    notebook.tqdm = notebook.tqdm_notebook = plain.tqdm
    notebook.trange = notebook.tnrange = plain.trange
