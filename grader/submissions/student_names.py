"""Who handed a file in, by its name, and names that are safe as file names and as modules."""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Container
from dataclasses import dataclass

# lovelaceada_123_456_hw2.py and lovelaceada_LATE_123_456_hw2.py
_CANVAS = re.compile(
    r"(?P<student>[^_]+)_(?P<late>LATE_)?(?P<id>\d+)_(?P<number>\d+)_(?P<file>.+)", re.DOTALL
)
# PENNKEY_hw2_problem1.py, and anything else that begins with PENNKEY_hw2
_COURSE = re.compile(r"(?P<student>.+?)_hw\d+(?![a-z0-9]).*", re.IGNORECASE | re.DOTALL)
# ada_attempt2.zip, adal_hw2_problem1_attempt2.py: what was handed in anew
_ATTEMPT = re.compile(r"_attempt(\d{1,3})(?=[._]|$)", re.IGNORECASE)
_LONGEST_KEY = 48  # characters; a letter may take four bytes of the 255 that a file name may have


@dataclass(frozen=True)
class Owner:
    """The student that a file name tells, and what the file was called before a system renamed it.

    Files with the same `group` are of one student; None where the name says nothing of that.
    `number` is Canvas's for the file, 0 elsewhere; `late` is what Canvas says, which tells no time.
    """

    student: str
    file: str
    group: str | None = None
    attempt: int = 1
    number: int = 0
    late: bool = False


def owner(name: str) -> Owner:
    """Whose file `name` is: by Canvas's pattern, by the course's, else by the name itself."""
    if found := _CANVAS.fullmatch(name):
        late, number = found["late"] is not None, int(found["number"])
        return Owner(found["student"], found["file"], f"canvas {found['id']}", 1, number, late)
    marked = _ATTEMPT.search(name)
    attempt = int(marked[1]) if marked else 1
    told = _ATTEMPT.sub("", name, count=1)
    if found := _COURSE.fullmatch(told):
        return Owner(found["student"], name, f"course {found['student'].casefold()}", attempt)
    return Owner(told or name, name, None, attempt)


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
