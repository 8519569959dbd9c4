"""Renders the class report as one self-contained HTML page: style, script and plots are inside.

The page's content-security policy allows one style and one script, named by their hashes, and no
address. A student's name and the number that stands for it are separate elements, so a stylesheet
can hide the names before anything is painted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from grader.reports.class_report.drawing import (
    Dot,
    Histogram,
    Line,
    Scatter,
    draw_histogram,
    draw_trainings,
    tabulate_histogram,
)
from grader.reports.class_report.rows import FlagKind
from grader.reports.class_report.summarizing import ClassReport
from grader.reports.student.page import number
from grader.reports.student.render import PictureStore, drawn, render_page
from grader.reports.student.status_words import STATE_WORDS, STATUS_SYMBOLS, STATUS_WORDS
from grader.rubric.local_time import moment
from grader.rubric.model import Threshold
from grader.text import counted, plain_line

_TEMPLATES = Path(__file__).parent / "templates"
_WORD = re.compile(r"[^\W_]+(?:[.-]+[^\W_]+)*")   # `_` stands between a name and what follows it
_SHORT = {**STATUS_WORDS, "not_scored": "not scored"}

# By kind of concern: its heading and what to do about it.
CONCERNS: dict[FlagKind, tuple[str, str]] = {
    "not_scored": (
        "Not scored",
        "The grader or the machine failed; no student loses points. Fix the cause named below and "
        "run the same command again.",
    ),
    "slow": (
        "Trainings that did not finish in time",
        "Each was repeated with nothing else running. Decide by how far it got, or raise the "
        "profile's 'seconds' and run the same command again.",
    ),
    "doubt": (
        "Doubtful results",
        "The grader does not decide these: read the code and mark it by hand. grades.json has the "
        "points that it would earn.",
    ),
    "remark": (
        "Suspicious code",
        "This code does what homework rarely needs and what could change what the grader observes. "
        "Criteria that rest on it wait for a person. Read the lines named below.",
    ),
    "disagreement": (
        "Reported accuracy differs from measured accuracy",
        "The grader's own figure counts. Find out where the reported one comes from.",
    ),
    "waiting": (
        "Needs manual grading", "Written answers, and results that a check leaves to a person."
    ),
    "caution": (
        "Cautions about the training",
        "They cost no points by themselves. Common ones may be worth a word in class.",
    ),
    "note": ("Notes on submissions", "The students read these notes on their pages."),
}


def render(report: ClassReport, now: datetime, pictures: PictureStore | None = None) -> str:
    """The HTML of the page.

    Args:
        now: the time that the page names as its date.
        pictures: plots found here are not drawn again.
    """
    scatter = Scatter(
        tuple(Dot(report.aliases[row.student], row.training.seconds, row.training.accuracy)
              for row in report.trained if row.training is not None),
        tuple(Line(one.accuracy, _share_of_points(one)) for one in report.thresholds),
    )
    names = report.names
    histogram = Histogram(report.bins, report.mean, report.median) if report.rows else None
    return render_page(
        "report.html.j2", _TEMPLATES,
        report=report, now=now, moment=moment, number=number, percent=_percent, signed=_signed,
        histogram=drawn(pictures, draw_histogram)(histogram) if histogram else (),
        bins=tabulate_histogram(report.bins),
        dots=drawn(pictures, draw_trainings)(scatter),
        criteria={one.criterion.id: one.criterion for one in report.criteria},
        concerns=CONCERNS, words=_SHORT, symbols=STATUS_SYMBOLS, states=STATE_WORDS,
        masked=_masking([*report.aliases, *_words(row.name for row in report.rows)]),
        name=lambda student: plain_line(names.get(student, student), 110),
        counted=counted,
        page_of=lambda student: f"feedback/{quote(student, safe='')}.html",
    )  # fmt: skip


def _masking(students: Iterable[str]) -> Callable[[str], str]:
    """A function that replaces every student's name by `…`, even where it is an ordinary word."""
    names = {student.casefold() for student in students}
    return lambda text: _WORD.sub(
        lambda found: "…" if found[0].casefold() in names else found[0], text
    )


def _words(names: Iterable[str]) -> Iterable[str]:
    """The words of names; those of one or two letters may be anything."""
    return (word for name in names for word in _WORD.findall(name) if len(word) > 2)


def _share_of_points(threshold: Threshold) -> str:
    return "full points" if threshold.share == 1 else f"{_percent(threshold.share)} of the points"


def _percent(share: float) -> str:
    return f"{share:.0%}".replace("%", " %")


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "\N{MINUS SIGN}")
