"""A worker that is asked one thing after another, as somebody thinks of them.

An interview knows its questions beforehand; here each may depend on the answer before it. A worker
is started when the first is put, and a fresh one after a loss.
"""

from __future__ import annotations

import math
import signal
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, ExitStack
from types import TracebackType
from typing import Self

from grader import wire
from grader.errors import SandboxError
from grader.records import Evidence, Outcome, Question
from grader.sandbox.base import Job, Sandbox, Worker
from grader.sandbox.conversation import Inbox, get_ready, killed_for_memory, put
from grader.sandbox.interim import Looks
from grader.sandbox.outcomes import NOT_STARTED


class InteractiveSession:
    """Holds a worker, and its turn from the first question on. A context: leaving it ends both."""

    def __init__(
        self,
        sandbox: Sandbox,
        job: Job,
        gpus: Iterable[str],
        turn: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._sandbox, self._job, self._gpus, self._turn = sandbox, job, tuple(gpus), turn
        self._in_turn, self._held = ExitStack(), ExitStack()
        self._worker: tuple[Worker, Inbox] | None = None
        self.versions: dict[str, str] = {}   # of what the worker runs on
        self._hopeless: Outcome | None = None   # whatever is asked within so many seconds
        self._enough = 0.0
        self._begun = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._release()
        self._in_turn.close()

    def put(self, question: Question) -> Evidence:
        """One piece of evidence, always; like `interview` it raises nothing for what the student's
        code does. A file that does not come to its end is loaded once, and not for each question.
        """
        if self._hopeless is not None and question.seconds <= self._enough:
            return Evidence(question, self._hopeless)
        try:
            worker, inbox = self._worker or self._start()
        except SandboxError as error:
            self._release()
            self._hopeless = Outcome(NOT_STARTED, "harness", str(error))
            self._enough = math.inf
            return Evidence(question, self._hopeless)
        evidence, alive = put(worker, inbox, question, Looks(self._job, question))
        outcome = evidence.outcome
        if outcome.kind == wire.TIME_LIMIT and outcome.phase == "load":
            self._hopeless, self._enough = outcome, question.seconds
        if outcome.kind == wire.CRASHED and outcome.message == signal.SIGKILL.name:
            # Only a worker that has ended tells whether that was the memory limit.
            alive = False
            if worker.stop().out_of_memory:
                evidence = killed_for_memory(evidence)
        if not alive:
            self._release()
        return evidence

    def _start(self) -> tuple[Worker, Inbox]:
        worker = self._held.enter_context(self._sandbox.start(self._job, self._gpus))
        inbox, self.versions = get_ready(worker, self._job)
        if not self._begun:
            self._in_turn.enter_context(self._turn())
            self._begun = True
        worker.full_speed()
        self._worker = worker, inbox
        return self._worker

    def _release(self) -> None:
        self._worker = None
        self._held.close()
