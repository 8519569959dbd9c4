"""What IPython gives to notebooks, enough of it for a script that was one."""

from __future__ import annotations

import builtins
from collections.abc import Callable


class _IPython:
    """`get_ipython().run_line_magic(...)` does nothing."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *args, **kwargs: None


def install() -> None:
    shell = _IPython()
    builtins.get_ipython = lambda: shell  # type: ignore[attr-defined]  # IPython's own way
    builtins.display = print  # type: ignore[attr-defined]  # likewise
