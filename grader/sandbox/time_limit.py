"""Watches the time limit of a question while its answer is awaited."""

from __future__ import annotations

import threading

from grader.records import Question
from grader.sandbox.base import Worker
from grader.stopwatch import Stopwatch

_PAUSE = 0.5   # seconds between looks


class TimeLimit:
    """Tells when the time of a question is over.

    An engine takes up to a second to tell a container's processor time, and an answer must not wait
    for that. So a thread asks, from the first `is_over` on: most answers are there by then.
    """

    def __init__(self, worker: Worker, question: Question) -> None:
        self._worker, self._question = worker, question
        self._over, self._ended = threading.Event(), threading.Event()
        self._stopwatch: Stopwatch | None = None
        self._thread: threading.Thread | None = None

    def is_over(self) -> bool:
        """Return True once the time is over. Never blocks."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._watch, name="time-limit", daemon=True)
            self._thread.start()
        return self._over.is_set()

    def end(self) -> None:
        """Stop watching: the answer is there, or nobody waits for it any more."""
        self._ended.set()

    @property
    def used(self) -> float:
        """Seconds that count so far."""
        return 0.0 if self._stopwatch is None else self._stopwatch.used

    @property
    def crowded(self) -> bool:
        """True if the time by the clock is over, but others had the processor in most of it."""
        return self._stopwatch is not None and self._stopwatch.is_crowded(self._question.seconds)

    def _watch(self) -> None:
        used = Stopwatch(self._worker.processor_seconds, self._question.threads)
        self._stopwatch = used
        while not self._ended.wait(_PAUSE):
            if used.is_over(self._question.seconds):
                self._over.set()
                return
