"""Builds the JSON that the marking page gets: the class, a criterion, an answer.

Without `names` nothing here reveals whose answer it is, except what students write in the answers
themselves.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from grader.grading.marks import Item, LineComment, Mark
from grader.marking.answers import (
    StudentAnswer,
    code_without_names,
    in_order,
    without_names,
)
from grader.marking.code import SourceFile, lines_named
from grader.marking.mark_store import SavedComment
from grader.marking.rendering import render
from grader.marking.service import MarkingService
from grader.marking.shares import Shares
from grader.reports.grades_file import json_safe
from grader.reports.student.status_words import STATUS_WORDS
from grader.rubric.model import Criterion
from grader.run.results_folder import kept_pdf
from grader.text import plain, plain_line

Json = dict[str, Any]
_LONGEST_EVIDENCE = 2000   # characters of one value that a check recorded
_LONGEST_LINE = 500       # characters of a line of code
_NOT_SHOWN = ("answer", "pdf", "sha256", "marked", "read")   # or shown in another place


def class_payload(service: MarkingService, *, names: bool) -> Json:
    """Every criterion with its progress, and all answers that are flagged or in conflict."""
    rows = []
    unresolved: list[Json] = []
    shares = Shares(service.out)
    for criterion, answers in service.everything():
        rows.append({
            "id": criterion.id, "title": criterion.title, "part": criterion.part,
            "max": criterion.points, **_progress(answers),
            "shares": {name: _progress(own) for name, own in shares.split(answers).items()},
        })
        unresolved += [
            {
                "criterion": criterion.id, "part": criterion.part, "key": one.key,
                "name": one.name, "state": one.state,
                "marks": [_mark(mark, hide) for mark in one.place.standing],
                "disputes": [_mark(mark, hide) for mark in one.place.disputes],
            }
            for one in answers if _is_unresolved(one) for hide in [_hiding(one, names=names)]
        ]
    return {"criteria": rows, "shares": shares.names, "open": unresolved}


def _progress(answers: Sequence[StudentAnswer]) -> Json:
    states = Counter(one.state for one in answers)
    return {"counts": dict(states), "by_hand": len(answers) - states["by the check"]}


def criterion_payload(
    service: MarkingService, criterion: Criterion, marker: str, *, names: bool
) -> Json:
    """A criterion and its answers in the marker's order; those graded by a check come last."""
    by_criterion = {one.id: answers for one, answers in service.everything()}
    answers = in_order(by_criterion[criterion.id], marker)
    answers.sort(key=lambda one: one.state == "by the check")
    options, shares = service.store.options(criterion), Shares(service.out)
    return {
        "id": criterion.id,
        "title": criterion.title,
        "part": criterion.part,
        "max": criterion.points,
        "question": render(criterion.question) if criterion.question else "",
        "model": _model_answer(service, criterion),
        "start": start(options, criterion.points),
        "open": sum(_is_unresolved(one) for answers in by_criterion.values() for one in answers),
        "options": [_item(one) for one in options],
        "comments": [_comment(one) for one in service.store.comments(criterion.id)],
        "answers": [
            {
                "key": one.key, "name": one.name, "state": one.state,
                "points": one.place.mark.points if one.place.mark else one.row.points,
                "student": one.student if names else None, "shares": shares.of(one),
            }
            for one in answers
        ],
    }


def _is_unresolved(answer: StudentAnswer) -> bool:
    return answer.place.conflict or bool(answer.place.disputes)


def start(options: Iterable[Item], most: float) -> float:
    """The points before anything is chosen: all of them, or 0 if some option awards points."""
    return 0.0 if any(one.points > 0 for one in options) else most


def _model_answer(service: MarkingService, criterion: Criterion) -> Json:
    found = service.model_answers.of(criterion)
    return {
        "html": render(found.text) if found.text else "",
        "files": [{"name": one.name, "lines": _shown(one)} for one in found.files],
    }


