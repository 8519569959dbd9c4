"""Students' regrade requests, from a CSV: each becomes a flag, and its answer a mark.

A flag changes no points. The answer is a mark like any other, so the student reads it on their page
and the history keeps who gave it. Reading a file again adds only what is new in it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.errors import UsageError
from grader.marking.answers import StudentAnswer
from grader.marking.counting_answer import counting_answer
from grader.marking.new_marks import NewLine, NewMark, NotAllowed, check_mark
from grader.marking.service import MarkingService
from grader.rubric.csv_table import read_table
from grader.rubric.model import Criterion
from grader.submissions.roster import Roster
from grader.text import folded, plain

_NEEDED, _KNOWN = ("student", "criterion", "request"), ("points", "answer")
_NUMBER = re.compile(r"\d+(?:[.,]\d{1,4})?")
_LONGEST = 1500   # characters of a request; its answer may fill the rest of a comment


@dataclass(frozen=True)
class Request:
    """A student's request about one answer; `reply` is the mark that answers it, None for none."""

    student: str
    answer: StudentAnswer
    text: str
    reply: NewMark | None


def read_requests(service: MarkingService, path: Path, roster: Roster) -> list[Request]:
    """Read the requests, without storing anything.

    Args:
        service: the class.
        path: a CSV with the columns student, criterion and request, and perhaps points and answer.
        roster: the class's roster; students may be named by anything that is unique in it.

    Raises UsageError, with a line for each faulty row.
    """
    found: list[Request] = []
    errors: list[str] = []
    lines: dict[tuple[str, str], int] = {}
    for line, row in read_table(path, _NEEDED, _KNOWN):
        try:
            student = roster.keys.get(folded(row["student"]), row["student"])
            answer = counting_answer(service, student, _criterion(service.criteria, row))
            text = plain(row["request"], _LONGEST).strip()
            if not text:
                raise NotAllowed("request: empty; write what the student asks")
            if first := lines.setdefault((answer.key, answer.criterion.id), line) - line:
                raise NotAllowed(f"line {line + first} is about the same answer; make one row of "
                                 "both")
            found.append(Request(student, answer, text, _reply(service, answer, text, row)))
        except NotAllowed as error:
            errors.append(f"{path}:{line}: {error}")
    if errors:
        raise UsageError("\n".join([*errors, "No request of this file was stored."]))
    return found


def store_requests(
    service: MarkingService, requests: Sequence[Request], marker: str
) -> tuple[list[Request], list[Request]]:
    """Store what is new; returns the requests that wait for an answer now, and those answered."""
    answered = [one for one in requests if one.reply and not _is_stored(one.answer, one.reply)]
    service.mark_all([(one.answer, marker, one.reply, one.answer.place.version)
                      for one in answered if one.reply])
    waiting = []
    for one in requests:
        known = {past.note for past in service.history(one.answer)}
        if one.reply is None and _note(one) not in known:
            service.dispute(one.answer, marker, _note(one), one.answer.place.version)
            waiting.append(one)
    return waiting, answered


def unanswered(service: MarkingService, requests: Sequence[Request]) -> list[Request]:
    """Return the requests whose flag no mark has settled yet, on the page or in a file."""
    return [
        one for one in requests
        if any(flag.note == _note(one) for flag in
               service.answer(one.answer.criterion.id, one.answer.key).place.disputes)
    ]


def points_now(answer: StudentAnswer) -> float | None:
    """The answer's points before the late penalty; None while they are not known."""
    return answer.place.mark.points if answer.place.mark else answer.row.points


def _note(request: Request) -> str:
    """Return what the flag of a request says."""
    return f"Regrade request: {request.text}"


def _criterion(criteria: Sequence[Criterion], row: dict[str, str]) -> str:
    """Return the id of the criterion that the row names by its id, its part or its title."""
    named = row["criterion"]
    same = [one.id for one in criteria if folded(named) in (folded(one.part), folded(one.title))]
    if len(same) > 1 and named not in {one.id for one in criteria}:
        raise NotAllowed(f"criterion: '{named}' is any of {', '.join(same)}; name one of them")
    return same[0] if len(same) == 1 and named not in {one.id for one in criteria} else named


def _reply(
    service: MarkingService, answer: StudentAnswer, text: str, row: dict[str, str]
) -> NewMark | None:
    """Return the mark with the row's answer; without `points`, the points stay."""
    words, points = plain(row.get("answer", "")).strip(), row.get("points", "")
    if not words and points:
        raise NotAllowed("answer: missing beside points; write what the student is told")
    if not words:
        return None
    now, most = points_now(answer), answer.criterion.points
    if points and not _NUMBER.fullmatch(points):
        raise NotAllowed(f"points: found '{plain(points, 40)}', expected a number from 0 to "
                         f"{most:g}")
    if not points and now is None:
        raise NotAllowed(f"points: missing; the answer has none yet. Give 0 to {most:g}")
    given = float(points.replace(",", ".")) if points else now or 0.0
    before, exchange = answer.place.mark, f"Regrade request: {text}\nAnswer: {words}"
    told = before.comment if before else answer.row.verdict.reason if given == now else ""
    # The file may be read again.
    comment = told if told.endswith(exchange) else f"{told}\n\n{exchange}".strip()
    files = [file.name for file in service.code(answer)] if before and before.lines else []
    lines = tuple(NewLine(files.index(one.file), one.line, one.text)
                  for one in (before.lines if before else ()) if one.file in files)
    items = before.items if before and given == now else ()
    new = NewMark(given, items, comment, "regrade request", lines)
    if given != now:   # points of a check may be any fraction, and may stay
        check_mark(answer, new)
    return new


def _is_stored(answer: StudentAnswer, new: NewMark) -> bool:
    mark = answer.place.mark
    return mark is not None and not answer.place.disputes and (
        (mark.points, mark.comment) == (new.points, new.comment))
