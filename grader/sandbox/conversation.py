"""Asks a worker its questions one after the other and collects the evidence.

A worker that falls silent is stopped, and a fresh one gets the remaining questions: a hang or a
crash costs one question only. A machine that is lost ends the conversation.
"""

from __future__ import annotations

import contextlib
import dataclasses
import queue
import signal
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from grader import wire
from grader.errors import NodeLost, SandboxError
from grader.records import Evidence, Outcome, Question
from grader.sandbox.answer_schema import checked, most_bytes
from grader.sandbox.base import Job, Sandbox, Worker
from grader.sandbox.interim import InterimLooks
from grader.sandbox.outcomes import (
    NODE_LOST,
    from_answer,
    from_silence,
    not_started,
    out_of_memory,
    too_crowded,
)
from grader.sandbox.time_limit import TimeLimit
from grader.stopwatch import Stopwatch, unknown
from grader.text import plain_line, plain_tail

START_SECONDS = 600.0   # importing torch is slow with a cold page cache
GRACE_SECONDS = 20.0    # for the worker's answer, once it has been told that time is over
_POLL_SECONDS = 0.5

Frame = tuple[dict[str, Any], tuple[bytes, ...]]
Inbox = queue.Queue["Frame | object"]
_END = object()


def converse(
    sandbox: Sandbox,
    job: Job,
    gpus: Iterable[str] = (),
    on_answer: Callable[[Evidence], None] = lambda evidence: None,
    turn: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> tuple[Evidence, ...]:
    """Ask all questions of a job, in order.

    Nothing that the student's code does raises an error here. A sandbox that cannot start gives
    outcomes that the harness owns, as does a machine that is lost.

    Args:
        sandbox: Starts the workers.
        job: The submission and its questions.
        gpus: Device ids that the worker may use.
        on_answer: Called with each piece of evidence as it comes.
        turn: Entered once a worker is ready, before its first question; blocks until its turn.

    Returns:
        One piece of evidence for each question, in the same order.
    """
    gpus = tuple(gpus)
    found: list[Evidence] = []
    while len(found) < len(job.questions):
        waiting = job.questions[len(found) :]
        before = len(found)
        try:
            with sandbox.start(job, gpus) as worker:
                inbox, versions = get_ready(worker, job)
                with turn():
                    worker.full_speed()
                    for evidence in _ask_all(worker, job, inbox, waiting):
                        found.append(dataclasses.replace(evidence, worker=versions))
                        on_answer(found[-1])
                    exit_ = worker.stop()
        except SandboxError as error:
            lost = not_started(error)
            found += [Evidence(question, lost) for question in job.questions[len(found) :]]
            break
        if exit_.out_of_memory:
            found[before:] = [killed_for_memory(evidence) for evidence in found[before:]]
        if found[-1].outcome.kind == NODE_LOST:
            # The rest moves with it, so that code which takes machines down takes one at a time.
            found += [Evidence(one, found[-1].outcome) for one in job.questions[len(found) :]]
    return tuple(found)


def versions(sandbox: Sandbox, job: Job, gpus: Iterable[str] = ()) -> dict[str, str]:
    """Start a worker and return the versions that it runs on: Python, torch and so on, by name.

    No student's code has run in it by then. Raises SandboxError if it does not start.
    """
    with sandbox.start(job, tuple(gpus)) as worker:
        _, found = get_ready(worker, job)
        worker.stop()
    return {plain_line(name, 40): plain_line(version, 40) for name, version in found.items()}


def get_ready(worker: Worker, job: Job) -> tuple[Inbox, dict[str, str]]:
    """Start the conversation and wait until the worker is ready.

    Returns the queue in which its messages arrive, and the versions that it runs on by name.
    Raises SandboxError if it does not get ready; NodeLost if its machine went away meanwhile.
    """
    inbox: Inbox = queue.Queue()
    # A header holds the answer and what the code printed.
    longest = wire.MAX_HEADER + wire.ESCAPED * job.limits.output_kib * 1024
    caps = longest, most_bytes(job.questions)
    threading.Thread(target=_listen, args=(worker, inbox, *caps), daemon=True).start()
    with contextlib.suppress(OSError):
        worker.write(start_message(worker, job))
    ready, waited = _next(inbox, _POLL_SECONDS), Stopwatch(unknown)
    while ready is None and not waited.is_over(START_SECONDS):
        if worker.held_back:   # until those whose turn it is have finished
            waited.skip()
        ready = _next(inbox, _POLL_SECONDS)
    if not isinstance(ready, tuple) or ready[0].get("type") != wire.READY:
        exit_ = worker.stop()
        if exit_.node_lost:
            raise NodeLost(f"the machine of the worker for {job.name} was lost: {exit_.lost}")
        complaint = plain_tail(str(getattr(worker, "stderr", "")), lines=8).strip()
        raise SandboxError(
            f"the worker for {job.name} did not start (exit status {exit_.code}"
            f"{': ' + exit_.lost if exit_.lost else ''}). `grader run --sandbox process` shows "
            "whether a worker starts on this machine without a container"
            f"{'. Last lines of its output: ' + complaint if complaint else ''}"
        )
    found = ready[0].get("versions")
    named = found.items() if isinstance(found, dict) else ()
    return inbox, {str(name): str(version)[:40] for name, version in named}


def start_message(worker: Worker, job: Job) -> bytes:
    """Return the START message for a worker: its folders and its limits."""
    paths = worker.paths
    start = {
        "type": wire.START,
        "submission": paths.submission,
        "data": paths.data,
        "scratch": paths.scratch,
        "output_bytes": job.limits.output_kib * 1024,
        "gpu_share": job.gpu_share,
        "gpu": job.gpu,
    }
    return wire.encode(start)


def _ask_all(
    worker: Worker, job: Job, inbox: Inbox, questions: tuple[Question, ...]
) -> Iterable[Evidence]:
    """Yield evidence until all is asked or the worker is lost; the last piece then says how."""
    load_failed: Outcome | None = None
    tried_seconds = 0.0   # the limit within which the file did not finish loading
    for question in questions:
        if load_failed is not None and question.seconds <= tried_seconds:
            # Loading the file again would take as long and end in the same way.
            yield Evidence(question, load_failed)
            continue
        evidence, alive = put(worker, inbox, question, InterimLooks(job, question))
        if evidence.outcome.kind == wire.TIME_LIMIT and evidence.outcome.phase == "load":
            # The seconds were spent once, however many questions have this outcome.
            load_failed = dataclasses.replace(evidence.outcome, seconds=0.0)
            tried_seconds = question.seconds
        yield evidence
        if not alive:
            return


def put(
    worker: Worker, inbox: Inbox, question: Question, looks: InterimLooks
) -> tuple[Evidence, bool]:
    """Ask one question. Returns its evidence, and whether the worker can be asked another one."""
    begun = time.monotonic()
    message = {
        "type": wire.ASK,
        "id": question.id,
        "kind": question.kind,
        "args": dict(question.args),
        "session": question.session,
        "seconds": question.seconds,
    }
    with contextlib.suppress(OSError):
        worker.write(wire.encode(message, question.blobs))
    limit = TimeLimit(worker, question)
    reply = _reply(worker, inbox, question, looks, limit)
    seconds = time.monotonic() - begun
    limit.end()
    if isinstance(reply, tuple) and _answers(reply[0], question):
        message, blobs = reply
        outcome = from_answer(message, seconds)
        if outcome.kind == wire.TIME_LIMIT and limit.crowded:
            outcome = too_crowded(outcome, limit.used)
        value = message.get("value")
        blobs = blobs if outcome.answered else ()
        return looks.as_seen(checked(Evidence(question, outcome, value, blobs))), True
    exit_ = worker.stop()
    if isinstance(reply, tuple) and exit_.lost is None:
        text = "the worker's reply was not an answer to its question"
        return Evidence(question, Outcome(wire.BAD_ANSWER, "student", text, seconds)), False
    return Evidence(question, from_silence(exit_, seconds, silent=reply is None)), False


def _reply(
    worker: Worker, inbox: Inbox, question: Question, looks: InterimLooks, limit: TimeLimit
) -> Frame | object | None:
    """Wait for the reply to a question, and tell the worker when its time is over.

    What arrives is read first, however late it is. None if the worker still says nothing after
    `GRACE_SECONDS`, in which it has only to stop the code and say so.
    """
    grace: Stopwatch | None = None
    while True:
        reply = _next(inbox, _POLL_SECONDS)
        message_back = looks.reply(*reply) if isinstance(reply, tuple) else None
        if message_back is not None:
            with contextlib.suppress(OSError):
                worker.write(message_back)
        elif reply is not None:
            return reply
        elif grace is None and limit.is_over():
            with contextlib.suppress(OSError):
                worker.write(wire.encode({"type": wire.OVER, "id": question.id}))
            grace = Stopwatch(unknown)
        elif grace is not None and grace.is_over(GRACE_SECONDS):
            return None


def _answers(message: Mapping[str, Any], question: Question) -> bool:
    return message.get("type") == wire.ANSWER and message.get("id") == question.id


def _listen(worker: Worker, inbox: Inbox, max_header: int, max_blobs: int) -> None:
    """Read the worker's stream to its end: a client that stops reading blocks the engine.

    A worker sends one message for each question. Anything that follows a message which has not
    been taken yet is refused; otherwise a worker could fill the host's memory.
    """

    def read(size: int) -> bytes:
        data = worker.read(size)
        if data and not inbox.empty():
            raise wire.FrameError("a second message came before the first was taken")
        return data

    try:
        while frame := wire.read_frame(read, max_header, max_blobs):
            inbox.put(frame)
    except wire.FrameError as error:
        inbox.put(({"type": "garbage", "message": str(error)}, ()))
    except (OSError, ValueError):
        pass  # closed meanwhile: the worker is no longer needed
    inbox.put(_END)
    with contextlib.suppress(OSError, ValueError):
        while worker.read(2**16):
            pass


def _next(inbox: Inbox, seconds: float) -> Frame | object | None:
    try:
        return inbox.get(timeout=seconds)
    except queue.Empty:
        return None


def killed_for_memory(evidence: Evidence) -> Evidence:
    """Name the memory limit as the reason why a child was killed, once the sandbox has hit it."""
    outcome = evidence.outcome
    if outcome.kind == wire.CRASHED and outcome.message == signal.SIGKILL.name:
        return dataclasses.replace(evidence, outcome=out_of_memory(outcome))
    return evidence
