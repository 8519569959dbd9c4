"""Starts the process of a session and talks to it.

The process is forked where a fork is safe and started afresh elsewhere. It reads questions from
file descriptor 0, writes answers to 1 and prints to 2.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from typing import IO, Any

from grader import wire
from grader.worker.events.history import History
from grader.worker.process import answering, cleanup
from grader.worker.process.cleanup import IN_CONTAINER
from grader.worker.process.streams import Tail, write_all

# macOS has fork, but its system libraries do not survive one.
CAN_FORK = sys.platform == "linux" and not os.environ.get("GRADER_WORKER_SPAWN")

NO_FRAME = "no frame"   # type of the event for bytes that are no frame
_POLL_SECONDS = 0.2     # how often to check whether a silent child still runs and has time left
# The supervisor gets the CPU first, or it would wait behind every process of a fork bomb. This does
# not slow a training down: priorities do not count between containers.
_NICE = 10

Event = tuple[dict[str, Any], tuple[bytes, ...]] | None


class Child:
    """A session's process with its streams.

    Args:
        process: the process, forked or started.
        streams: where to write questions, where to read answers, where to read what it prints.
        cap: most bytes that are kept of what it prints between two answers.

    Attributes:
        history: the events of the training that it was asked for last, as they came.
    """

    def __init__(
        self, process: _Forked | subprocess.Popen[bytes], streams: tuple[IO[bytes], ...], cap: int
    ) -> None:
        self._process = process
        self._questions, answers, output = streams
        self.loaded = self.asked = False
        self.history = History()
        self.output = Tail(output, cap)
        self._events: queue.Queue[Event] = queue.Queue()
        self._outbox: queue.Queue[bytes | None] = queue.Queue()
        threading.Thread(target=self._write, daemon=True).start()
        threading.Thread(target=self._listen, args=(answers,), daemon=True).start()

    def _listen(self, answers: IO[bytes]) -> None:
        try:
            while frame := wire.read_frame(
                lambda size: os.read(answers.fileno(), size), max_blobs=wire.MAX_ANSWER_BLOBS
            ):
                if frame[0].get("type") == wire.RECORD:
                    self.history.receive(frame[0].get("number"), frame[0].get("events"))
                else:
                    self._events.put(frame)
        except wire.FrameError as error:
            text = f"the answer is not one that the grader's own code writes: {error}"
            self._events.put(({"type": NO_FRAME, "message": text}, ()))
            return
        self._events.put(None)

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def next_event(self, over: Callable[[], bool]) -> Event:
        """The next frame from the child, or None if it ended. Raises TimeoutError once it is over.

        The child counts as ended when its process is: processes that it started may keep its pipe
        open.
        """
        alive = True
        while not over():
            try:
                return self._events.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                if not alive:
                    return None
                alive = self.alive   # read once more: a last frame may be on its way
        raise TimeoutError

    def send(self, frame: bytes) -> None:
        """Queue a frame for the child without waiting: a child may never read it."""
        self._outbox.put(frame)

    def _write(self) -> None:
        """Write the queued frames in order, in one thread."""
        with contextlib.suppress(OSError, ValueError):
            while frame := self._outbox.get():
                write_all(self._questions, frame)

    def how_it_ended(self) -> dict[str, Any]:
        """Outcome and message for a child that ended without an answer."""
        try:
            code = self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            text = "the program closed its connection to the grader and went on"
            return {"outcome": wire.EXITED, "message": text}
        if code < 0:
            name = signal.Signals(-code).name if -code in set(signal.Signals) else str(-code)
            return {"outcome": wire.CRASHED, "message": name}
        text = f"the program ended itself with exit code {code} before it had answered"
        return {"outcome": wire.EXITED, "message": text}

    def kill(self) -> None:
        """Kill the child and its process group."""
        self._outbox.put(None)
        if self.alive:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                if sys.platform != "win32":
                    os.killpg(self._process.pid, signal.SIGKILL)
            with contextlib.suppress(ProcessLookupError, PermissionError):
                self._process.kill()   # it may not lead a group yet
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=5)


class _Forked:
    """A forked process with the methods of `subprocess.Popen` that are needed here."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._code: int | None = None

    def poll(self) -> int | None:
        return self._collect(os.WNOHANG)

    def wait(self, timeout: float | None = None) -> int:
        began = time.monotonic()
        pauses = cleanup.pauses()
        while (code := self._collect(os.WNOHANG)) is None:
            if timeout is not None and time.monotonic() - began >= timeout:
                raise subprocess.TimeoutExpired("child", timeout)
            time.sleep(next(pauses))
        return code

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)

    def _collect(self, options: int) -> int | None:
        if self._code is None:
            try:
                pid, status = os.waitpid(self.pid, options)
            except ChildProcessError:
                pid, status = self.pid, 0
            if pid:
                self._code = os.waitstatus_to_exitcode(status)
        return self._code


def start(settings: Mapping[str, Any]) -> Child:
    """Start a child in a process group of its own and send it the START message."""
    child = (_fork if CAN_FORK else _spawn)(int(settings["output_bytes"]))
    child.send(wire.encode(dict(settings)))
    return child


def _fork(cap: int) -> Child:
    question_end, questions = os.pipe()
    answers, answer_end = os.pipe()
    output, output_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        _become_session((question_end, answer_end, output_end))
    for end in (question_end, answer_end, output_end):
        os.close(end)
    streams = (
        os.fdopen(questions, "wb", buffering=0),
        os.fdopen(answers, "rb", buffering=0),
        os.fdopen(output, "rb", buffering=0),
    )
    return Child(_Forked(pid), streams, cap)


def _become_session(ends: tuple[int, int, int]) -> None:
    """Run a session in the forked process. Never returns into the supervisor's loop."""
    code = 1
    try:
        os.setsid()
        signal.signal(signal.SIGINT, signal.default_int_handler)   # ignored by the supervisor
        if IN_CONTAINER:
            os.nice(_NICE)
        for target, end in enumerate(ends):
            os.dup2(end, target)
        # Close the supervisor's streams and every other inherited descriptor.
        os.closerange(3, 4096)
        answering.main()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _spawn(cap: int) -> Child:
    process = subprocess.Popen(
        # Not `-m`: the exceptions of a module that runs as `__main__` differ from those of probes.
        [sys.executable, "-P", "-c", "from grader.worker.process.answering import main; main()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        start_new_session=sys.platform != "win32",
    )
    assert process.stdin and process.stdout and process.stderr
    return Child(process, (process.stdin, process.stdout, process.stderr), cap)
