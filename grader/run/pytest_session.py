"""A submission examined by the instructor's tests: they run beside the grader, in a process of
their own, and ask as they go; what they ask is put to the submission's worker.

The process is the instructor's code, and no text of it leaves this machine: only what the tests
hand over as arguments reaches the student's.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import grader
from grader import wire
from grader.checks.check import what_happened
from grader.checks.pytest_runner import ASK, BROKEN, DONE
from grader.errors import CheckError
from grader.records import Evidence, Outcome, Question
from grader.sandbox.answer_schema import OWN
from grader.sandbox.base import Job, Sandbox
from grader.sandbox.interactive import InteractiveSession

SILENCE_SECONDS = 300.0   # of tests that neither ask nor end
Frame = tuple[dict[str, Any], tuple[bytes, ...]]


def examine(
    sandbox: Sandbox,
    job: Job,
    gpus: Iterable[str] = (),
    on_answer: Callable[[Evidence], None] = lambda evidence: None,
    turn: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> tuple[Evidence, ...]:
    """Like `interview`, for questions that are files of tests. Raises CheckError for a file that
    pytest cannot use: nobody can be graded by it."""
    found = []
    with InteractiveSession(sandbox, job, gpus, turn) as interactive:
        for question in job.questions:
            evidence = _examined(interactive, question)
            found.append(dataclasses.replace(evidence, worker=interactive.versions))
            on_answer(found[-1])
    return tuple(found)


def _examined(interactive: InteractiveSession, question: Question) -> Evidence:
    """What became of each test; the harness's, where it failed to ask for one of them."""
    assert question.tests is not None
    seconds, lost = 0.0, None
    with _tests(question.tests) as tests:
        for number, (asked, blobs) in enumerate(tests.questions()):
            evidence = interactive.put(_question(question, number, asked, blobs))
            outcome = evidence.outcome
            seconds += outcome.seconds
            lost = outcome if outcome.owner == "harness" else lost
            tests.reply(evidence)
        value = {"tests": tests.results or [], "ended": "" if tests.results else tests.last_words()}
        if tests.results is None:
            text = "the tests did not come to their end"
            lost = Outcome(wire.WORKER_FAILED, "harness", text)
    outcome = lost or Outcome(wire.ANSWERED, "student")
    return Evidence(question, dataclasses.replace(outcome, seconds=round(seconds, 3)), value)


def _question(
    examination: Question, number: int, asked: dict[str, Any], blobs: tuple[bytes, ...]
) -> Question:
    """Each test has a session of its own. Its name stays here: it may say what it looks for."""
    session = f"{examination.id}/{asked['test']}"
    seconds = asked["seconds"] or examination.seconds
    return Question(f"{examination.id}/{number}", OWN, asked["args"], session, seconds, blobs)


@dataclass
class _Tests:
    """The process in which they run."""

    file: Path
    process: subprocess.Popen[bytes]
    stderr: IO[bytes]
    results: list[dict[str, Any]] | None = None

    def questions(self) -> Iterator[Frame]:
        """What they ask, until they have ended. Raises CheckError where they cannot begin."""
        while frame := self._next():
            kind = frame[0]["type"]
            if kind == ASK:
                yield frame
            elif kind == BROKEN:
                raise CheckError(f"{self.file}: pytest cannot use it: {frame[0]['message']}")
            elif kind == DONE:
                self.results = frame[0]["tests"]
                return

    def _next(self) -> Frame | None:
        assert self.process.stdout
        silence = threading.Timer(SILENCE_SECONDS, self.process.kill)
        silence.start()
        try:
            return wire.read_frame(self.process.stdout.read)
        except wire.FrameError:
            return None
        finally:
            silence.cancel()

    def reply(self, evidence: Evidence) -> None:
        """Tell them what came of their question."""
        assert self.process.stdin
        outcome = evidence.outcome
        told = {
            "kind": outcome.kind,
            "owner": outcome.owner,
            "message": "" if outcome.answered else what_happened(outcome),
            "seconds": outcome.seconds,
            "value": evidence.value,
        }
        with contextlib.suppress(OSError):   # it has ended, and that is found next
            self.process.stdin.write(wire.encode(told, evidence.blobs))
            self.process.stdin.flush()

    def last_words(self) -> str:
        """The end of what the process printed."""
        self.process.kill()
        self.process.wait()
        self.stderr.seek(0)
        return self.stderr.read()[-1000:].decode("utf-8", "replace").strip() or "without a word"


@contextmanager
def _tests(file: Path) -> Iterator[_Tests]:
    path = os.pathsep.join(
        [str(Path(grader.__file__).parent.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    )
    environment = {name: value for name, value in os.environ.items() if "PYTEST" not in name}
    with tempfile.TemporaryFile() as stderr:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "grader.checks.pytest_runner", str(file)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr,
            start_new_session=True,   # Ctrl-C is for the grader, which lets it come to its end
            env=environment | {
                "PYTHONPATH": path,
                "PYTHONDONTWRITEBYTECODE": "1",
                "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            },
        )  # fmt: skip
        try:
            yield _Tests(file, process, stderr)
        finally:
            process.kill()
            process.wait()
            assert process.stdin and process.stdout
            with contextlib.suppress(OSError):
                process.stdin.close()
            process.stdout.close()
