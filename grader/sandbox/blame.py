"""How a question ended -> whose fault it is. Every kind of outcome has one owner.

A worker's word on how its child ended is believed only as far as the host can follow: an exit
code tells nothing (a student can exit 137), so a kill is a memory limit when the engine says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from grader import wire
from grader.records import Outcome, Owner
from grader.sandbox.base import Exit

MEMORY_LIMIT = "memory_limit"
WORKER_LOST = "worker_lost"
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
    wire.WORKER_FAILED: "harness",
    WORKER_LOST: "harness",
    NOT_STARTED: "harness",
}

# What only the host can know. A worker may say that it failed itself: that earns nothing either.
_HOST_ONLY = {MEMORY_LIMIT, WORKER_LOST, NOT_STARTED}
# In characters; the worker's own messages and tracebacks are shorter.
_MAX_MESSAGE = 8_000
_MAX_TRACEBACK = 8_000
# Exceptions by which an allocation that is refused reaches Python.
_ALLOCATION = ("MemoryError", "DefaultCPUAllocator: can't allocate memory", "CUDA out of memory")


def from_answer(message: Mapping[str, Any], seconds: float) -> Outcome:
    """The outcome that a worker states in its ANSWER, which took it so many seconds.

    What is not of the right type is dropped, and what is too long is cut.
    """
    kind = _text(message, "outcome")
    if kind not in OWNER or kind in _HOST_ONLY:
        kind = wire.BAD_ANSWER
    text = _text(message, "message", _MAX_MESSAGE)
    if kind == wire.EXCEPTION and any(sign in text for sign in _ALLOCATION):
        kind = MEMORY_LIMIT
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
    if seconds >= limit:
        return Outcome(wire.TIME_LIMIT, "student", "no answer within the time limit", seconds)
    text = f"the worker ended by itself (exit status {exit_.code}), which it never should"
    return Outcome(WORKER_LOST, "harness", text, seconds)


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
