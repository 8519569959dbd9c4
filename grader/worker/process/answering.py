"""The loop of a session's process: reads questions, runs the probes and writes the answers."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from grader import wire
from grader.worker.environment.gpu_faults import room_of
from grader.worker.process.fast_imports import load_worker
from grader.worker.process.folder import arrange
from grader.worker.process.gpu_memory import limit_gpu_memory
from grader.worker.process.lent_gpu import GpuMissing, require_gpu
from grader.worker.process.streams import take_over, write_all
from grader.worker.session import (
    MAX_TRACEBACK,
    BadAnswer,
    Frame,
    NotFound,
    OutOfTime,
    ProbeFailed,
    Session,
    failure,
    how_it_ended,
    printable,
)


def main() -> None:
    """Answer questions until stdin ends, then exit. Runs in a process of its own."""
    questions, answers = take_over()
    frame = wire.read_frame(questions.read)
    if frame is None:
        return
    with contextlib.suppress(Exception):   # `_open` tries again and reports the exception
        _load()
    session: Session | None = None
    while question := wire.read_frame(questions.read):
        try:
            session = session or _open(frame[0], questions, answers)
            session.home.begin(question[0].get("second_run"))
            reply, reply_blobs = _answer(session, *question)
            if session.home.worth_a_second_run(reply):
                reply["again"] = sorted(session.home.again)
        except GpuMissing as error:
            reply, reply_blobs = _broken(str(error)), ()
        except Exception:
            # A fault of the grader: `_answer` has turned the student's exceptions into replies.
            reply, reply_blobs = _broken(traceback.format_exc()), ()
        with contextlib.suppress(Exception):   # the student's code may have closed it
            sys.stdout.flush()
        write_all(answers, wire.encode({"type": wire.ANSWER, **reply}, reply_blobs))
        _confirm(questions, answers)
    # Interpreter shutdown costs most of a second and would run the student's exit handlers.
    os._exit(0)


def _confirm(questions: BinaryIO, answers: BinaryIO) -> None:
    """Confirm that this loop sent the answer; see `supervisor._unconfirmed`."""
    frame = wire.read_frame(questions.read)
    if frame is not None and frame[0]["type"] == wire.CONFIRM:
        write_all(answers, wire.encode({"type": wire.CONFIRMED, "token": frame[0]["token"]}))


def _broken(text: str) -> dict[str, Any]:
    return {"outcome": wire.WORKER_FAILED, "message": printable(text[-MAX_TRACEBACK:])}


def _load() -> None:
    """Import the probes, unless this process was forked from a supervisor that has them."""
    if "grader.worker.probes" not in sys.modules:
        load_worker()


def _open(start: Mapping[str, Any], questions: BinaryIO, answers: BinaryIO) -> Session:
    """Prepare the submission's folder and the session, as the START message describes them."""
    # Before the student's folder is on the path: it may hold a torch.py or a json.py.
    _load()
    cuda = sys.modules["torch"].cuda
    if start.get("gpu"):
        require_gpu(cuda)
    limit_gpu_memory(start.get("gpu_share"), cuda)

    one_at_a_time = threading.RLock()   # the student's code may train in several threads

    def send(frame: bytes) -> None:
        with one_at_a_time:
            write_all(answers, frame)

    def loaded() -> None:
        send(wire.encode({"type": wire.LOADED}))

    def consult(message: Mapping[str, Any], blobs: tuple[bytes, ...]) -> Frame:
        send(wire.encode({"type": wire.INTERIM, **message}, blobs))
        reply = wire.read_frame(questions.read)
        if reply is None or reply[0].get("type") != wire.CONTINUE:
            raise EOFError("the grader did not reply")
        return reply

    data = Path(start["data"]) if start["data"] else None
    folder = arrange(Path(start["submission"]), Path(start["scratch"]), data)
    return Session(
        folder, data, loaded, consult, send, gpu_room=room_of(start.get("gpu_share"), cuda)
    )


def _answer(
    session: Session, message: Mapping[str, Any], blobs: tuple[bytes, ...]
) -> tuple[dict[str, Any], tuple[bytes, ...]]:
    """Run the probe for a question; returns the reply's fields and blobs, also for exceptions."""
    session.gpu_fault = ""
    reply, reply_blobs = _reply(session, message, blobs)
    if session.gpu_fault:   # also where the code had an answer by then: it could have been better
        return _broken(session.gpu_fault), ()
    if reply["outcome"] != wire.ANSWERED and session.left is not None:
        reply["value"] = session.left
    return reply, reply_blobs


def _reply(
    session: Session, message: Mapping[str, Any], blobs: tuple[bytes, ...]
) -> tuple[dict[str, Any], tuple[bytes, ...]]:
    from grader.worker.probes import PROBES

    session.left = None
    try:
        value, reply_blobs = PROBES[message["kind"]](session, message["args"], blobs)
        # A value that JSON cannot hold is the student's fault, so it has to be found here.
        wire.encode({"value": value})
        return {"outcome": wire.ANSWERED, "value": value}, reply_blobs
    except NotFound as error:
        session.home.ended()
        return {"outcome": wire.NOT_FOUND, "message": str(error)}, ()
    except BadAnswer as error:
        return {"outcome": wire.BAD_ANSWER, "message": str(error)}, ()
    except OutOfTime as error:
        return {"outcome": wire.TIME_LIMIT, "message": str(error)}, ()
    except ProbeFailed as error:
        return {"outcome": wire.WORKER_FAILED, "message": printable(str(error))}, ()
    except SystemExit as error:
        reply = failure(error, session)
        if reply["outcome"] == wire.ENVIRONMENT:
            return reply, ()
        return {"outcome": wire.EXITED, "message": how_it_ended(error, session.folder)}, ()
    except BaseException as error:
        return failure(error, session), ()
