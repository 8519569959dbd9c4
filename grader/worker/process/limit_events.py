"""Reads the kernel's cgroup counters to tell which limits of the container a session hit.

An exit code does not tell: a library that cannot start another thread may call `exit(1)`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from grader.worker.process.cleanup import IN_CONTAINER

_CGROUPS = Path("/sys/fs/cgroup")
# Limit -> (files with the counter under cgroup 2 and cgroup 1, name of the counter).
_COUNTS = {
    "memory": (("memory.events", "memory/memory.oom_control"), "oom_kill"),
    "processes": (("pids.events", "pids/pids.events"), "max"),
}

Counts = Mapping[str, int]


def counts() -> Counts:
    """Number of hits of each limit since the container started; {} outside of a container."""
    if not IN_CONTAINER:
        return {}   # other processes share the limits
    return {limit: _read(files, name) for limit, (files, name) in _COUNTS.items()}


def since(before: Counts, scratch: str) -> list[str]:
    """The limits that were hit since `before`, and "disk" if `scratch` is full now."""
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
