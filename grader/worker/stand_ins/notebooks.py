"""What IPython and Colab give to notebooks, enough of it for a script that was one."""

from __future__ import annotations

import builtins
import importlib
import shlex
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

_COLAB = ("data_table", "drive", "files", "output", "patches", "userdata", "widgets")


class _IPython:
    """`get_ipython().run_line_magic(...)` does nothing; a cell that writes a file writes it."""

    def run_cell_magic(self, magic: str, line: str, cell: str) -> None:
        if magic != "writefile":
            return
        words = shlex.split(line)
        path = Path(words[-1]).expanduser()
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a" if words[0] in ("-a", "--append") else "w", encoding="utf-8") as file:
            file.write(cell)

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *args, **kwargs: None


class _Idle(types.ModuleType):
    """A module of which every function does nothing: `drive.mount(...)`, `files.download(...)`."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *args, **kwargs: None


def install() -> None:
    shell = _IPython()
    builtins.get_ipython = lambda: shell  # type: ignore[attr-defined]  # IPython's own way
    builtins.display = print  # type: ignore[attr-defined]  # likewise
    _colab()


def _colab() -> None:
    """`google` may be there: it is where other packages are, too."""
    try:
        google = importlib.import_module("google")
    except ImportError:
        google = types.ModuleType("google")
        google.__path__ = []
    colab = _Idle("google.colab")
    colab.__path__ = []
    sys.modules |= {"google": google, "google.colab": colab}
    google.colab = colab  # type: ignore[attr-defined]  # as an import would
    for name in _COLAB:
        module = _Idle(f"google.colab.{name}")
        sys.modules[module.__name__] = module
        setattr(colab, name, module)
