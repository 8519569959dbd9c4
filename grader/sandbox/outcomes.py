"""How a question ended -> whose fault it is. Every kind of outcome has one owner.

A worker's word on how its child ended is believed only as far as the host can follow: an exit
code tells nothing (a student can exit 137), so a kill is a memory limit when the engine says so.

Which limit it was matters to the student who reads it, and to no mark. So an exception is named by
its words, and an end without words by what the kernel counted while it ran.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from grader import wire
from grader.records import Outcome, Owner
from grader.sandbox.base import Exit

MEMORY_LIMIT = "memory_limit"
PROCESS_LIMIT = "process_limit"
DISK_LIMIT = "disk_limit"
FILES_LIMIT = "files_limit"
WORKER_LOST = "worker_lost"
# A wait that ended so much too late was not the worker's: Ctrl-Z, a machine that was paused.
HELD_SECONDS = 5.0
NOT_STARTED = "not_started"

OWNER: Mapping[str, Owner] = {
    wire.ANSWERED: "student",
    wire.NOT_FOUND: "student",
    wire.EXCEPTION: "student",
    wire.EXITED: "student",
    wire.CRASHED: "student",
    wire.TIME_LIMIT: "student",
    wire.BAD_ANSWER: "student",
    MEMORY_LIMIT: "student",
    PROCESS_LIMIT: "student",
    DISK_LIMIT: "student",
    FILES_LIMIT: "student",
    wire.WORKER_FAILED: "harness",
    WORKER_LOST: "harness",
    NOT_STARTED: "harness",
}

# What only the host can know. A worker may say that it failed itself: that earns nothing either.
_HOST_ONLY = {MEMORY_LIMIT, PROCESS_LIMIT, DISK_LIMIT, FILES_LIMIT, WORKER_LOST, NOT_STARTED}
# In characters; the worker's own messages and tracebacks are shorter.
_MAX_MESSAGE = 8_000
_MAX_TRACEBACK = 8_000
# The words by which what a limit refuses reaches Python.
_REFUSED: Mapping[str, tuple[str, ...]] = {
    MEMORY_LIMIT: (
        "MemoryError",
        "DefaultCPUAllocator: can't allocate memory",
        "CUDA out of memory",
        "[Errno 12]",             # Cannot allocate memory
        "out of shared memory",   # a DataLoader's
    ),
    PROCESS_LIMIT: ("can't start new thread", "BlockingIOError: [Errno 11]"),
    DISK_LIMIT: ("No space left on device", "[Errno 27]"),   # File too large
    FILES_LIMIT: ("[Errno 24]", "received 0 items of ancdata"),   # Too many open files
}
# How a DataLoader tells that one of its workers is gone.
_LOST_CHILD = ("exited unexpectedly", "is killed by signal")
# What the supervisor read from the kernel, and the signals by which such a limit ends a process.
_STRUCK = {"memory": MEMORY_LIMIT, "processes": PROCESS_LIMIT, "disk": DISK_LIMIT}
_SIGNALS = ("SIGKILL", "SIGABRT", "SIGBUS")


def from_answer(message: Mapping[str, Any], seconds: float) -> Outcome:
    """The outcome that a worker states in its ANSWER, which took it so many seconds.

    What is not of the right type is dropped, and what is too long is cut.
    """
    kind = _text(message, "outcome")
    if kind not in OWNER or kind in _HOST_ONLY:
        kind = wire.BAD_ANSWER
    text = _text(message, "message", _MAX_MESSAGE)
    struck = message.get("struck")
    limit = _by_its_limit(kind, text, struck if isinstance(struck, list) else [])
    if limit != kind == wire.CRASHED:
        text = f"it was stopped with {text}"
    kind = limit
    return Outcome(
        kind=kind,
        owner=OWNER[kind],
        message=text,
        seconds=round(seconds, 3),
        phase="load" if message.get("phase") == "load" else "call",
        traceback=_text(message, "traceback", _MAX_TRACEBACK),
        output=_text(message, "output"),
    )


def from_silence(exit_: Exit, seconds: float, limit: float) -> Outcome:
    """The outcome of a worker that ended, or was stopped, without a word on the question."""
    if exit_.lost is not None:
        return Outcome(WORKER_LOST, "harness", f"the sandbox was lost: {exit_.lost}", seconds)
    if exit_.out_of_memory:
        return out_of_memory(Outcome(wire.CRASHED, "student", seconds=seconds))
    if seconds > limit + HELD_SECONDS:
        return _held_up(seconds, limit)
    if seconds >= limit:
        return Outcome(wire.TIME_LIMIT, "student", "no answer within the time limit", seconds)
    text = f"the worker ended by itself (exit status {exit_.code}), which it never should"
    return Outcome(WORKER_LOST, "harness", text, seconds)


def in_time(outcome: Outcome, limit: float) -> Outcome:
    """The same outcome, unless it is a time limit of which the host heard much too late: whatever
    held the host up may have held the worker up as well.
    """
    late = outcome.kind == wire.TIME_LIMIT and outcome.seconds > limit + HELD_SECONDS
    return _held_up(outcome.seconds, limit) if late else outcome


def _held_up(seconds: float, limit: float) -> Outcome:
    text = f"the grader itself was held up: it waited {seconds:.0f} s instead of {limit:.0f} s"
    return Outcome(WORKER_LOST, "harness", text, seconds)


def _by_its_limit(kind: str, text: str, struck: Sequence[Any]) -> str:
    """The limit that it was, where it was one; `struck` is a list of `_STRUCK`'s keys."""
    if kind == wire.EXCEPTION:
        for limit, signs in _REFUSED.items():
            if any(sign in text for sign in signs):
                return limit
    if kind == wire.CRASHED and text == "SIGXFSZ":
        return DISK_LIMIT
    silent = (
        kind == wire.EXITED
        or (kind == wire.CRASHED and text in _SIGNALS)
        or (kind == wire.EXCEPTION and any(sign in text for sign in _LOST_CHILD))
    )
    limits = [limit for name, limit in _STRUCK.items() if silent and name in struck]
    return limits[0] if limits else kind


def out_of_memory(outcome: Outcome) -> Outcome:
    """The same outcome, named for what it was: the memory limit struck."""
    return Outcome(
        kind=MEMORY_LIMIT,
        owner="student",
        message="it used more memory than the limit and was stopped",
        seconds=outcome.seconds,
        phase=outcome.phase,
        output=outcome.output,
    )


def _text(message: Mapping[str, Any], key: str, longest: int | None = None) -> str:
    value = message.get(key)
    return value[:longest] if isinstance(value, str) else ""
