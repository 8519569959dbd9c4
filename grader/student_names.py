"""Who handed a file in, by its name, and names that are safe as file names and as modules."""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Container
from dataclasses import dataclass

# lovelaceada_123_456_hw2.py and lovelaceada_LATE_123_456_hw2.py
_CANVAS = re.compile(r"(?P<student>[^_]+)_(?:LATE_)?(?P<id>\d+)_\d+_(?P<file>.+)", re.DOTALL)
# PENNKEY_hw2_problem1.py, and anything else that begins with PENNKEY_hw2
_COURSE = re.compile(r"(?P<student>.+?)_hw\d+(?![a-z0-9]).*", re.IGNORECASE | re.DOTALL)
_LONGEST_KEY = 48  # characters; a letter may take four bytes of the 255 that a file name may have


@dataclass(frozen=True)
class Owner:
    """The student that a file name tells, and what the file was called before a system renamed it.

    Files with the same `group` are one submission; None where the name says nothing of that.
    """

    student: str
    file: str
    group: str | None = None


def owner(name: str) -> Owner:
    """Whose file `name` is: by Canvas's pattern, by the course's, else by the name itself."""
    if found := _CANVAS.fullmatch(name):
        return Owner(found["student"], found["file"], f"canvas {found['id']}")
    if found := _COURSE.fullmatch(name):
        return Owner(found["student"], name, f"course {found['student'].casefold()}")
    return Owner(name, name)


def student_key(name: str, taken: Container[str] = frozenset()) -> str:
    """`name` as a file name: letters, digits, '.', '_' and '-', and not one that is taken.

    `taken` holds casefolded keys. Two who share a name become NAME and NAME-2, in the order they
    are asked for.
    """
    text = unicodedata.normalize("NFKC", name)
    text = "".join(x if x.isalnum() or x in "._-" else "-" for x in text)
    # No leading dot or dash: not hidden, not an option, not a formula in a spreadsheet.
    base = re.sub(r"-{2,}", "-", text).strip("._-")[:_LONGEST_KEY].rstrip("._-") or "unnamed"
    key, number = base, 1
    while key.casefold() in taken:
        number += 1
        key = f"{base}-{number}"
    return key


def module_name(name: str) -> str:
    """`name` as an identifier, so that a folder of that name can be imported as a package."""
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    text = re.sub(r"\W", "_", ascii_name)[:_LONGEST_KEY]
    if not text.strip("_"):
        return "submission"
    return f"_{text}" if text[0].isdigit() or keyword.iskeyword(text) else text
