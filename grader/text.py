"""Makes text from students safe to show in terminals, pages and spreadsheets.

The result has printable characters, line feeds and tabs only: no terminal escape sequences, no
characters that reverse or hide text, no piles of accents, no lone surrogates. HTML and Markdown are
escaped where they are written; `neutral` is for cells of a spreadsheet. `write_text` writes a file
of text in one step, so that no reader finds half of it.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path

CUT = " […]"

_ESCAPE_SEQUENCES = re.compile(
    r"(?:\x1b\]|\x9d)[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?"  # OSC: titles, links, clipboard
    r"|(?:\x1b[PX^_]|[\x90\x98\x9e\x9f])[^\x1b\x9c\n]*(?:\x1b\\|\x9c)?"  # DCS, SOS, PM, APC
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"  # CSI: colours, cursor
    r"|\x1b[ -/]*[0-~]?"  # the rest
)
_NEWLINES = re.compile(r"[\u2028\u2029\x85]")
# Where a spreadsheet may read text as a formula (OWASP, "CSV injection"): at the start, and after
# the separators of other countries, which split a quoted field. Full-width forms count, too.
_FORMULA = re.compile("(^|[;|])(?=[\\s\"'\u200c\u200d]*[=+\\-@\uff1d\uff0b\uff0d\uff20])")
_JOINERS = "\u200c\u200d"  # Persian names and family emoji are spelt with them
_ACCENTS = 4  # on one letter; no script that people write needs more


def plain(text: str, limit: int = 4000) -> str:
    """Return the text without unsafe characters, cut off after `limit` characters."""
    cut = len(text) > limit
    if not cut and text.isascii() and text.isprintable():
        return text   # the usual case
    text = _NEWLINES.sub("\n", _ESCAPE_SEQUENCES.sub("", text[:limit]))
    text = "\n".join(map(_last_state, text.split("\n")))
    return "".join(_printable(text)) + (CUT if cut else "")


def plain_line(text: str, limit: int = 400) -> str:
    """Return the text as `plain` does, on one line; for names, titles and cells."""
    return " ".join(plain(text, limit).split())


def neutral(text: str) -> str:
    """Return the text on one line, quoted so that no spreadsheet runs it as a formula."""
    return _FORMULA.sub(r"\1'", plain_line(text, 4000))


def plain_tail(text: str, lines: int = 40, width: int = 300) -> str:
    """Return the last lines of an output, each cut off after `width` characters."""
    last = text.rstrip("\r\n").rsplit("\n", lines)[-lines:]
    return "\n".join(plain(_last_state(line), width) for line in last)


def _last_state(line: str) -> str:
    """Return what a terminal shows of a line that was printed over: a progress bar's last state."""
    return line.rstrip("\r").rpartition("\r")[2]


def _printable(text: str) -> Iterator[str]:
    accents = 0
    for character in text:
        if character.isascii() and (character.isprintable() or character in "\n\t"):
            accents = 0
            yield character
            continue
        kind = unicodedata.category(character)
        if kind == "Cf" and character not in _JOINERS:
            continue   # dropped without a reset, so accents on both sides of it count together
        accents = accents + 1 if kind in ("Mn", "Me") else 0
        if kind in ("Cc", "Cs", "Cn", "Co"):
            yield "\N{REPLACEMENT CHARACTER}"
        elif accents <= _ACCENTS:
            yield character


def folded(name: str) -> str:
    """Return the form in which names are compared: without case, in one of Unicode's spellings.

    A letter with an accent is one character on Windows and two on macOS.
    """
    composed = unicodedata.normalize("NFKC", name).casefold()
    return unicodedata.normalize("NFKC", composed).strip()


def counted(number: int, noun: str) -> str:
    """Return the number with its noun: "1 submission", "2 submissions"."""
    return f"{number} {noun}" + "s" * (number != 1)


def write_text(path: Path, pieces: Iterable[str]) -> None:
    """Write a new file beside `path` and rename it to `path`.

    Raises OSError, and leaves the old file, if that fails.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with beside.open("w", encoding="utf-8", newline="") as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
