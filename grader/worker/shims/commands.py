"""Rewrites commands that a script starts, given to a shell as a text or as a list of words."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from typing import Any


def rewrite(text: Callable[[str], str], words: Callable[[list[str]], list[str]]) -> None:
    """Patch `subprocess` and `os.system`, which `os.popen` and notebooks use as well.

    Args:
        text: gives the command for a shell to run in place of another.
        words: gives the words to run in place of others.
    """
    system = os.system
    popen: Any = subprocess.Popen
    start = popen.__init__

    def replaced(command: Any) -> Any:
        if isinstance(command, str):
            return text(command)
        if not isinstance(command, (list, tuple)):
            return command
        given = [os.fsdecode(word) for word in command]
        found = words(given)
        return command if found == given else found

    def init(self: Any, args: Any, *others: Any, **options: Any) -> None:
        start(self, replaced(args), *others, **options)

    os.system = lambda command: system(replaced(command))
    popen.__init__ = init
