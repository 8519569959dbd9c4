"""`python -m grader.checks.pytest_runner FILE`: runs a file of tests.

Questions go to stdout and answers come from stdin, in the frames of `grader.wire`. Whatever the
tests print goes to stderr. This is the only importer of pytest.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from grader import wire
from grader.checks.files_read import FilesRead, noting_all
from grader.checks.pytest_runner import ASK, BROKEN, DONE
from grader.checks.pytest_runner.student import HarnessError, Reply, Student, StudentError

MAX_MESSAGE = 1500
_OPTIONS = (
    "-q", "-s", "--noconftest", "--import-mode=importlib", "-p", "no:cacheprovider",
    "--strict-markers", "-o", "markers=points(n): what the test is worth beside the others\n"
    "hidden: the student learns whether it passed, and no more",
)  # fmt: skip


class TestRun:
    """The pytest plugin that provides the `student` fixture and collects the results."""

    def __init__(self, questions: BinaryIO, answers: BinaryIO, read: FilesRead) -> None:
        self._questions, self._answers, self._read = questions, answers, read
        self.tests: list[dict[str, Any]] = []
        self.broken: list[str] = []
        self._running: dict[str, Any] = {}
        self._one_at_a_time = threading.RLock()   # a test may call from several threads

    @pytest.fixture
    def student(self) -> Student:
        """The submission that is graded."""
        return Student(self._ask)

    def _ask(
        self, what: str, seconds: float | None, args: Mapping[str, Any], blobs: tuple[bytes, ...]
    ) -> Reply:
        asked = {"type": ASK, "test": len(self.tests), "seconds": seconds, "args": dict(args)}
        question = wire.encode(asked, blobs)   # what cannot be sent is the test's own mistake
        with self._one_at_a_time, _undisturbed():
            self._send(question)
            frame = wire.read_frame(self._answers.read)
            if frame is None:
                os._exit(1)   # the grader is gone
        fields, reply_blobs = frame
        reply = Reply(
            fields["kind"], fields["owner"], fields["message"], fields["value"], reply_blobs
        )
        self._running["calls"].append([what, reply.kind, fields["seconds"]])
        self._running["lost"] = self._running["lost"] or reply.owner == "harness"
        return reply

    def send(self, message: Mapping[str, Any], blobs: tuple[bytes, ...] = ()) -> None:
        """Sends a frame to the grader."""
        self._send(wire.encode(message, blobs))

    def _send(self, frame: bytes) -> None:
        self._questions.write(frame)
        self._questions.flush()

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self, collector: pytest.Collector) -> Any:
        """Notes what the file reads while it is imported."""
        with noting_all(self._read) if isinstance(collector, pytest.Module) else nullcontext():
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self) -> Any:
        """Notes what a test reads."""
        with noting_all(self._read):
            return (yield)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Notes a file that cannot be collected: nobody is graded by it."""
        if report.failed:
            self.broken.append(str(report.longreprtext))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Notes the title and the markers of a test."""
        points = item.get_closest_marker("points")
        self._running = {
            "name": item.name,
            "title": _title(item),
            "points": float(points.args[0]) if points else 1.0,
            "hidden": item.get_closest_marker("hidden") is not None,
            "status": "passed", "message": "", "calls": [], "lost": False,
        }  # fmt: skip

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
        """Notes the result of a test; the last phase completes it."""
        report = yield
        test = self._running
        if call.excinfo is not None and test["status"] == "passed":
            test["status"], test["message"] = _judged(call, report, test)
        if call.when == "teardown":
            if test.pop("lost"):
                test["status"] = "not_scored"
            self.tests.append(test)
        return report


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """End the process if an exception interrupts a call of `student`, such as a timer of a test.

    The next call would read the answer to this one, or wait for ever for half of an answer.
    """
    try:
        yield
    except BaseException:
        traceback.print_exc()
        sys.stderr.write(
            "A call of `student` was interrupted. `student.within(SECONDS)` limits its time.\n"
        )
        sys.stderr.flush()
        os._exit(1)


def _judged(
    call: pytest.CallInfo[None], report: pytest.TestReport, test: Mapping[str, Any]
) -> tuple[str, str]:
    """The status and message of a test that raised.

    An unexpected exception counts as the student's failure only after an answer of the student's
    code; before that the test itself is broken.
    """
    assert call.excinfo is not None
    error, text = call.excinfo.value, str(call.excinfo.value)[:MAX_MESSAGE]
    if report.skipped:
        return "skipped", text
    if isinstance(error, HarnessError):
        return "not_scored", text
    if isinstance(error, (StudentError, AssertionError, pytest.fail.Exception)):
        # The instructor's own message is enough, without the compared values.
        return "failed", text.partition("\nassert ")[0] or text
    line = call.excinfo.traceback[-1].lineno + 1
    shown = f"{type(error).__name__}: {text}"
    # An unknown name or module is never the fault of an answer.
    of_the_test = isinstance(error, (NameError, ImportError, SyntaxError))
    asked = call.when == "call" and not of_the_test
    if asked and any(kind == "answered" for _, kind, _ in test["calls"]):
        return "failed", f"the test cannot use the value that your code returned: {shown}"
    return "not_scored", f"the test itself fails, near line {line}: {shown}"


def _title(item: pytest.Item) -> str:
    """The first paragraph of the docstring, or else the name; with the id of the parameters."""
    text = (getattr(getattr(item, "function", None), "__doc__", None) or "").strip()
    title = " ".join(text.split("\n\n")[0].split())
    name, _, parameters = item.name.partition("[")
    title = title or name.removeprefix("test_").replace("_", " ")
    return f"{title} [{parameters}" if parameters else title


def main() -> None:
    """Run the tests for one submission."""
    # The protocol moves to descriptors of its own before a test can print.
    answers = os.fdopen(os.dup(0), "rb")
    questions = os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(2, 1)
    if hasattr(faulthandler, "register"):
        # The grader asks where a test is that hangs. `-s` leaves descriptor 2 to the tests.
        faulthandler.register(signal.SIGUSR1, file=os.dup(2), all_threads=True)
    file = Path(sys.argv[1])
    read = FilesRead(file.parent)
    test_run = TestRun(questions, answers, read)
    options = [*_OPTIONS, "--rootdir", str(file.parent), "-c", os.devnull]
    code = pytest.main([*options, str(file)], plugins=[test_run])
    if test_run.broken or code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        text = "\n".join(test_run.broken) or f"pytest ended with {pytest.ExitCode(code).name}"
        test_run.send({"type": BROKEN, "message": text[-4000:]})
    else:
        depends = read.digests(leave_out=str(file))   # the file itself is part of the question
        test_run.send({"type": DONE, "tests": test_run.tests, "read": depends})


if __name__ == "__main__":
    main()
