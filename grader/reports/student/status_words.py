"""How a status is told to a student: always a word, with a symbol beside it."""

from __future__ import annotations

from grader.records import Status

STATUS_WORDS: dict[Status, str] = {
    "passed": "passed",
    "partial": "partial",
    "failed": "failed",
    "not_scored": "not scored (our fault: it will be re-run)",
    "needs_marking": "waiting to be marked",
}

STATUS_SYMBOLS: dict[Status, str] = {
    "passed": "✓",
    "partial": "◐",
    "failed": "✗",
    "not_scored": "↻",
    "needs_marking": "…",
}

# How a whole submission stands: `Grade.state`.
STATE_WORDS = {
    "graded": "graded",
    "needs_marking": "answers to mark",
    "not_scored": "not scored",
}
