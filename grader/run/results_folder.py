"""Writes the results folder: feedback pages, the class report, PDFs and the roster."""

from __future__ import annotations

import dataclasses
import json
import shutil
import time
from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from pathlib import Path

import grader
from grader.grading.late_penalty import due_of, lateness
from grader.records import Grade, Submission, Verdict
from grader.reports.class_report.rendering import render
from grader.reports.class_report.rows import StudentRow, row_of
from grader.reports.class_report.summarizing import summarize
from grader.reports.similar_code.pairs import read_pairs
from grader.reports.student.render import Renderer
from grader.rubric.model import Rubric
from grader.run.cache.file import CacheFile
from grader.run.cache.pictures import PictureCache
from grader.run.provenance.fingerprints import of_folder
from grader.submissions.discover import HandIn
from grader.submissions.roster import NAME as ROSTER
from grader.submissions.roster import Entry, Roster, as_csv, read_roster
from grader.submissions.student_names import owner
from grader.text import write_text

LARGEST_PDF = 30_000_000   # bytes that are kept
LARGEST_CODE = 400_000     # bytes of one submission's code that are kept
_REPORTS = Path(grader.__file__).parent / "reports"
_FEEDBACK, _REPORT = _REPORTS / "student", _REPORTS / "class_report"
_REPORT_EVERY = 4.0    # seconds at least from one report to the next while a class is graded
_REPORT_SHARE = 0.05   # of the run's time that may go into writing it


class FeedbackFolder:
    """Writes `feedback/STUDENT.html` and `.md`, as each student may see them now."""

    def __init__(
        self, rubric: Rubric, out: Path, templates: Path | None, cache: CacheFile
    ) -> None:
        self._rubric, self._folder = rubric, out / "feedback"
        self._renderer = Renderer(templates, PictureCache(cache, of_folder(_FEEDBACK)))

    def write(self, grade: Grade) -> None:
        """Write a student's pages. Raises OSError, and UsageError for a wrong template."""
        self._folder.mkdir(parents=True, exist_ok=True)
        due = due_of(self._rubric.late, grade.student) if self._rubric.late else None
        pages = self._renderer.render(grade, self._rubric.title, datetime.now(UTC), due)
        for suffix, text in ((".html", pages.html), (".md", pages.markdown)):
            path = self._folder / f"{grade.student}{suffix}"
            path.write_text(text, encoding="utf-8")


def keep_pdfs(grade: Grade, out: Path) -> None:
    """Copy PDFs that a person has to read to `answers/DIGEST.pdf`, up to LARGEST_PDF bytes each."""
    for row in grade.criteria:
        name, digest = row.verdict.seen.get("pdf"), row.verdict.seen.get("sha256")
        if not name or not digest:
            continue
        source, kept = grade.submission.folder / name, kept_pdf(out, digest)
        if source.is_file() and source.stat().st_size <= LARGEST_PDF and not kept.is_file():
            kept.parent.mkdir(exist_ok=True)
            beside = kept.with_suffix(".tmp")
            shutil.copyfile(source, beside)
            beside.replace(kept)


def keep_code(submission: Submission, out: Path) -> None:
    """Write the code of a submission to `answers/DIGEST.json`, for the person who marks it."""
    kept = kept_code(out, submission.digest)
    files = [name for name in submission.files if name.endswith(".py")]
    if not submission.digest or not files or kept.is_file():
        return
    texts: dict[str, str] = {}
    left = LARGEST_CODE
    for name in files:
        with (submission.folder / name).open("rb") as file:
            text = file.read(left)
        texts[name] = text.decode("utf-8", "replace")
        left -= len(text)
    write_text(kept, [json.dumps(texts)])


def kept_code(out: Path, digest: str) -> Path:
    """Return where `keep_code` puts the code of the submission with this digest."""
    return out / "answers" / f"{digest}.json"


def kept_pdf(out: Path, digest: str) -> Path:
    """Return where `keep_pdfs` puts the PDF with this SHA-256 digest."""
    return out / "answers" / f"{digest}.pdf"


class ReportFile:
    """Writes `report.html`, with all grades that were added so far."""

    def __init__(
        self, rubric: Rubric, out: Path, everyone: Collection[str], cache: CacheFile
    ) -> None:
        self._rubric, self._path, self._everyone = rubric, out / "report.html", everyone
        self._pictures = PictureCache(cache, of_folder(_FEEDBACK) + of_folder(_REPORT))
        self._people = (read_roster(out) or Roster()).by_student
        self._rows: dict[str, StudentRow] = {}
        self._due = time.monotonic() + _REPORT_EVERY

    def add(self, grade: Grade) -> None:
        """Add a grade, or replace that student's earlier one."""
        late = lateness(self._rubric.late, grade.student, grade.submission)
        person = self._people.get(grade.student)
        self._rows[grade.student] = row_of(grade, person, late)

    def keep_up(self, left: int, at_once: bool = False) -> None:
        """Write an interim report if enough time has passed. The page reloads itself.

        Args:
            left: submissions that are still to come.
            at_once: write it now.
        """
        if time.monotonic() < self._due and not at_once:
            return
        began = time.monotonic()
        try:
            self._write(left, running=True, pictures=None)
        finally:
            now = time.monotonic()
            self._due = now + max(_REPORT_EVERY, (now - began) / _REPORT_SHARE)

    def finish(self, left: int) -> None:
        """Write the final report; `left` submissions were not begun."""
        self._write(left, running=False, pictures=self._pictures)

    def _write(self, left: int, running: bool, pictures: PictureCache | None) -> None:
        """Write the report; pictures of a page that is soon replaced are not cached."""
        similar = read_pairs(self._path.parent)
        report = summarize(self._rubric, self._rows.values(), self._everyone, left, running,
                           similar.pairs if similar is not None else ())
        write_text(self._path, [render(report, datetime.now(UTC), pictures)])


def keep_roster(submissions: Path, hand_ins: Iterable[HandIn], out: Path) -> None:
    """Write the class's roster to the results folder, for the exports.

    It is a copy of the class folder's, or has what an unpacked download says of its students.
    """
    if (submissions / ROSTER).is_file():
        out.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(submissions / ROSTER, out / ROSTER)
        return
    told = [(one, item) for item in hand_ins for one in item.people
            if one.email or one.sid or one.canvas_id]
    people = {one.student: one for one, _ in told}
    entries = tuple(_entry(one.student, item) for one, item in told)
    if people:
        write_text(out / ROSTER, [as_csv(Roster(tuple(people.values()), entries))])


def _entry(student: str, item: HandIn) -> Entry:
    name = item.sources[0].name
    number = owner(name).number
    origin = f"canvas {number}" if number else name
    return Entry(student, item.attempt, name, item.submitted_at, item.marked_late, "", origin, name)


def in_short(grade: Grade) -> Grade:
    """Return the grade without evidence, so that a class of any size fits into memory."""
    rows = []
    for row in grade.criteria:
        one = row.verdict
        verdict = Verdict(one.criterion, one.status, one.fraction, one.reason, asked=one.asked,
                          attempted=one.attempted)
        rows.append(dataclasses.replace(row, verdict=verdict))
    submission = dataclasses.replace(grade.submission, answers={}, files=())
    return dataclasses.replace(grade, submission=submission, criteria=tuple(rows))
