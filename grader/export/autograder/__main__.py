"""Grades one submission in Gradescope's container; `run_autograder` starts it.

    /autograder/submission                  what the student handed in
    /autograder/submission_metadata.json    who they are, and when
    /autograder/results/results.json        the marks

If the grader itself fails, it prints the reason to stderr and writes no results. Gradescope then
shows that the autograder failed and keeps no score, so a failure is never a zero.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from grader.checks.registry import parameter_models
from grader.errors import GraderError, SandboxError, UsageError
from grader.export.autograder.bundle import OPTIONS
from grader.export.gradescope import results_json
from grader.grading.gradebook_file import in_memory
from grader.grading.points import for_student
from grader.records import Grade
from grader.reports.grades_file import GradesWriter
from grader.reports.saved_grades import SavedGrade, read_saved, student_of
from grader.rubric.load import load
from grader.rubric.model import Rubric
from grader.run.cache.file import no_cache
from grader.run.open import Say, grades_of
from grader.run.options import RunOptions
from grader.sandbox.base import Sandbox
from grader.sandbox.process import ProcessSandbox
from grader.submissions.discover import HandIn
from grader.submissions.enrolment import enrol
from grader.submissions.gradescope import of_one
from grader.submissions.roster import Person, Roster
from grader.submissions.student_names import student_key
from grader.text import write_text


def main(root: Path) -> int:
    """Grade the submission below `root`; return 0 if results were written, else 1."""
    try:
        results = _results(root)
    except (GraderError, OSError, ValueError) as error:
        sys.stderr.write(f"grader: not graded, and no score was written: {error}\n")
        return 1
    written = json.dumps(results, indent=2, allow_nan=False)
    write_text(root / "results" / "results.json", [written])
    return 0


def _results(root: Path) -> dict[str, Any]:
    homework = root / "source" / "homework"
    if _is_root():
        homework.chmod(0o700)   # it holds hidden labels and the reference solution
        (root / "results").chmod(0o755)
    bundled = json.loads((homework / OPTIONS).read_text(encoding="utf-8"))
    rubric = load(homework / bundled["rubric"], parameter_models, bundled["profile"])
    item, roster = _hand_in(root)
    rubric = enrol(rubric, [item], roster).rubric   # extensions may name students by address
    options = RunOptions(sandbox="process", jobs=1, criteria=tuple(bundled["criteria"]))
    with in_memory() as book:
        (grade,) = list(grades_of(
            rubric, [item], options, book, no_cache(), _say, _nowhere, opener=_open,
        ))  # fmt: skip
    if grade.state == "not_scored":
        why = [row.verdict.reason for row in grade.criteria if row.verdict.status == "not_scored"]
        raise SandboxError(" ".join(dict.fromkeys(why)))
    return _as_json(rubric, _by_the_latest_due_date(rubric, grade, item))


def _by_the_latest_due_date(rubric: Rubric, grade: Grade, item: HandIn) -> Grade:
    """Return the best grade of a group's members: Gradescope has one score for a group."""
    own = [for_student(rubric, grade, student) for student in item.owners]
    return max(own, key=lambda one: one.score)


def _as_json(rubric: Rubric, grade: Grade) -> dict[str, Any]:
    """Return the results, made from grades.json as every export is."""
    marks = GradesWriter(rubric)
    marks.add(grade)
    with tempfile.TemporaryDirectory() as folder:   # root's alone
        marks.write(Path(folder))
        saved = read_saved(Path(folder))
    one = student_of(saved, grade.student)
    return results_json(saved, one) | {"output": _output(one)}


def _output(grade: SavedGrade) -> str:
    waiting = [f"{row.max:g} points need manual grading." for row in grade.criteria
               if row.status == "needs_marking"]
    return "\n".join([*grade.notes, *waiting])


def _hand_in(root: Path) -> tuple[HandIn, Roster]:
    path = root / "submission_metadata.json"
    try:
        people, at = of_one(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: not Gradescope's metadata: {error}") from None
    keys = tuple(student_key(one.name) for one in people)
    name = student_key("_".join(keys) or "submission")
    known = [Person(key, one.name, one.email, one.sid)
             for key, one in zip(keys, people, strict=True)]
    item = HandIn(name, (root / "submission",), at, keys if len(keys) > 1 else ())
    return item, Roster(tuple(known))


@contextmanager
def _open(
    options: RunOptions, folder: Path, say: Say
) -> Iterator[tuple[Sandbox, tuple[str, ...]]]:
    sandbox = _sandbox(folder)
    try:
        yield sandbox, ()
    finally:
        sandbox.close()


def _sandbox(folder: Path) -> ProcessSandbox:
    """Return a sandbox that runs students' code as another user, if this process is root."""
    if not _is_root():
        _say("Not root: the student's code runs with the grader's rights and can read all its "
             "files.")
        return ProcessSandbox(scratch=folder)
    from grader.sandbox.unprivileged import UnprivilegedSandbox

    return UnprivilegedSandbox()


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _say(text: str) -> None:
    sys.stderr.write(f"grader: {text}\n")


def _nowhere(*progress: str) -> None:
    """Discard progress messages: nobody watches."""


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
