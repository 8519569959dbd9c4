"""The worker's first process: imports torch once, and runs each session in a child of its own.

It never runs student code. It relays questions, keeps the time, drains what the child prints, says
how the child ended, and leaves nothing of it behind. When its stdin ends, everything ends: the
host may be killed at any moment, and a container must not outlive it.
"""

from __future__ import annotations

import contextlib
import os
import platform
import queue
import secrets
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, BinaryIO

from grader import wire
from grader.worker.process import child as children
from grader.worker.process import cleanup as leavings
from grader.worker.process import limit_events as struck
from grader.worker.process.fast_imports import load_worker
from grader.worker.process.streams import forbid_inspection, take_over, write_all

Frame = tuple[dict[str, Any], tuple[bytes, ...]]
Consult = Callable[[Frame, float], bytes]   # what a session said, deadline -> the host's reply
CONFIRM_SECONDS = 5.0   # for a session's loop to confirm; it has nothing else to do by then


def serve() -> None:
    """Answer questions until stdin ends."""
    questions, answers = take_over()
    forbid_inspection()
    leavings.adopt_orphans()
    # Ctrl-C in the instructor's terminal is for the grader, and process 1 of a container must not
    # fall to a signal that the student's code sends it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    inbox: queue.Queue[Frame] = queue.Queue()
    current: list[children.Child] = []
    threading.Thread(target=_receive, args=(questions, inbox, current), daemon=True).start()

    start, _ = inbox.get()
    if children.CAN_FORK:
        # Paid once here instead of once per session. No tensor operation may run in this process:
        # a fork after one hangs in the child.
        load_worker()
    # The first session is ready before anybody asks for it.
    current.append(children.start(start))
    write_all(answers, wire.encode({"type": wire.READY, "versions": _versions()}))
    session = None
    while True:
        message, blobs = inbox.get()
        session = session or message["session"]
        if not current or message["session"] != session or not current[0].alive:
            _end(current)
            leavings.empty_folders(start["scratch"])
            current.append(children.start(start))
            session = message["session"]
        before = struck.counts()
        consult = partial(_consult, inbox, answers, message["id"])
        reply, reply_blobs = _ask(current[0], message, blobs, consult)
        reply["struck"] = struck.since(before, start["scratch"])
        if reply["outcome"] in (wire.CRASHED, wire.EXITED, wire.TIME_LIMIT, wire.BAD_ANSWER):
            _end(current)
        write_all(answers, wire.encode(reply, reply_blobs))


def _receive(stream: BinaryIO, inbox: queue.Queue[Frame], current: list[children.Child]) -> None:
    with contextlib.suppress(wire.FrameError, OSError):
        while frame := wire.read_frame(stream.read):
            inbox.put(frame)
    _end(current)
    os._exit(0)


def _end(current: list[children.Child]) -> None:
    for child in current:
        child.kill()
    current.clear()
    leavings.end_processes()


def _consult(
    inbox: queue.Queue[Frame], answers: BinaryIO, question: str, said: Frame, deadline: float
) -> bytes:
    """What the host replies to a session that looks at its network while it trains. Raises
    TimeoutError at the deadline."""
    message = {key: said[0].get(key) for key in ("correct", "seen", "classes")}
    write_all(answers, wire.encode({"type": wire.INTERIM, "id": question, **message}, said[1]))
    try:
        return wire.encode(*inbox.get(timeout=max(0.0, deadline - time.monotonic())))
    except queue.Empty:
        raise TimeoutError from None


def _ask(
    child: children.Child, message: Mapping[str, Any], blobs: tuple[bytes, ...], consult: Consult
) -> Frame:
    """Put one question to a child. The reply says how it ended; its value is the child's word."""
    begun = time.monotonic()
    child.send(wire.encode(dict(message), blobs))
    looks = message["args"].get("look") is True
    deadline = begun + float(message["seconds"])
    reply, reply_blobs = _await(child, deadline, consult if looks else None)
    said = {key: reply.get(key) for key in ("value", "message", "traceback")}
    header = {
        "type": wire.ANSWER,
        "id": message["id"],
        "outcome": reply.get("outcome", wire.BAD_ANSWER),
        "phase": "call" if child.loaded else "load",
        "seconds": round(time.monotonic() - begun, 3),
        "output": child.output.take(),
        **said,
    }
    return header, reply_blobs


def _await(child: children.Child, deadline: float, consult: Consult | None) -> Frame:
    while True:
        try:
            event = child.next_event(deadline)
            if consult and event is not None and event[0].get("type") == wire.INTERIM:
                child.send(consult(event, deadline))
                continue
        except TimeoutError:
            return {"outcome": wire.TIME_LIMIT, "message": "no answer within the time limit"}, ()
        if event is None:
            return child.how_it_ended(), ()
        message, blobs = event
        if message.get("type") == wire.LOADED:
            child.loaded = True
        elif message.get("type") == wire.ANSWER:
            problem = _unconfirmed(child, deadline + CONFIRM_SECONDS)
            return (problem, ()) if problem else (message, blobs)
        else:
            text = message.get("message", "a message that the grader's own code does not send")
            return {"outcome": wire.BAD_ANSWER, "message": text}, ()


def _unconfirmed(child: children.Child, deadline: float) -> dict[str, Any] | None:
    """Why an answer does not count; None when it does.

    Student code can find the session's pipe and write to it. So an answer counts once the session's
    own loop has repeated a word that is made only now, and has said nothing else in between: an
    answer that was written while the loop still waited for the student's code is followed by the
    loop's own. Code that reads the session's questions as well can go along with this: what only a
    session reports stays testimony.
    """
    token = secrets.token_hex(16)
    child.send(wire.encode({"type": wire.CONFIRM, "token": token}))
    try:
        event = child.next_event(deadline)
    except TimeoutError:
        return {"outcome": wire.TIME_LIMIT, "message": "it answered and then never came back"}
    if event is None:
        return child.how_it_ended()
    if event[0] == {"type": wire.CONFIRMED, "token": token}:
        return None
    return {"outcome": wire.BAD_ANSWER, "message": "more than one answer to one question"}


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in ("torch", "torchvision", "numpy"):
        if name in sys.modules:
            found[name] = str(sys.modules[name].__version__)
    return found
