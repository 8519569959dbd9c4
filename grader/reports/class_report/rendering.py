"""Report -> one page of HTML that needs nothing beside it: style, script and pictures are in it.

Its policy allows the one style and the one script whose hashes it names, and no address. Names are
in elements of their own, beside the number that stands for them, so that a stylesheet can hide one
of the two before anything is painted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from grader.reports.class_report.drawing import (
    Dot,
    Marks,
    draw_marks,
    draw_trainings,
    tabulate_marks,
)
from grader.reports.class_report.rows import FlagKind
from grader.reports.class_report.summarizing import Report
from grader.reports.student.page import number
from grader.reports.student.render import Pictures, drawn, render_page
from grader.reports.student.status_words import STATE_WORDS, STATUS_SYMBOLS, STATUS_WORDS
from grader.rubric.local_time import moment
from grader.text import plain_line

_TEMPLATES = Path(__file__).parent / "templates"
_WORD = re.compile(r"[^\W_]+(?:[.-]+[^\W_]+)*")   # `_` stands between a name and what follows it
_SHORT = {**STATUS_WORDS, "not_scored": "not scored"}

# Of each kind of concern, its heading and what to do about it.
CONCERNS: dict[FlagKind, tuple[str, str]] = {
    "not_scored": (
        "Could not be scored",
        "The grader or the machine failed; nobody loses points by it. Mend what is named and run "
        "the same command again.",
    ),
    "doubt": (
        "The grader has doubts",
        "It will not decide: look at the code, and mark it. grades.json says what it would earn.",
    ),
    "remark": (
        "Reaches for what could forge a report",
        "Honest homework seldom needs it. Read the places named.",
    ),
    "disagreement": (
        "Reports more, or less, than the grader computes",
        "The grader's own figure counts; find out where the other comes from.",
    ),
    "waiting": ("Waiting to be marked", "Written answers, and what a check leaves to a person."),
    "caution": (
        "Cautions from watching the training",
        "They cost nothing by themselves; common ones may be worth a word in class.",
    ),
    "note": ("Notes on submissions", "What students are told beside their marks."),
}


def render(report: Report, now: datetime, pictures: Pictures | None = None) -> str:
    """The page as of `now`; what `pictures` has is not drawn again."""
    dots = [
        Dot(report.aliases[row.student], row.training.seconds, row.training.accuracy)
        for row in report.trained if row.training is not None
    ]
    marks = Marks(report.bins, report.mean, report.median) if report.rows else None
    return render_page(
        "report.html.j2", _TEMPLATES,
        report=report, now=now, moment=moment, number=number, percent=_percent, signed=_signed,
        marks=drawn(pictures, draw_marks)(marks) if marks else (),
        bins=tabulate_marks(report.bins),
        dots=drawn(pictures, draw_trainings)(dots),
        criteria={one.criterion.id: one.criterion for one in report.items},
        concerns=CONCERNS, words=_SHORT, symbols=STATUS_SYMBOLS, states=STATE_WORDS,
        masked=_masking(report.aliases),
        name=lambda student: plain_line(student, 100),
        page_of=lambda student: f"feedback/{quote(student, safe='')}.html",
    )  # fmt: skip


def _masking(students: Iterable[str]) -> Callable[[str], str]:
    """Leaves every name out, also where it is an ordinary word in this text."""
    names = {student.casefold() for student in students}
    return lambda text: _WORD.sub(
        lambda found: "…" if found[0].casefold() in names else found[0], text
    )


def _percent(share: float) -> str:
    return f"{share:.0%}".replace("%", " %")


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "\N{MINUS SIGN}")
