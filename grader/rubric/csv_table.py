"""Reads the CSV files that people bring: rosters, gradebooks, extensions, groups and marks.

Spreadsheets save the same table in many forms. The reader takes any common separator, a first line
such as `sep=;`, and UTF-8, UTF-16 and the old encodings of Windows and macOS. Names are returned in
Unicode's composed form (NFC), so that one name is one text whatever system wrote it.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Sequence
from pathlib import Path

from grader.errors import UsageError
from grader.text import neutral

_SEPARATORS = ",;\t|"
_MARKS = ((BOM_UTF8, "utf-8-sig"), (BOM_UTF16_LE, "utf-16"), (BOM_UTF16_BE, "utf-16"))
_OLD = ("cp1252", "mac_roman")   # of Excel on Windows and on macOS; the likelier one first
_QUOTES = "\u201c\u201d\u2019"
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?[,;\t| ]*(?:\r\n|\r|\n)', re.IGNORECASE)

Rows = list[tuple[int, dict[str, str]]]


def read_table(
    path: Path, needed: Sequence[str], known: Sequence[str] = (), expected: str = ""
) -> Rows:
    """Return the rows of a CSV file with a header, each with the number of its first line.

    Values are stripped. Empty rows are left out.

    Args:
        path: the file, in any form that a spreadsheet saves.
        needed: columns that the file must have; it may have others.
        known: further columns that the caller reads. A header that differs in case only is taken
            for one of these or of `needed`.
        expected: what the file should be, for the error about a missing column.

    Raises UsageError if the file cannot be read, a needed column is missing or there twice, or a
    row is longer than the header. The message has the file and the line.
    """
    text, skipped, given = _text(path), 0, ""
    if marked := _SEPARATOR_LINE.match(text):
        text, skipped, given = text[marked.end():], 1, marked[1]
    usual = {name.casefold(): name for name in (*needed, *known)}

    def header(separator: str) -> list[str]:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
        first = next((row for row in reader if any(map(str.strip, row))), [])
        return [usual.get(cell.strip().casefold(), cell.strip()) for cell in first]

    def likelihood(separator: str) -> tuple[int, int]:
        found = header(separator)
        return sum(name in found for name in needed), len(found)

    # The names of columns tell the separator: commas in names and numbers do not matter.
    separator = max(dict.fromkeys(given + _SEPARATORS), key=likelihood)
    head = header(separator)
    _check(path, head, needed, expected)
    rows = _parsed(path, text, separator, skipped)[1:]
    return [_row(path, line, head, cells) for line, cells in rows]


def _check(path: Path, head: list[str], needed: Sequence[str], expected: str) -> None:
    for name in needed:
        if name not in head:
            raise UsageError(
                f"{path}:1: no column '{name}'; expected {expected or ', '.join(needed)}, found "
                f"{', '.join(head) or 'nothing'}"
            )
        if head.count(name) > 1:
            raise UsageError(f"{path}:1: {head.count(name)} columns '{name}'; keep one")


def _row(path: Path, line: int, head: list[str], cells: list[str]) -> tuple[int, dict[str, str]]:
    if any(cells[len(head):]):
        raise UsageError(f"{path}:{line}: more fields than the first line has")
    cells += [""] * (len(head) - len(cells))
    return line, {name: _unescaped(cell) for name, cell in zip(head, cells, strict=False) if name}


def _parsed(
    path: Path, text: str, separator: str, skipped: int
) -> list[tuple[int, list[str]]]:
    """Return the rows that are not empty: the numbers of their first lines, and stripped cells."""
    # Strict: a quote without its end would swallow the rest of the class.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    rows: list[tuple[int, list[str]]] = []
    line = 1 + skipped
    try:
        for cells in reader:
            cells = [cell.strip() for cell in cells]
            if any(cells):
                rows.append((line, cells))
            line = reader.line_num + 1 + skipped
    except csv.Error as error:
        raise UsageError(f"{path}:{line}: not a valid CSV file: {error}") from None
    return rows


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    text = _decoded(content)
    if text is None:
        raise UsageError(f"{path}: not a CSV file; save it as 'CSV UTF-8' in your spreadsheet")
    return unicodedata.normalize("NFC", text)


def _decoded(content: bytes) -> str | None:
    """Decode the bytes of a text; None for bytes that are no text, such as a workbook's.

    Libraries that guess encodings need more text than a class list has: charset-normalizer reads
    two names in cp1252 as Chinese. A list of names is UTF-8, or it was saved by an old program.
    """
    for mark, codec in _MARKS:
        if content.startswith(mark):
            return content.decode(codec, "replace")
    for codec, zeros in (("utf-16-le", content[1::2]), ("utf-16-be", content[0::2])):
        if 2 * zeros.count(0) > len(zeros):   # Latin letters, each with a zero
            return content.decode(codec, "replace")
    if 0 in content:
        return None
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return min((content.decode(codec, "replace") for codec in _OLD), key=_oddities)


def _oddities(text: str) -> int:
    """Count what names do not have: symbols at letters, and capitals after small letters."""
    padded = f" {text} "
    return sum(
        one in "\N{REPLACEMENT CHARACTER}\N{LATIN SMALL LETTER F WITH HOOK}"
        or (one not in _QUOTES and not one.isalpha() and (before.isalpha() or after.isalpha()))
        or (one.isupper() and before.isalpha() and (before.islower() or after.islower()))
        for before, one, after in zip(padded, text, padded[2:], strict=False)
        if not one.isascii()
    )


def _unescaped(text: str) -> str:
    """Return a value without the leading quote that keeps a spreadsheet from running it."""
    return text[1:] if text.startswith("'") and neutral(text[1:]) == text else text
