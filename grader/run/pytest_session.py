"""Runs the instructor's pytest file in a process of its own and forwards its questions to a worker.

The tests are the instructor's code and stay on this machine: only the arguments that they pass
reach the student's code.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import psutil

import grader
from grader import wire
from grader.checks.check import is_stub, what_happened
from grader.checks.pytest_runner import ASIDE, ASK, BROKEN, DONE
from grader.errors import CheckError
from grader.records import Evidence, Outcome, Question
from grader.sandbox.answer_schema import OWN
from grader.sandbox.base import Job, Sandbox
from grader.sandbox.interactive import InteractiveSession
from grader.stopwatch import Stopwatch

# The tests may compute for as long as the rubric gives the student's code for an answer, and never
# for less than this: they may import torch from a slow disk first.
LEAST_SECONDS = 60.0
_POLL_SECONDS = 0.5
_DUMP_SECONDS = 0.5   # in which a process writes down where each of its threads is
Frame = tuple[dict[str, Any], tuple[bytes, ...]]


def examine(
    sandbox: Sandbox,
    job: Job,
    gpus: Iterable[str] = (),
    on_answer: Callable[[Evidence], None] = lambda evidence: None,
    turn: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> tuple[Evidence, ...]:
    """Like `sandbox.conversation.converse`, for questions that are pytest files.

    Args:
        sandbox: Where the worker runs.
        job: The submission and its questions.
        gpus: Ids of the GPUs that the worker may use.
        on_answer: Called with the evidence of each question.
        turn: Opens the submission's turn.

    Raises:
        CheckError: pytest cannot use the file, so nobody can be graded by it.
    """
    found = []
    with InteractiveSession(sandbox, job, gpus, turn) as interactive:
        for question in job.questions:
            evidence = _examined(interactive, question)
            found.append(dataclasses.replace(evidence, worker=interactive.versions))
            on_answer(found[-1])
    return tuple(found)


def _examined(interactive: InteractiveSession, question: Question) -> Evidence:
    """Return what became of each test; `harness` owns the outcome if a question was lost."""
    assert question.tests is not None
    seconds, lost, calls, stubs = 0.0, None, 0, 0
    with _tests(question.tests, max(LEAST_SECONDS, question.seconds)) as tests:
        for number, (asked, blobs) in enumerate(tests.questions()):
            evidence = interactive.put(_question(question, number, asked, blobs))
            outcome = evidence.outcome
            seconds += outcome.seconds
            stub = is_stub(outcome)
            # An object that was made, or looked at, has done nothing yet.
            calls += stub or asked["args"]["name"] not in ASIDE
            stubs += stub
            lost = outcome if outcome.owner == "harness" else lost
            tests.reply(evidence)
        value = {
            "tests": tests.results or [],
            "ended": "" if tests.results else tests.last_words(),
            "attempted": not calls or stubs < calls,
            "read": tests.read,
        }
        if tests.results is None:
            text = "the tests did not finish" + (f" within {tests.seconds:g} s" * tests.is_over)
            lost = Outcome(wire.WORKER_FAILED, "harness", text)
    outcome = lost or Outcome(wire.ANSWERED, "student")
    return Evidence(question, dataclasses.replace(outcome, seconds=round(seconds, 3)), value)


def _question(
    examination: Question, number: int, asked: dict[str, Any], blobs: tuple[bytes, ...]
) -> Question:
    """Build the question. Each test has its own session; its name, a hint, is not sent."""
    session = f"{examination.id}/{asked['test']}"
    seconds = asked["seconds"] or examination.seconds
    return Question(f"{examination.id}/{number}", OWN, asked["args"], session, seconds, blobs)


@dataclass
class _Tests:
    """The process that runs the tests.

    Attributes:
        file: The instructor's file.
        seconds: Limit between two messages, in seconds of the process's own processor time.
        is_over: The process was stopped because it said nothing within its limit.
    """

    file: Path
    process: subprocess.Popen[bytes]
    stderr: IO[bytes]
    seconds: float
    is_over: bool = False
    results: list[dict[str, Any]] | None = None
    read: dict[str, str] = field(default_factory=dict)

    def questions(self) -> Iterator[Frame]:
        """Yield what the tests ask, until they end. Raises CheckError if they cannot begin."""
        while frame := self._next():
            kind = frame[0]["type"]
            if kind == ASK:
                yield frame
            elif kind == BROKEN:
                raise CheckError(f"{self.file}: pytest cannot use it: {frame[0]['message']}")
            elif kind == DONE:
                self.results, self.read = frame[0]["tests"], frame[0]["read"]
                return

    def _next(self) -> Frame | None:
        assert self.process.stdout
        has_come = threading.Event()
        threading.Thread(target=self._watch, args=(has_come,), daemon=True).start()
        try:
            return wire.read_frame(self.process.stdout.read)
        except wire.FrameError:
            return None
        finally:
            has_come.set()

    def _watch(self, has_come: threading.Event) -> None:
        """End the tests once their time is over or their process is gone: `_next` then returns.

        Processes that a test has started may keep the stream open after the end of its own.
        """
        used = Stopwatch(self._processor_seconds)
        while not has_come.wait(_POLL_SECONDS):
            if self.process.poll() is not None:
                self.kill()
                return
            if used.is_over(self.seconds):
                self.is_over = True
                if sys.platform != "win32":
                    self.process.send_signal(signal.SIGUSR1)   # the tests then say where they are
                    time.sleep(_DUMP_SECONDS)
                self.kill()
                return

    def _processor_seconds(self) -> float | None:
        try:
            times = psutil.Process(self.process.pid).cpu_times()
        except psutil.Error:
            return None
        return float(times.user + times.system)

    def kill(self) -> None:
        """Kill the process, and what it has started."""
        if sys.platform != "win32":
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()

    def reply(self, evidence: Evidence) -> None:
        """Send the tests the answer to their question."""
        assert self.process.stdin
        outcome = evidence.outcome
        answer = {
            "kind": outcome.kind,
            "owner": outcome.owner,
            "message": "" if outcome.answered else what_happened(outcome),
            "seconds": outcome.seconds,
            "value": evidence.value,
        }
        with contextlib.suppress(OSError):   # the process has ended; `questions` finds out
            self.process.stdin.write(wire.encode(answer, evidence.blobs))
            self.process.stdin.flush()

    def last_words(self) -> str:
        """Kill the process; return where it was if it hung, and the end of what it printed."""
        self.kill()
        self.process.wait()
        self.stderr.seek(0)
        printed = self.stderr.read().decode("utf-8", "replace")
        if not self.is_over:
            return printed[-1000:].strip() or "no output"
        # faulthandler names the innermost call first.
        at = re.search(rf'File "{re.escape(str(self.file))}", line (\d+) in (\S+)', printed)
        where = f"in line {at[1]} of {self.file.name}, {at[2]}" if at else "outside of a test"
        return f"nothing for {self.seconds:g} s of its time, {where}\n{printed[-4000:].strip()}"


@contextmanager
def _tests(file: Path, seconds: float) -> Iterator[_Tests]:
    path = os.pathsep.join(
        [str(Path(grader.__file__).parent.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    )
    environment = {name: value for name, value in os.environ.items() if "PYTEST" not in name}
    with tempfile.TemporaryFile() as stderr:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "grader.checks.pytest_runner", str(file)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr,
            start_new_session=True,   # Ctrl-C goes to the grader, which lets it finish
            env=environment | {
                "PYTHONPATH": path,
                "PYTHONDONTWRITEBYTECODE": "1",
                "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            },
        )  # fmt: skip
        tests = _Tests(file, process, stderr, seconds)
        try:
            yield tests
        finally:
            tests.kill()
            process.wait()
            assert process.stdin and process.stdout
            with contextlib.suppress(OSError):
                process.stdin.close()
            process.stdout.close()
