"""What a run leaves in its results folder."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

from grader.cache_file import CacheFile
from grader.feedback.render import Renderer
from grader.fingerprint import of_folder
from grader.gradebook import plain_value
from grader.page_cache import Pictures, Stamps
from grader.records import Grade, Verdict
from grader.rubric import Rubric

_FEEDBACK = Path(__file__).parent / "feedback"


class FeedbackFolder:
    """`feedback/STUDENT.html` and `.md`, as each student may see them now.

    A page that says the same as the last time is left as it is.
    """

    def __init__(
        self, rubric: Rubric, out: Path, templates: Path | None, cache: CacheFile
    ) -> None:
        self._rubric, self._folder = rubric, out / "feedback"
        version = of_folder(_FEEDBACK)
        own = of_folder(templates) if templates is not None else ""
        self._made_of = [version, own, rubric.title]
        self._stamps = Stamps(cache)
        self._renderer = Renderer(templates, Pictures(cache, version))

    def write(self, grade: Grade) -> None:
        """Raises OSError for a disk that fails, UsageError for a template that is at fault."""
        self._folder.mkdir(parents=True, exist_ok=True)
        now = datetime.now(UTC)
        due = self._rubric.late.due if self._rubric.late else None
        html, markdown = (
            self._folder / f"{grade.student}{suffix}" for suffix in (".html", ".md")
        )
        stamp = self._stamp(grade, due, now)
        there = html.is_file() and markdown.is_file()
        if there and self._stamps.of(grade.student) == stamp:
            return
        pages = self._renderer.render(grade, self._rubric.title, now, due)
        self._stamps.put(grade.student, "")   # of what may now be written by half
        html.write_text(pages.html, encoding="utf-8")
        markdown.write_text(pages.markdown, encoding="utf-8")
        self._stamps.put(grade.student, stamp)

    def _stamp(self, grade: Grade, due: datetime | None, now: datetime) -> str:
        """Of all that a page is made of; the same for a grade that was read from the gradebook."""
        said = dataclasses.asdict(grade)
        del said["submission"], said["seconds"]   # neither is on the page
        when = [str(due), due is not None and now >= due]
        text = json.dumps([self._made_of, when, said], sort_keys=True, default=plain_value)
        return hashlib.sha256(text.encode()).hexdigest()


def in_short(grade: Grade) -> Grade:
    """The marks and their reasons, without what they rest on: a class of any size is held in memory
    like this."""
    rows = []
    for row in grade.criteria:
        one = row.verdict
        verdict = Verdict(one.criterion, one.status, one.fraction, one.reason, asked=one.asked)
        rows.append(dataclasses.replace(row, verdict=verdict))
    submission = dataclasses.replace(grade.submission, answers={}, files=())
    return dataclasses.replace(grade, submission=submission, criteria=tuple(rows))
