"""Text that a student controls, made harmless to look at: the first door of all that is shown.

What comes out holds printable characters, line feeds and tabs: no escape sequences that colour,
link or retitle a terminal, no characters that turn the direction of the text or hide in it, no
pile of accents that paints over its neighbours, no half of a surrogate pair. What a place further
on reads as code (HTML, Markdown) is escaped there; for the cells of a spreadsheet it is `neutral`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

CUT = " […]"

_ESCAPE_SEQUENCES = re.compile(
    r"(?:\x1b\]|\x9d)[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?"  # OSC: titles, links, clipboard
    r"|(?:\x1b[PX^_]|[\x90\x98\x9e\x9f])[^\x1b\x9c\n]*(?:\x1b\\|\x9c)?"  # DCS, SOS, PM, APC
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"  # CSI: colours, cursor
    r"|\x1b[ -/]*[0-~]?"  # the rest
)
_OVERPRINTED = re.compile(r"[^\n]*\r(?=[^\r\n])")
_NEWLINES = re.compile(r"\r*\n|[\u2028\u2029\x85]")
# Where a spreadsheet may take text for a formula (OWASP, "CSV injection"), the full-width forms of
# East Asian input included: at the start, and after what separates fields in other countries, where
# the quotes of a field do not hold it together.
_FORMULA = re.compile("(^|[;|])(?=[\\s\"'\u200c\u200d]*[=+\\-@\uff1d\uff0b\uff0d\uff20])")
_JOINERS = "\u200c\u200d"  # Persian names and family emoji are spelt with them
_ACCENTS = 4  # on one letter; no script that people write needs more


def plain(text: str, limit: int = 4000) -> str:
    """The text as it may be shown, cut off after `limit` characters."""
    cut = len(text) > limit
    if not cut and text.isascii() and text.isprintable():
        return text   # as nearly all of it is
    text = _ESCAPE_SEQUENCES.sub("", text[:limit])
    text = _NEWLINES.sub("\n", text)
    text = _OVERPRINTED.sub("", text).replace("\r", "")  # a progress bar: its last state
    return "".join(_printable(text)) + (CUT if cut else "")


def plain_line(text: str, limit: int = 400) -> str:
    """The same on one line: for names, titles and cells."""
    return " ".join(plain(text, limit).split())


def neutral(text: str) -> str:
    """A field on one line that no spreadsheet runs as a formula."""
    return _FORMULA.sub(r"\1'", plain_line(text, 4000))


def plain_tail(text: str, lines: int = 40, width: int = 300) -> str:
    """The end of a long output: its last lines, each cut off after `width` characters."""
    last = text.rstrip("\r\n").rsplit("\n", lines)[-lines:]
    return "\n".join(plain(line.rstrip("\r").rpartition("\r")[2], width) for line in last)


def _printable(text: str) -> Iterator[str]:
    accents = 0
    for character in text:
        if character.isascii() and (character.isprintable() or character in "\n\t"):
            accents = 0
            yield character
            continue
        kind = unicodedata.category(character)
        if kind == "Cf" and character not in _JOINERS:
            continue   # left out, so the accents on both its sides are on one letter
        accents = accents + 1 if kind in ("Mn", "Me") else 0
        if kind in ("Cc", "Cs", "Cn", "Co"):
            yield "\N{REPLACEMENT CHARACTER}"
        elif accents <= _ACCENTS:
            yield character


def counted(number: int, noun: str) -> str:
    """Return the number with its noun: "1 submission", "2 submissions"."""
    return f"{number} {noun}" + "s" * (number != 1)
