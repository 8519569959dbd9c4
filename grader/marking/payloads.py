"""What the page is told, in plain data: the class, a criterion, an answer.

Unless names were asked for nothing here says whose an answer is, as far as the grader knows it:
what students write into their answers stays.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from grader.grading.marks import Mark
from grader.marking.answers import Answer, in_order
from grader.marking.mark_store import Comment
from grader.marking.rendering import render
from grader.marking.service import Desk
from grader.reports.grades_file import json_safe
from grader.rubric.model import Criterion
from grader.run.results_folder import kept_pdf
from grader.text import plain, plain_line

Told = dict[str, Any]
_LONGEST_SEEN = 2000   # characters of one thing that a check has seen
_SHOWN_ELSEWHERE = ("answer", "pdf", "sha256", "marked")


def class_of(desk: Desk) -> Told:
    """Every criterion with how far it is, and what two people have to talk about."""
    rows = []
    open_: list[Told] = []
    for criterion, answers in desk.everything():
        states = Counter(one.state for one in answers)
        rows.append({
            "id": criterion.id, "title": criterion.title, "part": criterion.part,
            "max": criterion.points, "counts": dict(states),
            "by_hand": len(answers) - states["by the check"],
        })
        open_ += [
            {
                "criterion": criterion.id, "part": criterion.part, "key": one.key,
                "name": one.name, "state": one.state,
                "marks": [_mark(mark) for mark in one.place.standing],
                "disputes": [_mark(mark) for mark in one.place.disputes],
            }
            for one in answers if _is_open(one)
        ]
    return {"criteria": rows, "open": open_}


def criterion_of(desk: Desk, criterion: Criterion, marker: str, *, names: bool) -> Told:
    """The answers in the marker's own order; those that only the check has graded come last."""
    by_criterion = {one.id: answers for one, answers in desk.everything()}
    answers = in_order(by_criterion[criterion.id], marker)
    answers.sort(key=lambda one: one.state == "by the check")
    return {
        "id": criterion.id,
        "title": criterion.title,
        "part": criterion.part,
        "max": criterion.points,
        "start": start(criterion),
        "open": sum(_is_open(one) for answers in by_criterion.values() for one in answers),
        "options": [{"points": one.points, "text": one.text} for one in criterion.options],
        "comments": [_comment(one) for one in desk.book.comments(criterion.id)],
        "answers": [
            {
                "key": one.key, "name": one.name, "state": one.state,
                "points": one.place.mark.points if one.place.mark else one.row.points,
                "student": one.student if names else None,
            }
            for one in answers
        ],
    }


def _is_open(answer: Answer) -> bool:
    return answer.place.conflict or bool(answer.place.disputes)


def start(criterion: Criterion) -> float:
    """The points before anything is chosen: all of them, unless there are options that award."""
    return 0.0 if any(one.points > 0 for one in criterion.options) else criterion.points


def card(desk: Desk, answer: Answer, draft: str, address: str, *, names: bool) -> Told:
    """An answer with all that helps to mark it. `address` is where its PDF would be."""
    verdict, place = answer.row.verdict, answer.place
    text = verdict.seen.get("answer")
    text = text if isinstance(text, str) else ""
    digest = verdict.seen.get("sha256")
    kept = bool(digest) and kept_pdf(desk.out, str(digest)).is_file()
    missing = "The PDF was not kept: it is larger than 30 MB, or the class was graded before PDFs "\
              "were kept. Grade it again, or read it in the folder of submissions."
    blind = _words_without(() if names else _names(answer))
    return {
        "key": answer.key,
        "name": answer.name,
        "student": answer.student if names else None,
        "state": answer.state,
        "version": place.version,
        "answer": answer.digest,
        "asked": plain(verdict.asked),
        "reason": blind(plain(verdict.reason)),
        "by_check": {"status": verdict.status, "points": answer.row.points},
        "html": render(text) if text else "",
        "raw": plain(text, 200_000),
        "pdf": address if kept else None,
        "pdf_missing": missing if verdict.seen.get("pdf") and not kept else "",
        "files": "" if text or verdict.seen.get("pdf") else _files(answer, names=names),
        "seen": [[name, blind(value)] for name, value in _seen(verdict.seen)],
        "remarks": [blind(plain_line(one)) for one in answer.submission.remarks]
        if verdict.status == "needs_marking" and not text else [],
        "standing": [_mark(one) for one in place.standing],
        "disputes": [_mark(one) for one in place.disputes],
        "history": [
            _mark(one) | {"here": one.answer == answer.digest} for one in desk.history(answer)
        ],
        "draft": json.loads(draft) if draft else None,
    }


def in_words(desk: Desk, answer: Answer, *, names: bool) -> str:
    """The answer for a cell of a table: its text, where its PDF lies, or what a check has seen."""
    verdict = answer.row.verdict
    text = verdict.seen.get("answer")
    if isinstance(text, str) and text:
        return plain(text, 200_000)
    if verdict.seen.get("sha256"):
        return f"PDF: {kept_pdf(desk.out, str(verdict.seen['sha256']))}"
    blind = _words_without(() if names else _names(answer))
    lines = [plain(verdict.reason), *(f"{name}: {value}" for name, value in _seen(verdict.seen))]
    return str(blind("\n".join(lines)))


def _files(answer: Answer, *, names: bool) -> str:
    """Where the code is that a check has looked at: the page shows none."""
    if not names:
        return "The code itself is not shown here. With --names this says where it lies."
    files = ", ".join(answer.submission.files)
    return plain_line(f"The code: {answer.submission.source} ({files})")


def _seen(seen: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    for name, value in seen.items():
        if name not in _SHOWN_ELSEWHERE:
            text = value if isinstance(value, str) else json.dumps(json_safe(value))
            yield plain_line(name.replace("_", " "), 60), plain(text, _LONGEST_SEEN)


def _names(answer: Answer) -> tuple[str, ...]:
    return answer.student, *answer.submission.owners, answer.submission.source.name


def _words_without(names: Iterable[str]) -> Any:
    """Takes a student's name, as the files have it, out of what the grader says."""
    known = sorted({name for name in names if len(name) > 2}, key=len, reverse=True)
    if not known:
        return lambda text: text
    pattern = re.compile("|".join(map(re.escape, known)), re.IGNORECASE)
    return lambda text: pattern.sub("(name)", text)


def _mark(mark: Mark) -> Told:
    return {
        "number": mark.number, "kind": mark.kind, "marker": plain_line(mark.marker, 60),
        "at": mark.at, "points": mark.points, "comment": plain(mark.comment),
        "items": [{"points": one.points, "text": plain(one.text)} for one in mark.items],
        "note": plain(mark.note),
    }


def _comment(comment: Comment) -> Told:
    return {"number": comment.number, "points": comment.points, "text": plain(comment.text),
            "marker": plain_line(comment.marker, 60)}
