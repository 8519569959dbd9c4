"""Reads a submission's code from the results folder, and finds the lines that a verdict names."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from grader.records import Verdict
from grader.run.results_folder import kept_code
from grader.text import plain_line

_PLACE = re.compile(
    r"(?:(?P<file>[^\s\"'`(]+\.(?:py|ipynb))\"?, )?(?:cell (?P<cell>\d{1,5}), )?"
    r"line (?P<line>\d{1,6})\b"
)
_CELL = re.compile(r"# %% \[cell (\d+)\]")   # a notebook's code, see grader.submissions.notebook
_LONGEST_CODE = 80   # characters of a line that a comment quotes


@dataclass(frozen=True)
class SourceFile:
    """A file of a submission's code; a notebook's is the Python that it was converted to."""

    name: str
    lines: tuple[str, ...]

    def place(self, line: int) -> str:
        """The line as students know it: `hw2.py, line 12`, or `hw2.py, cell 3, line 2`."""
        for index in range(line - 1, -1, -1):
            if mark := _CELL.fullmatch(self.lines[index]):
                return f"{self.name}, cell {mark[1]}, line {line - index - 1}"
        return f"{self.name}, line {line}"

    def quoted(self, line: int) -> str:
        """The line's text for a comment on it, shortened, on one line and without backticks."""
        return plain_line(self.lines[line - 1].replace("`", "'"), _LONGEST_CODE)

    def line_of(self, cell: int, line: int) -> int:
        """The number in the file of a line in a notebook's cell; 0 if there is no such cell."""
        marks = [index for index, text in enumerate(self.lines, start=1)
                 if (mark := _CELL.fullmatch(text)) and int(mark[1]) == cell]
        return marks[0] + line if marks else 0


def code_of(out: Path, digest: str) -> tuple[SourceFile, ...]:
    """The code of the submission with this digest; empty if the results have no copy of it."""
    try:
        texts = json.loads(kept_code(out, digest).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ()
    return source_files(texts)


def source_files(texts: Mapping[str, str]) -> tuple[SourceFile, ...]:
    """Split the files' texts into the lines that Python counts."""
    return tuple(
        SourceFile(name, tuple(re.split(r"\r\n|\r|\n", text.removesuffix("\n"))))
        for name, text in texts.items()
    )


def lines_named(verdict: Verdict, files: Sequence[SourceFile]) -> list[list[int]]:
    """The lines of each file that a verdict names, such as `hw2.py, line 12`, in order.

    A line without a file is the only file's, if there is only one.
    """
    found: list[set[int]] = [set() for _ in files]
    for text in _texts({**asdict(verdict), "asked": ""}):
        for place in _PLACE.finditer(text):
            wanted = (place["file"] or "").replace(".ipynb", ".py")
            for index, file in enumerate(files):
                if file.name.endswith(wanted) if wanted else len(files) == 1:
                    line = int(place["line"])
                    line = file.line_of(int(place["cell"]), line) if place["cell"] else line
                    if 1 <= line <= len(file.lines):
                        found[index].add(line)
    return [sorted(one) for one in found]


def _texts(value: Any) -> Iterator[str]:
    """All strings inside plain data."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one)
