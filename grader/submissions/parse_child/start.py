"""Starts a child for one job, watches it, and checks what it says."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import site
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeVar

import psutil
from pydantic import TypeAdapter, ValidationError

import grader
from grader.errors import GraderError
from grader.submissions.code_tokens import Code
from grader.submissions.parse_child.limits import Limits
from grader.submissions.reading import Reading
from grader.submissions.safe_writer import MEGABYTE, Caps
from grader.submissions.bounded_reader import TAR_OVERHEAD
from grader.submissions.steps import TOO_MUCH, Step

_COMMAND = (sys.executable, "-P", "-m", "grader.submissions.parse_child")
_SECONDS, _UNPACK_SECONDS = 30, 3_600   # of processor time: one submission, a class's download
_MEMORY = 2 * 2**30
_SLOWEST = 10   # seconds by the clock, for each of the processor's
_ANSWER = 64 * MEGABYTE   # of all that a child says
_POLL = 0.25
# How a process ends that is out of time, or whose interpreter a hostile file has broken.
_SIGNALS = ("SIGXCPU", "SIGSEGV", "SIGABRT", "SIGBUS", "SIGILL", "SIGFPE")
_ENDED = {-getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)}
_ENDED |= {0xC0000005, 0xC00000FD, 0xC0000409}   # on Windows: access, stack overflow, abort


_Kind = TypeVar("_Kind")


class BeyondLimits(Exception):
    """The child went beyond a limit in `step`; the text continues "Nothing was read: ..."."""

    def __init__(self, step: Step) -> None:
        super().__init__(TOO_MUCH)
        self.step = step


@dataclass(frozen=True)
class _Line:
    """A line of the child's; see `grader.submissions.parse_child.__main__`."""

    step: Step | None = None
    done: Any = None
    beyond: str = ""
    system: tuple[int, str] | None = None


@dataclass(frozen=True)
class Unpacked:
    """The result of unpacking an archive: lines for a person, and the names of files left out."""

    is_read: bool
    lines: tuple[str, ...]
    names: tuple[str, ...]


def read_in_child(
    student: str, sources: Sequence[Path], root: Path, caps: Caps, imports: Sequence[str],
    skipped: Sequence[Step], rules: Sequence[str] = (),
) -> Reading:
    """Do `grader.submissions.reading.read` in a child.

    Args:
        student: As for `read`, like all others.
        sources: As for `read`.
        root: As for `read`.
        caps: As for `read`.
        imports: As for `read`.
        skipped: Steps that went beyond the limits before.
        rules: As for `read`.

    Raises:
        BeyondLimits: It went beyond the limits.
        GraderError, OSError: The grader or its machine failed.
    """
    job = {"do": "read", "student": student, "imports": imports, "skipped": skipped,
           "rules": rules}
    limits = Limits(_SECONDS, _MEMORY, caps.total_bytes + TAR_OVERHEAD)
    return _checked(Reading, _result(job, sources, root, caps, limits))


def code_in_child(
    student: str, sources: Sequence[Path], root: Path, skipped: Sequence[Step]
) -> Code:
    """Do `grader.submissions.code_tokens.read_code` in a child.

    Args:
        student: As for `read_in_child`, like all others.
        sources: As for `read_in_child`.
        root: As for `read_in_child`.
        skipped: As for `read_in_child`.

    Raises:
        BeyondLimits: It went beyond the limits.
        GraderError, OSError: The grader or its machine failed.
    """
    caps = Caps()
    job = {"do": "code", "student": student, "skipped": skipped}
    limits = Limits(_SECONDS, _MEMORY, caps.total_bytes + TAR_OVERHEAD)
    return _checked(Code, _result(job, sources, root, caps, limits))


def unpack_in_child(archive: Path, place: Path, caps: Caps) -> Unpacked:
    """Unpack an archive into the new folder `in` of the folder `place`.

    Args:
        archive: The zip or tar.
        place: An empty folder.
        caps: Limits its size.

    Raises:
        BeyondLimits: It went beyond the limits.
        GraderError, OSError: The grader or its machine failed.
    """
    limits = Limits(_UNPACK_SECONDS, _MEMORY, caps.total_bytes + TAR_OVERHEAD)
    return _checked(Unpacked, _result({"do": "unpack"}, [archive], place, caps, limits))


