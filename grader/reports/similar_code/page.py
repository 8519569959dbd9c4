"""Renders `similar.html`: both sides of each pair, with the matching lines marked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from grader.reports.similar_code.pairs import MatchedFile, Side, SimilarCode, names_of
from grader.reports.student.render import render_page
from grader.rubric.local_time import moment
from grader.submissions.code_tokens import Code
from grader.text import counted, plain, plain_line

MOST_PAIRS = 100
_TEMPLATES = Path(__file__).parent / "templates"
_AROUND = 3   # lines that are shown before and after a match
_WIDEST = 400   # characters of a line
_LONGEST, _MOST_FILES = 1500, 50   # lines of a file, files of a side


@dataclass(frozen=True)
class Line:
    """A line of code, or a gap: `number` is 0 and `text` says how many lines are left out."""

    number: int
    text: str
    matches: bool = False


@dataclass(frozen=True)
class ShownFile:
    """A file of one side."""

    name: str
    lines: tuple[Line, ...]


def render_similar(
    found: SimilarCode, codes: Mapping[str, Code], names: Mapping[str, str], title: str
) -> str:
    """Return the page's HTML.

    Args:
        found: The pairs.
        codes: The code of each submission.
        names: Names of students by key.
        title: The homework's title.
    """
    return render_page(
        "similar.html.j2", _TEMPLATES,
        found=found, pairs=found.pairs[:MOST_PAIRS], title=title, counted=counted,
        at=moment(datetime.fromisoformat(found.at)),
        who=lambda side: names_of(side.students, dict(names)),
        percent=lambda share: f"{share:.0%}".replace("%", " %"),
        files=lambda side: _files(side, codes[side.submission]),
    )  # fmt: skip


def _files(side: Side, code: Code) -> list[ShownFile]:
    sources = {one.name: one.source for one in code.files}
    return [
        ShownFile(plain_line(one.name, 200), _cut(tuple(_lines(sources[one.name], one))))
        for one in side.files[:_MOST_FILES]
    ]


def _cut(lines: tuple[Line, ...]) -> tuple[Line, ...]:
    if len(lines) <= _LONGEST:
        return lines
    return (*lines[:_LONGEST], Line(0, "… the rest is in the file"))


def _lines(source: str, matched: MatchedFile) -> Iterator[Line]:
    """Yield matching lines with those around them; longer stretches between become one line."""
    lines = source.split("\n")
    marked = {number for first, last in matched.lines for number in range(first, last + 1)}
    shown = {near for number in marked for near in range(number - _AROUND, number + _AROUND + 1)}
    gap = 0
    for number, text in enumerate([*lines, ""], start=1):
        is_end = number > len(lines)
        if gap and (number in shown or is_end):
            yield Line(0, f"… {counted(gap, 'line')}")
            gap = 0
        if is_end:
            return
        if number in shown:
            yield Line(number, plain(text, _WIDEST).replace("\n", " "), number in marked)
        else:
            gap += 1
