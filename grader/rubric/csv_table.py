"""Reads CSV files that instructors write: rosters, lists of extensions and of groups."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from grader.errors import UsageError
from grader.text import neutral


def read_table(path: Path, needed: Sequence[str]) -> list[tuple[int, dict[str, str]]]:
    """The rows of a CSV file with a header line, each with the number of its line.

    Values are stripped; rows with nothing but empty values are left out.

    Args:
        path: A file in UTF-8, with or without a byte-order mark.
        needed: Columns that the file must have; it may have others.

    Raises:
        UsageError: The file cannot be read, a column is missing, or a row is longer than the
            header. The message names the file and the line.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restval="")
            head = [name.strip() for name in reader.fieldnames or ()]
            reader.fieldnames = head
            rows = [(reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path}: cannot be read: {error}") from None
    missing = [name for name in needed if name not in head]
    if missing:
        raise UsageError(
            f"{path}:1: no column '{missing[0]}'; expected {', '.join(needed)}, found "
            f"{', '.join(head) or 'nothing'}"
        )
    for line, row in rows:
        if None in row:
            raise UsageError(f"{path}:{line}: more fields than the first line has")
    stripped = ((line, {key: _unescaped(text) for key, text in row.items()}) for line, row in rows)
    return [(line, row) for line, row in stripped if any(row.values())]


def _unescaped(value: str | None) -> str:
    """A value without the leading quote that keeps a spreadsheet from running it as a formula."""
    text = (value or "").strip()
    return text[1:] if text.startswith("'") and neutral(text[1:]) == text else text
