"""What happened to each submission, event by event: a line of JSON each, for the morning after.

    results/logs/STUDENT.jsonl

Events are of the harness's own making and hold no verdict's words, no label and no expected value.
What they quote of a student's code (how it failed) is one line and short.
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
Log = Callable[[str, str, Mapping[str, Any]], None]   # student, event, what there is to say of it


def no_log(student: str, event: str, facts: Mapping[str, Any]) -> None:
    """For a run that nobody will look back at."""


class EventLog:
    """The logs of a results folder. `say` is told each event as well, in a line for a terminal.

    Its method may be called from several threads. A disk that is full is no reason to stop.
    """

    def __init__(self, folder: Path, say: Callable[[str], None] | None = None) -> None:
        self._folder = folder
        self._say = say
        self._lock = threading.Lock()

    def note(self, run: int, student: str, event: str, facts: Mapping[str, Any]) -> None:
        """Add an event of a run's to a student's log."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = json.dumps({"at": now, "run": run, "event": event, **facts}, allow_nan=False)
        with self._lock:
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
                path = self._folder / f"{student}.jsonl"
                with path.open("a", encoding="ascii") as file:
                    file.write(line + "\n")
            except OSError:
                pass   # what counts is in the gradebook
            if self._say is not None:
                told = " ".join(f"{key}={_short(value)}" for key, value in facts.items())
                self._say(plain_line(f"{student}: {event} {told}".rstrip(), _LONGEST))


def _short(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


# What is said of each kind of event ---------------------------------------------------------------


def of_submission(submission: Submission) -> dict[str, Any]:
    refused = plain_line(submission.refused, _LONGEST) if submission.refused else None
    return {
        "files": len(submission.files), "digest": submission.digest[:16], "refused": refused,
        "notes": len(submission.notes), "remarks": len(submission.remarks),
    }  # fmt: skip


def of_evidence(evidence: Evidence) -> dict[str, Any]:
    outcome = evidence.outcome
    told: dict[str, Any] = {
        "question": evidence.question.id, "outcome": outcome.kind,
        "seconds": round(outcome.seconds, 3),
    }  # fmt: skip
    if not outcome.answered:
        message = plain_line(outcome.message, _LONGEST)
        told |= {"fault": outcome.owner, "phase": outcome.phase, "message": message}
    versions = {
        plain_line(name, 40): plain_line(one, 40) for name, one in evidence.worker.items()
    }
    return told | ({"worker": versions} if versions else {})


def of_verdicts(concluded: Concluded) -> Iterable[dict[str, Any]]:
    for one in concluded.verdicts.values():
        yield {"criterion": one.criterion, "status": one.status, "fraction": one.fraction}


def of_grade(grade: Grade) -> dict[str, Any]:
    return {
        "state": grade.state, "score": grade.score, "max": grade.max,
        "seconds": round(grade.seconds, 1),
    }  # fmt: skip
