"""The event log: what happened to each submission, one JSON line per event.

    results/logs/STUDENT.jsonl

Events hold no label, no expected value and no text of a verdict.
A quotation of how a student's code failed is one short line.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from grader.records import Concluded, Evidence, Grade, Submission
from grader.text import plain_line

_LONGEST = 300
Log = Callable[[str, str, Mapping[str, Any]], None]   # student, event, its facts


def no_log(student: str, event: str, facts: Mapping[str, Any]) -> None:
    """Log nothing."""


class EventLog:
    """The logs of a results folder; `say` also gets each event as a line for a terminal.

    Its method may be called from threads, and ignores a full disk.
    """

    def __init__(self, folder: Path, say: Callable[[str], None] | None = None) -> None:
        self._folder = folder
        self._say = say
        self._lock = threading.Lock()

    def note(self, run: int, student: str, event: str, facts: Mapping[str, Any]) -> None:
        """Add an event to a student's log.

        Args:
            run: The number of the run.
            student: The student's key.
            event: The kind of event.
            facts: What there is to know, as JSON values.
        """
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = json.dumps({"at": now, "run": run, "event": event, **facts}, allow_nan=False)
        with self._lock:
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
                path = self._folder / f"{student}.jsonl"
                with path.open("a", encoding="ascii") as file:
                    file.write(line + "\n")
            except OSError:
                pass   # the gradebook is the record
            if self._say is not None:
                text = " ".join(f"{key}={_short(value)}" for key, value in facts.items())
                self._say(plain_line(f"{student}: {event} {text}".rstrip(), _LONGEST))


def _short(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


# The facts of each kind of event ----------------------------------------------------------------


def of_submission(submission: Submission) -> dict[str, Any]:
    """Return the facts of an unpacked submission."""
    refused = plain_line(submission.refused, _LONGEST) if submission.refused else None
    return {
        "files": len(submission.files), "digest": submission.digest[:16], "refused": refused,
        "notes": len(submission.notes), "remarks": len(submission.remarks),
    }  # fmt: skip


def of_evidence(evidence: Evidence) -> dict[str, Any]:
    """Return the facts of an answer."""
    outcome = evidence.outcome
    facts: dict[str, Any] = {
        "question": evidence.question.id, "outcome": outcome.kind,
        "seconds": round(outcome.seconds, 3),
    }  # fmt: skip
    if not outcome.answered:
        message = plain_line(outcome.message, _LONGEST)
        facts |= {"fault": outcome.owner, "phase": outcome.phase, "message": message}
    versions = {
        plain_line(name, 40): plain_line(one, 40) for name, one in evidence.worker.items()
    }
    return facts | ({"worker": versions} if versions else {})


def of_verdicts(concluded: Concluded) -> Iterable[dict[str, Any]]:
    """Yield the facts of each verdict."""
    for one in concluded.verdicts.values():
        yield {
            "criterion": one.criterion, "status": one.status, "fraction": one.fraction,
            **({} if one.attempted else {"attempted": False}),
        }  # fmt: skip


def of_grade(grade: Grade) -> dict[str, Any]:
    """Return the facts of a grade."""
    return {
        "state": grade.state, "score": grade.score, "max": grade.max,
        "seconds": round(grade.seconds, 1),
    }  # fmt: skip
