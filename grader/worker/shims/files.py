"""Files that are made when a script first asks for them."""

from __future__ import annotations

import builtins
import functools
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

Place = Callable[[Any], Any]
_WRITING = frozenset("wax")


def install(place: Place) -> None:
    """`place` is handed each path that is opened for reading, listed or looked for, and says where
    it is: it may make it first."""
    opened = _opening(builtins.open, place)
    builtins.open = io.open = opened
    for module, names in (
        (os, ("listdir", "scandir")),
        (os.path, ("exists", "isdir", "isfile", "getsize")),
        (Path, ("exists", "is_dir", "is_file", "iterdir")),
    ):
        for name in names:
            setattr(module, name, _asking(getattr(module, name), place))


def _opening(function: Callable[..., Any], place: Place) -> Callable[..., Any]:
    @functools.wraps(function)
    def open_(file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        if not _WRITING.intersection(mode):
            file = place(file)
        return function(file, mode, *args, **kwargs)

    return open_


def _asking(function: Callable[..., Any], place: Place) -> Callable[..., Any]:
    @functools.wraps(function)
    def ask(*args: Any, **kwargs: Any) -> Any:
        if args:
            args = (place(args[0]), *args[1:])
        return function(*args, **kwargs)

    if function in os.supports_fd:   # shutil asks which of them take a descriptor
        os.supports_fd.add(ask)
    return ask
