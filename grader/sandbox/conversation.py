"""The conversation with a worker: put the questions, wait for each answer, keep what came back.

A worker that falls silent is stopped, and the questions that are left go to a fresh one: a hang or
a crash costs the question that it happened in, and not the rest.
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
from grader.errors import SandboxError
from grader.records import Evidence, Outcome, Question
from grader.sandbox.answer_schema import checked, most_bytes
from grader.sandbox.base import Job, Sandbox, Worker
from grader.sandbox.interim import Looks
from grader.sandbox.outcomes import NOT_STARTED, from_answer, from_silence, in_time, out_of_memory
from grader.text import plain_line, plain_tail

# A cold page cache makes importing torch slow, and one who gets ready beside trainings is left what
# they do not use.
START_SECONDS = 600.0
GRACE_SECONDS = 10.0    # the worker keeps the limit itself; the host steps in when it does not

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
    """Ask everything of `job`, in order. One piece of evidence for each question, always.

    A worker that is ready waits for its `turn`, in which the questions are put. Never raises for
    what the student's code does; a sandbox that cannot start becomes outcomes that the harness
    owns.
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
                    for evidence in _converse(worker, job, inbox, waiting):
                        found.append(dataclasses.replace(evidence, worker=versions))
                        on_answer(found[-1])
                    exit_ = worker.stop()
        except SandboxError as error:
            lost = Outcome(NOT_STARTED, "harness", str(error))
            found += [Evidence(question, lost) for question in job.questions[len(found) :]]
            break
        if exit_.out_of_memory:
            found[before:] = [killed_for_memory(evidence) for evidence in found[before:]]
    return tuple(found)


def versions(sandbox: Sandbox, job: Job, gpus: Iterable[str] = ()) -> dict[str, str]:
    """Of Python, torch and so on, as a worker tells them before anybody's code has run in it.
    Raises SandboxError."""
    with sandbox.start(job, tuple(gpus)) as worker:
        _, told = get_ready(worker, job)
        worker.stop()
    return {plain_line(name, 40): plain_line(version, 40) for name, version in told.items()}


def get_ready(worker: Worker, job: Job) -> tuple[Inbox, dict[str, str]]:
    """Have the worker get ready; where what it says from then on comes in, and the versions of what
    it runs on. Raises SandboxError."""
    inbox: Inbox = queue.Queue()
    # The child's words, in a header of the usual size, and what the code printed.
    longest = wire.MAX_HEADER + wire.ESCAPED * job.limits.output_kib * 1024
    caps = longest, most_bytes(job.questions)
    threading.Thread(target=_listen, args=(worker, inbox, *caps), daemon=True).start()
    with contextlib.suppress(OSError):
        worker.write(start_message(worker, job))
    ready = _next(inbox, START_SECONDS)
    if not isinstance(ready, tuple) or ready[0].get("type") != wire.READY:
        exit_ = worker.stop()
        complaint = plain_tail(str(getattr(worker, "stderr", "")), lines=8).strip()
        raise SandboxError(
            f"the worker for {job.name} did not get ready (exit status {exit_.code}"
            f"{': ' + exit_.lost if exit_.lost else ''}); run `grader run --sandbox process` to "
            "see whether the worker itself starts on this machine"
            f"{'. It says: ' + complaint if complaint else ''}"
        )
    told = ready[0].get("versions")
    named = told.items() if isinstance(told, dict) else ()
    return inbox, {str(name): str(version)[:40] for name, version in named}


def start_message(worker: Worker, job: Job) -> bytes:
    """What a worker is told to begin with."""
    places = worker.places
    start = {
        "type": wire.START,
        "submission": places.submission,
        "data": places.data,
        "scratch": places.scratch,
        "output_bytes": job.limits.output_kib * 1024,
        "gpu_share": job.gpu_share,
    }
    return wire.encode(start)


def _converse(
    worker: Worker, job: Job, inbox: Inbox, questions: tuple[Question, ...]
) -> Iterable[Evidence]:
    """Evidence until all is asked or the worker is lost; the last piece then says how."""
    stuck: Outcome | None = None
    enough = 0.0  # seconds in which the file did not end
    for question in questions:
        if stuck is not None and question.seconds <= enough:
            # To load the file again would cost the same limit again, and end no better.
            yield Evidence(question, stuck)
            continue
        evidence, alive = put(worker, inbox, question, Looks(job, question))
        if evidence.outcome.kind == wire.TIME_LIMIT and evidence.outcome.phase == "load":
            stuck, enough = evidence.outcome, question.seconds
        yield evidence
        if not alive:
            return


def put(
    worker: Worker, inbox: Inbox, question: Question, looks: Looks
) -> tuple[Evidence, bool]:
    """What came of one question, and whether the worker can be asked another."""
    begun = time.monotonic()
    limit = question.seconds + GRACE_SECONDS
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
    reply = _next(inbox, limit)
    while isinstance(reply, tuple) and (said := looks.reply(*reply)) is not None:
        with contextlib.suppress(OSError):
            worker.write(said)
        reply = _next(inbox, max(0.0, begun + limit - time.monotonic()))
    seconds = time.monotonic() - begun
    if isinstance(reply, tuple) and _answers(reply[0], question):
        message, blobs = reply
        outcome = in_time(from_answer(message, seconds), limit)
        value = message.get("value") if outcome.answered else None
        blobs = blobs if outcome.answered else ()
        return looks.as_seen(checked(Evidence(question, outcome, value, blobs))), True
    exit_ = worker.stop()
    if isinstance(reply, tuple) and exit_.lost is None:
        text = "the worker's reply was not an answer to the question that was put"
        return Evidence(question, Outcome(wire.BAD_ANSWER, "student", text, seconds)), False
    return Evidence(question, from_silence(exit_, seconds, limit)), False


def _answers(message: Mapping[str, Any], question: Question) -> bool:
    return message.get("type") == wire.ANSWER and message.get("id") == question.id


def _listen(worker: Worker, inbox: Inbox, max_header: int, max_blobs: int) -> None:
    """Drain the worker's stream to its end: a client that stops reading blocks the engine.

    A worker speaks when it is asked. What follows an answer that nobody has taken yet is refused,
    or a worker that never stops would fill the host's memory.
    """

    def read(size: int) -> bytes:
        data = worker.read(size)
        if data and not inbox.empty():
            raise wire.FrameError("it spoke again before its last answer was taken")
        return data

    try:
        while frame := wire.read_frame(read, max_header, max_blobs):
            inbox.put(frame)
    except wire.FrameError as error:
        inbox.put(({"type": "garbage", "message": str(error)}, ()))
    except (OSError, ValueError):
        pass  # closed under our hands: the worker is no longer wanted
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
    """The same, where the memory limit struck in the sandbox: a killed child fell to it."""
    outcome = evidence.outcome
    if outcome.kind == wire.CRASHED and outcome.message == signal.SIGKILL.name:
        return dataclasses.replace(evidence, outcome=out_of_memory(outcome))
    return evidence
