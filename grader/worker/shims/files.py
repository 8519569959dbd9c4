"""Patches the functions that open, list and look for files, so that a path can be replaced."""

from __future__ import annotations

import builtins
import functools
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

Redirect = Callable[[Any], Any]
_WRITING = frozenset("wax")


def install(redirect: Redirect, to_write: Redirect) -> None:
    """Use what `redirect` and `to_write` return in place of each path.

    Args:
        redirect: called with every path that is read, listed or looked for; may make a file first.
        to_write: called with every path that is opened for writing; may make its folder first.
    """
    opened = _redirected_open(builtins.open, redirect, to_write)
    builtins.open = io.open = opened
    for module, names in (
        (os, ("listdir", "scandir")),
        (os.path, ("exists", "isdir", "isfile", "getsize")),
        (Path, ("exists", "is_dir", "is_file", "iterdir")),
    ):
        for name in names:
            setattr(module, name, _redirected(getattr(module, name), redirect))


def _redirected_open(
    function: Callable[..., Any], redirect: Redirect, to_write: Redirect
) -> Callable[..., Any]:
    @functools.wraps(function)
    def open_(file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        file = (to_write if _WRITING.intersection(mode) else redirect)(file)
        return function(file, mode, *args, **kwargs)

    return open_


def _redirected(function: Callable[..., Any], redirect: Redirect) -> Callable[..., Any]:
    @functools.wraps(function)
    def redirected(*args: Any, **kwargs: Any) -> Any:
        if args:
            args = (redirect(args[0]), *args[1:])
        return function(*args, **kwargs)

    if function in os.supports_fd:   # shutil checks which functions take a descriptor
        os.supports_fd.add(redirected)
    return redirected
