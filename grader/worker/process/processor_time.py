"""Measures the processor time of a session."""

from __future__ import annotations

import os
from collections.abc import Iterator
from os import times  # taken before the student's code may put another in its place
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


def processor_seconds() -> float:
    """Processor time of this process and its children, ended or not; of living ones on Linux only.
    """
    return sum(times()[:4]) + sum(map(_spent_by, _children()))


def _children() -> Iterator[str]:
    try:
        for task in Path("/proc/self/task").iterdir():
            yield from (task / "children").read_text().split()
    except OSError:
        return


def _spent_by(pid: str) -> float:
    try:
        # The second field, the name, is in parentheses and may hold any character.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / _TICKS
