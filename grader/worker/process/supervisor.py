"""The worker's first process: imports torch once and runs each session in a child process.

The supervisor never runs student code. It passes questions on, stops a child when the host says
that its time is over, reads what the child prints, reports how the child ended, and cleans up after
it. The worker ends when its stdin does: the host may be killed at any moment, and a container must
not outlive it.
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
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from grader import wire
from grader.stopwatch import Stopwatch
from grader.worker.events.history import History
from grader.worker.process import child as children
from grader.worker.process import cleanup, limit_events
from grader.worker.process.fast_imports import load_worker
from grader.worker.process.preloading import heavy_imports
from grader.worker.process.processor_time import processor_seconds
from grader.worker.process.streams import forbid_inspection, take_over, write_all
from grader.worker.session import encodable

Frame = tuple[dict[str, Any], tuple[bytes, ...]]
Consult = Callable[[Frame], bytes]   # a session's INTERIM -> the host's reply
_POLL_SECONDS = 0.2
TRAINING = "train"   # the kind of question whose arguments have a budget of seconds
SHARE_OF_FIRST_RUN = 0.5   # of the limit; a question whose first run took more is not asked again


def serve() -> None:
    """Answer questions until stdin ends."""
    questions, answers = take_over()
    forbid_inspection()
    cleanup.adopt_orphans()
    # Ctrl-C in the instructor's terminal is meant for the grader, and a student's code may send the
    # signal to process 1 of a container.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    inbox: queue.Queue[Frame] = queue.Queue()
    current: list[children.Child] = []
    over: set[str] = set()   # ids of questions whose time is over, by the host's measure
    arguments = (questions, inbox, current, over)
    threading.Thread(target=_receive, args=arguments, daemon=True).start()

    start, _ = inbox.get()
    if children.CAN_FORK:
        # Import once here instead of once per session. No tensor operation may run in this process:
        # a child that is forked after one hangs.
        load_worker(heavy_imports(Path(start["submission"])))
    # The first session starts before its first question comes.
    current.append(children.start(start))
    write_all(answers, wire.encode({"type": wire.READY, "versions": _versions()}))
    session = None
    while True:
        message, blobs = inbox.get()
        session = session or message["session"]
        if not current or message["session"] != session or not current[0].alive:
            _end(current)
            cleanup.empty_folders(start["scratch"])
            current.append(children.start(start))
            session = message["session"]
        before = limit_events.counts()
        is_over = partial(over.__contains__, message["id"])
        consult = partial(_consult, inbox, answers, message["id"], is_over)
        fresh, spent = not current[0].asked, Stopwatch(processor_seconds)
        reply, reply_blobs = _ask(current[0], message, blobs, is_over, consult)
        pretended: set[str] = set()
        while fresh and reply.get("again") and spent.look() < _room_for_a_first_run(message):
            _end(current)
            cleanup.empty_folders(start["scratch"])
            current.append(children.start(start))
            pretended |= set(reply["again"])
            second = message | {
                "second_run": {"pretend": sorted(pretended), "error": _error_of(reply)}
            }
            reply, reply_blobs = _ask(current[0], second, blobs, is_over, consult)
        if reply.get("again"):
            _blame_the_environment(reply)
        reply["struck"] = limit_events.since(before, start["scratch"])
        if reply["outcome"] in (wire.CRASHED, wire.EXITED, wire.TIME_LIMIT, wire.BAD_ANSWER):
            _end(current)
        write_all(answers, wire.encode(reply, reply_blobs))


def _receive(
    stream: BinaryIO, inbox: queue.Queue[Frame], current: list[children.Child], over: set[str]
) -> None:
    with contextlib.suppress(wire.FrameError, OSError):
        while frame := wire.read_frame(stream.read):
            if frame[0]["type"] == wire.OVER:
                over.add(frame[0]["id"])
            else:
                inbox.put(frame)
    _end(current)
    os._exit(0)


def _end(current: list[children.Child]) -> None:
    for child in current:
        child.kill()
    current.clear()
    cleanup.end_processes()


def _consult(
    inbox: queue.Queue[Frame], answers: BinaryIO, question: str, over: Callable[[], bool],
    interim: Frame,
) -> bytes:
    """Pass a training's interim report on to the host and return the host's reply.

    Raises TimeoutError once the time for the question is over.
    """
    message, blobs = interim
    report = {key: message.get(key) for key in ("correct", "seen", "classes")}
    write_all(answers, wire.encode({"type": wire.INTERIM, "id": question, **report}, blobs))
    while not over():
        with contextlib.suppress(queue.Empty):
            return wire.encode(*inbox.get(timeout=_POLL_SECONDS))
    raise TimeoutError


def _ask(
    child: children.Child, message: Mapping[str, Any], blobs: tuple[bytes, ...],
    over: Callable[[], bool], consult: Consult,
) -> Frame:
    """Ask a child one question.

    The supervisor itself observed the outcome in the reply; the value is self-reported by the
    session, whose process also runs the student's code.
    """
    child.asked = True
    child.history = History()
    child.send(wire.encode(dict(message), blobs))
    has_interim = message["args"].get("look") is True
    used = Stopwatch(processor_seconds, int(message["args"].get("threads", 1)))

    def looking() -> bool:
        used.look()
        return over()

    reply, reply_blobs = _await(child, looking, consult if has_interim else None)
    if message["kind"] == TRAINING and reply.get("outcome") == wire.ANSWERED:
        reply = _as_recorded(reply, child.history, used.look())
    header = {
        "type": wire.ANSWER,
        "id": message["id"],
        "outcome": reply.get("outcome", wire.BAD_ANSWER),
        "phase": "call" if child.loaded else "load",
        "output": child.output.take(),
        **{key: reply.get(key) for key in ("value", "message", "traceback", "again")},
    }
    return header, reply_blobs


def _as_recorded(reply: Mapping[str, Any], history: History, used: float) -> dict[str, Any]:
    """The reply of a training, with what its events tell in place of what it says of them.

    Args:
        reply: the reply.
        history: what the events tell.
        used: the seconds that this process has counted.
    """
    value = reply.get("value")
    network = history.graded(value.pop("graded", None)) if isinstance(value, dict) else None
    if network is None or not isinstance(value, dict):
        text = "the answer is about a network whose training was not seen"
        return {**reply, "outcome": wire.BAD_ANSWER, "value": None, "message": text}
    return {**reply, "value": encodable(history.completed(value, network)) | {"used": used}}


def _error_of(reply: Mapping[str, Any]) -> str:
    """The message of the error that ended the student's code; "" if it ended without one."""
    value = reply["value"]
    error = value.get("error") if isinstance(value, dict) else None
    return str(error["message"] if error else reply["message"] or "")


