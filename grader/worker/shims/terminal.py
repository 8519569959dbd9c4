"""Provides the size of a terminal, for progress bars that are as wide as it."""

from __future__ import annotations

import contextlib
import os
import re
import struct
import sys
from typing import Any

from grader.worker.shims import commands

ROWS, COLUMNS = 24, 80
_REST = r"[^|;&)`\n]*"
_ANSWERS = (
    (re.compile(rf"\bstty\b{_REST}\bsize\b{_REST}"), f"{ROWS} {COLUMNS}"),
    (re.compile(rf"\bstty\s+(?:-a|--all)\b{_REST}"), f"speed 38400 baud; rows {ROWS}; columns "
                                                     f"{COLUMNS}; line = 0;"),
    (re.compile(rf"\btput\b{_REST}\bcols\b{_REST}"), str(COLUMNS)),
    (re.compile(rf"\btput\b{_REST}\blines\b{_REST}"), str(ROWS)),
)  # fmt: skip


def install() -> None:
    """Answer for a terminal of 24 rows and 80 columns wherever a script asks."""
    os.environ.setdefault("COLUMNS", str(COLUMNS))
    os.environ.setdefault("LINES", str(ROWS))
    commands.rewrite(_in_a_shell, _in_words)
    measure = os.get_terminal_size

    def get_terminal_size(*args: Any) -> os.terminal_size:
        try:
            return measure(*args)
        except (OSError, ValueError):
            return os.terminal_size((COLUMNS, ROWS))

    os.get_terminal_size = get_terminal_size
    if sys.platform != "win32":
        _ioctl()


def _in_a_shell(command: str) -> str:
    for asked, answer in _ANSWERS:
        command = asked.sub(f'echo "{answer}"', command)
    return command


def _in_words(words: list[str]) -> list[str]:
    for asked, answer in _ANSWERS:
        if asked.fullmatch(" ".join(words)):
            return [sys.executable, "-c", f"print({answer!r})"]
    return words


def _ioctl() -> None:
    import fcntl
    import termios

    control: Any = fcntl.ioctl

    def ioctl(fd: Any, request: int, arg: Any = 0, *others: Any) -> Any:
        try:
            return control(fd, request, arg, *others)
        except OSError:
            if request != termios.TIOCGWINSZ:
                raise
        size = struct.pack("HHHH", ROWS, COLUMNS, 0, 0)
        with contextlib.suppress(TypeError):   # bytes cannot be written to
            memoryview(arg).cast("B")[: len(size)] = size
            return 0
        return size

    fcntl.ioctl = ioctl
