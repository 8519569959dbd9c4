"""Finds a file's owner by its name, and makes names that are safe as file and module names."""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Container
from dataclasses import dataclass

from grader.text import folded

# lovelaceada_123_456_hw2.py and lovelaceada_LATE_123_456_hw2.py
_CANVAS = re.compile(
    r"(?P<student>[^_]+)_(?P<late>LATE_)?(?P<id>\d+)_(?P<number>\d+)_(?P<file>.+)", re.DOTALL
)
# brocktessa_14_text.html and brocktessa_LATE_14_link.html: typed into Canvas, without a file
_CANVAS_ENTRY = re.compile(
    r"(?P<student>[^_]+)_(?P<late>LATE_)?(?P<id>\d+)_(?:text|link)\.html?", re.DOTALL
)
# PENNKEY_hw2_problem1.py, and anything else that begins with PENNKEY_hw2
_COURSE = re.compile(r"(?P<student>.+?)_hw\d+(?![a-z0-9]).*", re.IGNORECASE | re.DOTALL)
# ada_attempt2.zip, adal_hw2_problem1_attempt2.py: a later attempt
_ATTEMPT = re.compile(r"_attempt(\d{1,3})(?=[._]|$)", re.IGNORECASE)
_LONGEST_KEY = 48  # characters; a letter may take four bytes of the 255 that a file name may have


@dataclass(frozen=True)
class Owner:
    """The student in a file name, and the file's name before a system renamed it.

    Attributes:
        group: the same for all files of one student; None if the name has no known pattern.
        number: Canvas's number of the file; 0 if it is not from Canvas, or a text or a link that
            was typed into Canvas.
        late: Canvas marks it as late.
    """

    student: str
    file: str
    group: str | None = None
    attempt: int = 1
    number: int = 0
    late: bool = False


def owner(name: str) -> Owner:
    """Return the owner by Canvas's pattern, by the course's, or else by the whole name."""
    name = unicodedata.normalize("NFC", name)
    if found := _CANVAS_ENTRY.fullmatch(name):
        late = found["late"] is not None
        return Owner(found["student"], name, f"canvas {found['id']}", late=late)
    if found := _CANVAS.fullmatch(name):
        late, number = found["late"] is not None, int(found["number"])
        return Owner(found["student"], found["file"], f"canvas {found['id']}", 1, number, late)
    marked = _ATTEMPT.search(name)
    attempt = int(marked[1]) if marked else 1
    plain = _ATTEMPT.sub("", name, count=1)
    if found := _COURSE.fullmatch(plain):
        return Owner(found["student"], name, f"course {folded(found['student'])}", attempt)
    return Owner(plain or name, name, None, attempt)


def is_typed(name: str) -> bool:
    """Return True for a text or a link that a student typed into Canvas."""
    return _CANVAS_ENTRY.fullmatch(name) is not None


def student_key(name: str, taken: Container[str] = frozenset()) -> str:
    """Return `name` as a file name of letters, digits, '.', '_' and '-' that is not taken.

    `taken` holds folded keys. The second student of the same name becomes NAME-2.
    """
    text = unicodedata.normalize("NFKC", name)
    text = "".join(x if x.isalnum() or x in "._-" else "-" for x in text)
    # No leading dot or dash: not hidden, not an option, not a formula in a spreadsheet.
    base = re.sub(r"-{2,}", "-", text).strip("._-")[:_LONGEST_KEY].rstrip("._-") or "unnamed"
    key, number = base, 1
    while folded(key) in taken:
        number += 1
        key = f"{base}-{number}"
    return key


def module_name(name: str) -> str:
    """Return `name` as an identifier, so that a folder of that name can be imported."""
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    text = re.sub(r"\W", "_", ascii_name)[:_LONGEST_KEY]
    if not text.strip("_"):
        return "submission"
    return f"_{text}" if text[0].isdigit() or keyword.iskeyword(text) else text
