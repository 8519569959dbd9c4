"""The words and symbols that stand for a status. Pages always show the word."""

from __future__ import annotations

from grader.records import Status

STATUS_WORDS: dict[Status, str] = {
    "passed": "passed",
    "partial": "partial",
    "failed": "failed",
    "not_scored": "not scored (our fault: it will be re-run)",
    "needs_marking": "needs manual grading",
}

STATUS_SYMBOLS: dict[Status, str] = {
    "passed": "✓",
    "partial": "◐",
    "failed": "✗",
    "not_scored": "↻",
    "needs_marking": "…",
}

# By `Grade.state`, the state of a whole submission.
STATE_WORDS = {
    "graded": "graded",
    "needs_marking": "needs manual grading",
    "not_scored": "not scored",
}
