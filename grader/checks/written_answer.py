"""Check `written`: a written answer is blank, or a person marks it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

from pydantic import Field

from grader.checks.answer_key import AnswerKey, EvalInputs
from grader.checks.check import Check, Work, needs_marking, not_attempted
from grader.records import Verdict
from grader.rubric.model import Criterion, Limits, Model
from grader.submissions.left_out import shown


class Params(Model):
    """Which written answer is marked."""

    answer: str = Field(min_length=1, description="the part whose answer is read, such as 'a'")


def ask(criterion: Criterion, inputs: EvalInputs, limits: Limits) -> tuple[()]:
    """No questions: the answer is read on the host."""
    return ()


def judge(criterion: Criterion, work: Work, key: AnswerKey) -> Verdict:
    """A person marks the answer; a blank one earns nothing, unless an unread file may hold it."""
    part = criterion.params.answer  # type: ignore[attr-defined]  # validated as Params by the rubric
    asked = f"Your written answer to part ({part})."
    submission = work.submission
    text = answer_to(criterion.part, part, submission.answers)
    if text.strip():
        reason = f"{len(text.split())} words, waiting to be marked by a person."
        return needs_marking(criterion, reason, asked=asked, seen={"answer": text})
    pdf = submission.answers.get("pdf")
    if pdf:
        reason = f"The answers are in {pdf}, which a person reads."
        seen = {"pdf": pdf, "sha256": _digest(submission.folder / pdf)}
        return needs_marking(criterion, reason, asked=asked, seen=seen)
    if submission.unread:
        names = ", ".join(map(shown, submission.unread[:3]))
        reason = f"No part ({part}) was found by name. A person looks for it in {names}."
        digests = {name: _digest(submission.folder / name) for name in submission.unread}
        return needs_marking(criterion, reason, asked=asked, seen={"unread": digests})
    return not_attempted(
        criterion,
        f"part ({part}) is blank. No answer was found in a text, Word, LaTeX or Markdown file, in "
        "a notebook, or in comments and docstrings.",
        asked=asked,
        next_step=f"Write it under a heading '## ({part})' in answers.md.",
    )


def answer_to(where: str, part: str, answers: Mapping[str, str]) -> str:
    """Return the answer to a part; `where` is the criterion's part, such as "2(a)"."""
    number = re.match(r"\D*(\d{1,3})", where)
    problem = "" if number is None or int(number[1]) == 1 else str(int(number[1]))
    return answers.get(f"{problem}{part}", "") or answers.get(part, "")


def _digest(path: Path) -> str:
    """SHA-256 of a file, so that a mark belongs to its content; "" if it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


CHECK = Check("written", Params, ask, judge, by_hand=True)
