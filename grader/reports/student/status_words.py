"""The words and symbols that stand for a status. Pages always show the word."""

from __future__ import annotations

from grader.records import Result

STATUS_WORDS: dict[Result, str] = {
    "passed": "passed",
    "partial": "partial",
    "failed": "failed",
    "not_attempted": "not attempted",
    "not_scored": "not scored (our fault: it will be re-run)",
    "needs_marking": "needs manual grading",
}

STATUS_SYMBOLS: dict[Result, str] = {
    "passed": "✓",
    "partial": "◐",
    "failed": "✗",
    "not_attempted": "○",
    "not_scored": "↻",
    "needs_marking": "…",
}

# By `Grade.state`, the state of a whole submission.
STATE_WORDS = {
    "graded": "graded",
    "needs_marking": "needs manual grading",
    "not_scored": "not scored",
}