def answer_payload(
    service: MarkingService, answer: StudentAnswer, draft: str, address: str, *, names: bool
) -> Json:
    """An answer with everything that helps to mark it.

    Args:
        draft: the marker's draft as JSON, or "".
        address: the address of the answer's PDF, if it has one.
    """
    verdict, place = answer.row.verdict, answer.place
    text = verdict.seen.get("answer")
    text = text if isinstance(text, str) else ""
    digest = verdict.seen.get("sha256")
    kept = bool(digest) and kept_pdf(service.out, str(digest)).is_file()
    missing = "The results have no copy of the PDF: it is larger than 30 MB, or was graded by an "\
              "older grader. Grade it again, or read it in the folder of submissions."
    anonymized = _hiding(answer, names=names)
    hidden = (lambda line: line) if names else code_without_names(answer.submission)
    code = () if text or verdict.seen.get("pdf") else service.code(answer)
    return {
        "key": answer.key,
        "name": answer.name,
        "student": answer.student if names else None,
        "state": answer.state,
        "version": place.version,
        "answer": answer.digest,
        "asked": plain(verdict.asked),
        "reason": anonymized(plain(verdict.reason)),
        "by_check": {"status": STATUS_WORDS[verdict.result], "points": answer.row.points},
        "html": render(text) if text else "",
        "raw": plain(text, 200_000),
        "pdf": address if kept else None,
        "pdf_missing": missing if verdict.seen.get("pdf") and not kept else "",
        "files": "" if text or verdict.seen.get("pdf") else _files(answer, code, names=names),
        "code": [
            {"name": anonymized(plain_line(file.name)), "lines": [*map(hidden, _shown(file))],
             "about": about}
            for file, about in zip(code, lines_named(verdict, code), strict=True)
        ],
        "lines": _line_drafts(place.mark.lines if place.mark else (), code),
        "identical": [
            {"key": one.key, "answer": one.digest, "seen": one.place.version,
             "name": one.student if names else one.name}
            for one in service.identical(answer)
        ],
        "seen": [[name, anonymized(value)] for name, value in _evidence(verdict.seen)],
        "remarks": [anonymized(plain_line(one)) for one in answer.submission.remarks]
        if verdict.status == "needs_marking" and not text else [],
        "standing": [_mark(one, anonymized) for one in place.standing],
        "disputes": [_mark(one, anonymized) for one in place.disputes],
        "history": [
            _mark(one, anonymized) | {"here": one.answer == answer.digest}
            for one in service.history(answer)
        ],
        "draft": json.loads(draft) if draft else None,
    }


def answer_text(service: MarkingService, answer: StudentAnswer, *, names: bool) -> str:
    """The answer for a cell of a CSV file: its text, its PDF's path, or a check's evidence."""
    verdict = answer.row.verdict
    text = verdict.seen.get("answer")
    if isinstance(text, str) and text:
        return plain(text, 200_000)
    if verdict.seen.get("sha256"):
        return f"PDF: {kept_pdf(service.out, str(verdict.seen['sha256']))}"
    anonymized = _hiding(answer, names=names)
    evidence = (f"{name}: {value}" for name, value in _evidence(verdict.seen))
    lines = [plain(verdict.reason), *evidence]
    return str(anonymized("\n".join(lines)))


def _files(answer: StudentAnswer, code: Sequence[SourceFile], *, names: bool) -> str:
    """A line on the code that the check looked at: its path, or why the page does not show it."""
    gone = "The results have no copy of the code: a run of `grader run` on the class keeps one."
    if not names:
        return "" if code or not answer.submission.has_code else gone
    files = ", ".join(answer.submission.files)
    return plain_line(f"Code: {answer.submission.source} ({files})")


def _shown(file: SourceFile) -> list[str]:
    """The lines as the page shows them: plain text, and no line too long for it."""
    return [plain(line, _LONGEST_LINE).replace("\n", " ") for line in file.lines]


def _line_drafts(lines: Iterable[LineComment], code: Sequence[SourceFile]) -> list[Json]:
    places = {file.name: index for index, file in enumerate(code)}
    return [{"file": places[one.file], "line": one.line, "text": plain(one.text)}
            for one in lines if one.file in places]


def _hiding(answer: StudentAnswer, *, names: bool) -> Callable[[str], str]:
    """A function that takes the students' names out of a text, or with `names` leaves it."""
    return (lambda text: text) if names else without_names(answer.submission)


def _evidence(seen: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    for name, value in seen.items():
        if name not in _NOT_SHOWN:
            text = value if isinstance(value, str) else json.dumps(json_safe(value))
            yield plain_line(name.replace("_", " "), 60), plain(text, _LONGEST_EVIDENCE)


def _mark(mark: Mark, anonymized: Callable[[str], str]) -> Json:
    return {
        "number": mark.number, "kind": mark.kind, "marker": plain_line(mark.marker, 60),
        "at": mark.at, "points": mark.points, "comment": plain(mark.comment),
        "items": [_item(one) for one in mark.items],
        "lines": [f"{anonymized(plain_line(one.place))}: {plain(one.text)}" for one in mark.lines],
        "note": plain(mark.note),
    }


def _item(item: Item) -> Json:
    return {"points": item.points, "text": plain(item.text)}


def _comment(comment: SavedComment) -> Json:
    return {"number": comment.number, "points": comment.points, "text": plain(comment.text),
            "marker": plain_line(comment.marker, 60)}