def _blame_the_environment(reply: dict[str, Any]) -> None:
    """Give the reason of an error for which there is no second run."""
    value = reply["value"]
    error = value.get("error") if isinstance(value, dict) else None
    if error is None and reply["outcome"] == wire.ANSWERED:
        return
    found = reply if error is None else error
    found["outcome"] = wire.ENVIRONMENT
    found["message"] = f"{reply['again'][-1]} ({found['message']})"


def _room_for_a_first_run(message: Mapping[str, Any]) -> float:
    """Seconds after which a question is not asked again: both runs share its limit."""
    seconds = float(message["seconds"])
    if message["kind"] == TRAINING:   # its second run may take the whole budget of the training
        return seconds - float(message["args"]["seconds"])
    return SHARE_OF_FIRST_RUN * seconds


def _await(child: children.Child, over: Callable[[], bool], consult: Consult | None) -> Frame:
    while True:
        try:
            event = child.next_event(over)
            if consult and event is not None and event[0].get("type") == wire.INTERIM:
                child.send(consult(event))
                continue
        except TimeoutError:
            return {"outcome": wire.TIME_LIMIT, "message": "no answer within the time limit"}, ()
        if event is None:
            return child.how_it_ended(), ()
        message, blobs = event
        if message.get("type") == wire.LOADED:
            child.loaded = True
        elif message.get("type") == wire.ANSWER:
            problem = _unconfirmed(child, over)
            return (problem, ()) if problem else (message, blobs)
        else:
            text = message.get("message", "a message that the grader's own code does not send")
            return {"outcome": wire.BAD_ANSWER, "message": text}, ()


def _unconfirmed(child: children.Child, over: Callable[[], bool]) -> dict[str, Any] | None:
    """The outcome that replaces an answer that does not count; None if the answer counts.

    Student code can find the session's pipe and write an answer to it. So an answer counts only if
    the session's own loop then repeats a token that is made now, with no other frame in between: an
    answer that student code wrote is followed by the loop's own answer. Student code that also
    reads the session's questions can repeat the token. The value of an answer is therefore
    self-reported.
    """
    token = secrets.token_hex(16)
    child.send(wire.encode({"type": wire.CONFIRM, "token": token}))
    try:
        event = child.next_event(over)
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
