"""Finds code that could forge what the worker reports, for a person to look at.

Student code shares a process with the worker and can forge what only the worker reports, such as a
training's modes and parameter groups. It needs one of these means, which homework does not need. A
remark is for the person who grades manually; by itself it costs no points.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

MOST = 10           # remarks on one submission
_LARGEST = 1_000_000   # bytes of a file that are searched
_LONGEST = 2_000       # characters of a line
_REACHES_FOR = {
    "the grader's own modules": r"(^|[;:])\s*(import|from)\s+grader\b|['\"]grader\.",
    "other processes or descriptors": r"/proc/(self|\d|\*|\{)",
    "objects and frames that are not its own":
        r"\bgc\s*\.\s*get_|\b_getframe\b|\bf_back\b|\bf_globals\b|\btb_frame\b|\b__subclasses__\b"
        r"|\bcurrentframe\b|\bset(trace|profile)\b",
    "C or the kernel": r"\b(import|from)\s+(ctypes|cffi)\b|\bptrace\b|\bprctl\b|\bprocess_vm_",
    "descriptors or processes": r"\bos\s*\.\s*(write|read|dup2?|fdopen|fork|_exit)\b"
        r"|\b(import|from)\s+fcntl\b",
    "hooks below torch's own": r"_global_(forward|backward|optimizer)\w*hooks",
}
_PATTERNS = {what: re.compile(pattern) for what, pattern in _REACHES_FOR.items()}


def remarks(folder: Path, files: Iterable[str]) -> tuple[str, ...]:
    """Return lines such as `hw2.py:12 reaches for ...`, one for each kind in each Python file."""
    found: list[str] = []
    for file in files:
        if not file.lower().endswith(".py"):
            continue
        with (folder / file).open("rb") as source:
            lines = source.read(_LARGEST).decode("utf-8", "replace").split("\n")
        for what, pattern in _PATTERNS.items():
            hits = (
                number for number, line in enumerate(lines, 1)
                if not line.lstrip().startswith("#") and pattern.search(line[:_LONGEST])
            )
            if number := next(hits, None):
                found.append(f"{file}:{number} reaches for {what}")
    return tuple(found[:MOST])
