"""A conversation in which each question may depend on the answers before it.

`conversation.converse` knows all its questions beforehand. An instructor's pytest files do not, and
ask through an `InteractiveSession`: it starts a worker for the first question, and a fresh one when
a worker is lost.
"""

from __future__ import annotations

import dataclasses
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
from grader.sandbox.interim import InterimLooks
from grader.sandbox.outcomes import NODE_LOST, not_started


class InteractiveSession:
    """A context that holds a worker, and its turn from the first question on; leaving ends both.

    Attributes:
        versions: Versions that the worker runs on, by name; empty before the first question.
    """

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
        self.versions: dict[str, str] = {}
        # The outcome of every question with a limit of at most `_tried_seconds`, once one has shown
        # that the file does not finish loading, that no worker starts, or that a machine is lost.
        self._failed: Outcome | None = None
        self._tried_seconds = 0.0
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
        """Ask one question. Nothing that the student's code does raises an error here.

        A file that does not finish loading is loaded once, and not again for each question.
        """
        if self._failed is not None and question.seconds <= self._tried_seconds:
            return Evidence(question, self._failed)
        try:
            worker, inbox = self._worker or self._start()
        except SandboxError as error:
            self._release()
            self._failed = not_started(error)
            self._tried_seconds = math.inf
            return Evidence(question, self._failed)
        evidence, alive = put(worker, inbox, question, InterimLooks(self._job, question))
        outcome = evidence.outcome
        if outcome.kind == wire.TIME_LIMIT and outcome.phase == "load":
            self._failed = dataclasses.replace(outcome, seconds=0.0)   # they were spent once
            self._tried_seconds = question.seconds
        if outcome.kind == NODE_LOST:   # all is asked again, on another machine
            self._failed, self._tried_seconds = outcome, math.inf
        if outcome.kind == wire.CRASHED and outcome.message == signal.SIGKILL.name:
            # Whether that was the memory limit is known only once the worker has ended.
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
