"""Which limits of its container a session struck, in the kernel's own count.

An exit code does not say it: a library that may start no more threads calls `exit(1)`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from grader.worker.process.cleanup import IN_CONTAINER

_CGROUPS = Path("/sys/fs/cgroup")
# The limit: where cgroup 2 counts, and where cgroup 1 does; the name of the count.
_COUNTS = {
    "memory": (("memory.events", "memory/memory.oom_control"), "oom_kill"),
    "processes": (("pids.events", "pids/pids.events"), "max"),
}

Counts = Mapping[str, int]


def counts() -> Counts:
    """How often each limit was struck since the container started. Nothing outside of one."""
    if not IN_CONTAINER:
        return {}   # whose limits these are, and who struck them, nobody knows
    return {limit: _read(files, name) for limit, (files, name) in _COUNTS.items()}


def since(before: Counts, scratch: str) -> list[str]:
    """The limits that were struck since `before`, and "disk" where none is left now."""
    found = [limit for limit, count in counts().items() if count > before.get(limit, 0)]
    return found + ["disk"] * (IN_CONTAINER and _is_full(scratch))


def _read(files: tuple[str, ...], name: str) -> int:
    for file in files:
        try:
            lines = (_CGROUPS / file).read_text().splitlines()
        except OSError:
            continue
        for line in lines:
            key, _, count = line.partition(" ")
            if key == name and count.isdigit():
                return int(count)
    return 0


def _is_full(folder: str) -> bool:
    try:
        found = os.statvfs(folder)
    except OSError:
        return False
    return found.f_bavail == 0 or found.f_favail == 0
