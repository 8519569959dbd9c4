"""Takes resources and privileges from the child before it opens a file of a student."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from grader.submissions.parse_child.landlock import keep_to_this_folder

_NOBODY = 65_534
_FILES = 64   # open at a time


@dataclass(frozen=True)
class Limits:
    """The limits of one child.

    Attributes:
        seconds: Of processor time. Ten times as many may pass by the clock.
        memory: Bytes of address space.
        file: Bytes of the largest file that it writes.
    """

    seconds: int
    memory: int
    file: int


def confine(limits: Limits, sources: Iterable[Path]) -> None:
    """Limit this process for good, and leave root's privileges where that is possible.

    The working folder then belongs to the user `nobody`, who can open it by relative paths only.

    Args:
        limits: What it may use from now on.
        sources: What it has to read. Root stays root if nobody else may read it.
    """
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        _leave_root(sources)
    with contextlib.suppress(OSError):   # if memory is short, the kernel ends this process first
        Path("/proc/self/oom_score_adj").write_text("1000")
    keep_to_this_folder()
    try:
        import resource
    except ImportError:   # on Windows, where the grader watches time and memory
        return
    wanted: Mapping[str, int] = {
        "RLIMIT_CPU": limits.seconds, "RLIMIT_AS": limits.memory, "RLIMIT_FSIZE": limits.file,
        "RLIMIT_NOFILE": _FILES, "RLIMIT_CORE": 0, "RLIMIT_NPROC": 0,
    }
    for name, value in wanted.items():
        with contextlib.suppress(AttributeError, OSError, ValueError):   # not known on all systems
            kind = getattr(resource, name)
            hard = resource.getrlimit(kind)[1]
            known = hard != resource.RLIM_INFINITY
            # The hard limit on the processor kills without saying why, so it comes later.
            later = value + 2 if name == "RLIMIT_CPU" else value
            resource.setrlimit(kind, (min(value, hard) if known else value,
                                      min(later, hard) if known else later))


def _leave_root(sources: Iterable[Path]) -> None:
    groups, may = os.getgroups(), False
    with contextlib.suppress(OSError):   # root of a namespace may lack this right, or this user
        os.setgroups([])
        os.setegid(_NOBODY)
        os.seteuid(_NOBODY)
        may = _is_readable(sources)
    os.seteuid(0)
    os.setegid(0)
    with contextlib.suppress(OSError):
        if may:
            os.chown(".", _NOBODY, _NOBODY)
            os.setgid(_NOBODY)
            os.setuid(_NOBODY)
        else:
            os.setgroups(groups)


def _is_readable(sources: Iterable[Path]) -> bool:
    """Return True if this user may open the sources, Python's modules and the grader's."""
    modules = [spec.origin for name in ("json", "nbformat", __name__) if (spec := find_spec(name))]
    try:
        return all(
            os.access(path, os.R_OK | (os.X_OK if path.is_dir() else 0), effective_ids=True)
            for path in (*map(Path, filter(None, modules)), *_within(sources))
        )
    except OSError:
        return False


def _within(sources: Iterable[Path]) -> Iterator[Path]:
    for source in sources:
        yield from (one for one in (source, *source.rglob("*")) if not one.is_symlink())