def _checked(kind: type[_Kind], told: object) -> _Kind:
    """Return what the child told as this kind of data; `told` is JSON or made of plain values."""
    expected = TypeAdapter(kind)
    try:
        is_json = isinstance(told, bytes)
        return expected.validate_json(told) if is_json else expected.validate_python(told)
    except ValidationError as error:
        raise _failed(f"it says {str(error)[:200]}") from None


def _failed(why: str) -> GraderError:
    return GraderError(f"The process that reads submissions failed: {why}. Grade again.")


def _result(
    job: dict[str, Any], sources: Sequence[Path], place: Path, caps: Caps, limits: Limits
) -> object:
    job = {"skipped": (), **job, "limits": dataclasses.asdict(limits)}
    job |= {"caps": dataclasses.asdict(caps), "sources": [str(one.absolute()) for one in sources]}
    with (
        tempfile.TemporaryFile() as asked,
        tempfile.TemporaryFile() as told,
        tempfile.TemporaryFile() as errors,
    ):
        asked.write(json.dumps(job).encode())
        asked.seek(0)
        with subprocess.Popen(
            _COMMAND,
            stdin=asked, stdout=told, stderr=errors, cwd=place, env=_environment(),
            start_new_session=True,   # Ctrl-C is for the grader, which finishes what it has begun
        ) as process:
            try:
                is_ended_by_us = not _ends_within(process, limits)
            finally:
                process.kill()
        step, end = _told(told)
        ended = is_ended_by_us or process.returncode in _ENDED or end.beyond
        if ended and step is not None:
            raise BeyondLimits(step)
        if end.system is not None:
            raise OSError(*end.system)
        if end.done is None:
            raise _failed(f"exit code {process.returncode}; {_end_of(errors)!r}")
        return end.done


def _ends_within(process: subprocess.Popen[bytes], limits: Limits) -> bool:
    """Wait for the end; False if the process exceeds its time or memory.

    Most systems end such a process themselves. The time by the clock is counted while this process
    runs, too: a machine that was asleep is no fault of anybody's.
    """
    end = threading.Thread(target=process.wait, daemon=True)   # `wait` with a time limit would poll
    end.start()
    left = float(_SLOWEST * limits.seconds)
    while left > 0:
        before = time.monotonic()
        end.join(_POLL)
        if not end.is_alive():
            return True
        left -= min(time.monotonic() - before, 2 * _POLL)
        with contextlib.suppress(psutil.Error):
            family = [psutil.Process(process.pid)]
            if os.name == "nt":   # where the python.exe of a virtual environment starts another one
                family += family[0].children(recursive=True)
            times = [one.cpu_times() for one in family]
            spent = sum(one.user + one.system for one in times)
            if spent > limits.seconds or max(_memory(one) for one in family) > limits.memory:
                return False
    raise _failed(f"it had {_SLOWEST * limits.seconds} s and was hardly running")


def _memory(process: psutil.Process) -> int:
    return int(process.memory_info().rss)


def _told(told: IO[bytes]) -> tuple[Step | None, _Line]:
    """Return the last step that the child began, and how it ended."""
    if told.seek(0, os.SEEK_END) > _ANSWER:
        raise _failed("it says too much")
    told.seek(0)
    lines = [line for line in told.read().splitlines(keepends=True) if line.endswith(b"\n")]
    last = [_checked(_Line, line) for line in lines[-1:]]
    if last and last[0].step is None:
        return next((_checked(_Line, line).step for line in lines[-2:-1]), None), last[0]
    return (last[0].step, _Line()) if last else (None, _Line())


def _end_of(errors: IO[bytes]) -> str:
    errors.seek(max(0, errors.seek(0, os.SEEK_END) - 500))
    return errors.read().decode(errors="replace").strip()


def _environment() -> dict[str, str]:
    """Return what Python needs to start, to find its libraries and to decode names of files."""
    names = ("SYSTEMROOT", "LD_LIBRARY_PATH", "LANG", "LC_ALL")
    return {name: os.environ[name] for name in names if name in os.environ} | {
        "PYTHONPATH": str(Path(grader.__file__).resolve().parent.parent),
        "PYTHONDONTWRITEBYTECODE": "1",
        **({"PYTHONUSERBASE": site.getuserbase()} if site.ENABLE_USER_SITE else {}),
    }
