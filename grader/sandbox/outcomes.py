"""Decides how a question ended and whose fault it was. Every kind of outcome has one owner.

A worker's report on how its child process ended is believed only as far as the host can confirm it.
An exit code proves nothing (a student can exit with 137), so a kill counts as the memory limit only
if the engine says so.

Which limit was hit changes the text that the student reads, and no points. So an exception is
matched by its message, and a silent end by the counters that the kernel kept while it ran.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from grader import wire
from grader.errors import NodeLost, NoNodeLeft, SandboxError
from grader.records import Outcome, Owner
from grader.sandbox.base import Exit

MEMORY_LIMIT = "memory_limit"
PROCESS_LIMIT = "process_limit"
DISK_LIMIT = "disk_limit"
FILES_LIMIT = "files_limit"
WORKER_LOST = "worker_lost"
NOT_STARTED = "not_started"
NODE_LOST = "node_lost"
NO_NODE_LEFT = "no_node_left"
HELD_UP = "held_up"

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
    wire.ENVIRONMENT: "environment",
    wire.WORKER_FAILED: "harness",
    WORKER_LOST: "harness",
    NOT_STARTED: "harness",
    NODE_LOST: "harness",
    NO_NODE_LEFT: "harness",
    HELD_UP: "harness",
}

# Only the host can know these, so a worker may not claim them. It may claim wire.WORKER_FAILED,
# which earns no points either.
_HOST_ONLY = {
    MEMORY_LIMIT, PROCESS_LIMIT, DISK_LIMIT, FILES_LIMIT, WORKER_LOST, NOT_STARTED, NODE_LOST,
    NO_NODE_LEFT, HELD_UP,
}  # fmt: skip
# Characters; the worker's own messages and tracebacks are shorter.
_MAX_MESSAGE = 8_000
_MAX_TRACEBACK = 8_000
# Parts of the messages of exceptions that a limit causes.
_MESSAGES: Mapping[str, tuple[str, ...]] = {
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
# A DataLoader's messages when one of its workers is gone.
_LOST_CHILD = ("exited unexpectedly", "is killed by signal")
# Limits as the supervisor names them, and the signals by which such a limit ends a process.
_COUNTED = {"memory": MEMORY_LIMIT, "processes": PROCESS_LIMIT, "disk": DISK_LIMIT}
_SIGNALS = ("SIGKILL", "SIGABRT", "SIGBUS")


def from_answer(message: Mapping[str, Any], seconds: float) -> Outcome:
    """Read the outcome from a worker's ANSWER message, which came after `seconds`.

    Fields of the wrong type are dropped, and long texts are cut.
    """
    kind = _text(message, "outcome")
    if kind not in OWNER or kind in _HOST_ONLY:
        kind = wire.BAD_ANSWER
    text = _text(message, "message", _MAX_MESSAGE)
    counted = message.get("struck")
    limit = _limit_or_kind(kind, text, counted if isinstance(counted, list) else [])
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


def not_started(error: SandboxError) -> Outcome:
    """Return the outcome of questions for which no worker could be started."""
    if isinstance(error, NodeLost):
        kind = NODE_LOST
    elif isinstance(error, NoNodeLeft):
        kind = NO_NODE_LEFT
    else:
        kind = NOT_STARTED
    return Outcome(kind, "harness", str(error))


def from_silence(exit_: Exit, seconds: float, *, silent: bool) -> Outcome:
    """Return the outcome of a question on which the worker sent no answer.

    Args:
        exit_: How the worker ended, by itself or stopped.
        seconds: Time that the host waited.
        silent: It ran on, and did not even say that its time was over when it was told so.
    """
    if exit_.lost is not None:
        kind, what = (NODE_LOST, "machine") if exit_.node_lost else (WORKER_LOST, "sandbox")
        return Outcome(kind, "harness", f"the {what} was lost: {exit_.lost}", seconds)
    if exit_.out_of_memory:
        return out_of_memory(Outcome(wire.CRASHED, "student", seconds=seconds))
    if silent:
        text = "the worker did not react when its time was over"
        return Outcome(HELD_UP, "harness", text, seconds)
    text = f"the worker ended by itself with exit status {exit_.code}, which is the grader's fault"
    return Outcome(WORKER_LOST, "harness", text, seconds)


def too_crowded(outcome: Outcome, used: float) -> Outcome:
    """Return the outcome of code that got too little processor time to reach its time limit."""
    text = (
        f"the machine was too busy: the code had only {used:.0f} s of processor time within "
        f"{outcome.seconds:.0f} s"
    )
    return Outcome(HELD_UP, "harness", text, outcome.seconds, outcome.phase)


def _limit_or_kind(kind: str, text: str, counted: Sequence[Any]) -> str:
    """Return the limit that ended the question, or `kind` if none did.

    `counted` names the limits that were hit meanwhile, by the keys of `_COUNTED`.
    """
    if kind == wire.EXCEPTION:
        for limit, parts in _MESSAGES.items():
            if any(part in text for part in parts):
                return limit
    if kind == wire.CRASHED and text == "SIGXFSZ":
        return DISK_LIMIT
    silent = (
        kind == wire.EXITED
        or (kind == wire.CRASHED and text in _SIGNALS)
        or (kind == wire.EXCEPTION and any(part in text for part in _LOST_CHILD))
    )
    limits = [limit for name, limit in _COUNTED.items() if silent and name in counted]
    return limits[0] if limits else kind


def out_of_memory(outcome: Outcome) -> Outcome:
    """Return the outcome with the memory limit as its kind."""
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
