"""Records what a student's code prints, and reads the numbers in it.

Printed counts are the last resort, for code that keeps its counts in no variable. A number gets the
text beside it as its name; the host decides which numbers are an answer.
"""

from __future__ import annotations

import re
import sys
from collections import deque
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TextIO

from grader.worker.values.noise import without_summaries, without_values

MAX_CHARACTERS = 200_000   # kept of the beginning, and as many of the end
MAX_ROWS = 1000            # of the beginning and the end
_NAME = 80                 # most characters of a name
_LEAST, _MOST = 8, 1000    # rows of a table of layers
_OWN = {"weight", "bias"}

# A whole number, also with separators, that is no part of a word, decimal, range or ordinal.
_NUMBER = re.compile(
    r"(?<![\w.#-])(?:\d{1,3}(?:[,_']\d{3}){1,5}(?!\d)|\d{1,18})(?!\w)(?!\.\d)(?!-\d)"
)
_WORD = re.compile(r"[A-Za-z_][\w.]*(?:-\d+)?")
_LETTER = re.compile(r"[^\W\d_]")
_COLOURS = re.compile(r"\x1b\[[\d;]*m")
_WRAPPED = re.compile(r"\b(?:tensor|array|np\.u?int\d+|u?int\d+)\(")
_SHAPE = re.compile(
    r"(?:torch\.Size\()?(?:\[\s*-?\d+\s*(?:,\s*-?\d+\s*)*\]|\(\s*-?\d+\s*,\s*\)"
    r"|\(\s*-?\d+\s*(?:,\s*-?\d+\s*)+,?\s*\))\)?"
)
# "Group 1:" and "2. " number the text that follows and count nothing.
_ORDINAL = re.compile(
    r"^(\s*[(\[]?)(?=\d{1,2}[.):\]]\s)|\b((?:group|set|list|part|category|type|kind)\s?)(?=\d\b)",
    re.I,
)
_OTHER_UNIT = re.compile(
    r"\s*(?:%|(?:percent|layers?|tensors?|modules?|blocks?|epochs?|batches|images|[KMG]i?B|m?s|"
    r"sec(?:onds)?)\b)"
)


class RecordedOutput:
    """A text stream that passes everything on and keeps the beginning and the end of it."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self._begin: list[str] = []
        self._end: deque[str] = deque()
        self._sizes = [0, 0]

    def write(self, text: str) -> int:
        if self._sizes[0] < MAX_CHARACTERS:
            self._begin.append(text[:MAX_CHARACTERS])
            self._sizes[0] += len(text)
        else:
            self._end.append(text[-MAX_CHARACTERS:])
            self._sizes[1] += len(self._end[-1])
            while self._sizes[1] > 2 * MAX_CHARACTERS:
                self._sizes[1] -= len(self._end.popleft())
        return self.stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    @property
    def text(self) -> str:
        return "".join([*self._begin, *self._end])


@contextmanager
def recording() -> Iterator[RecordedOutput]:
    """Record what is printed to `sys.stdout` meanwhile."""
    output = RecordedOutput(sys.stdout)
    sys.stdout = output
    try:
        yield output
    finally:
        sys.stdout = output.stream


@dataclass(frozen=True)
class _Line:
    """A line of output: its numbers, the text before each, and the text after the last."""

    number: int
    values: tuple[int, ...]
    texts: tuple[str, ...]

    @property
    def is_bare(self) -> bool:
        """Tell whether the line has numbers and no letters."""
        return bool(self.values) and not any(map(_LETTER.search, self.texts))


def numbers(text: str) -> list[dict[str, Any]]:
    """Whole numbers of an output, each named by the text beside it.

    The name is the text before a number, or after it in a line that begins with a number. For a
    line of numbers only it is the line above; "" if there is none. `line` counts the output's
    lines without the empty ones, from 1.
    """
    plain = without_summaries(without_values(text))
    lines = [_read(number, line) for number, line in enumerate(_lines(plain), 1)]
    rows = []
    for index, line in enumerate(lines):
        above = lines[index - 1] if index else _Line(0, (), ("",))
        below = lines[index + 1] if index + 1 < len(lines) else above
        for name, value in zip(_names(line, above, below), line.values, strict=True):
            rows.append({"frame": 0, "name": name, "value": value, "cell": 0,
                         "line": line.number, "printed": True})
    return rows if len(rows) <= MAX_ROWS else [*rows[: MAX_ROWS // 2], *rows[-MAX_ROWS // 2 :]]


def _names(line: _Line, above: _Line, below: _Line) -> list[str]:
    first, *others = line.texts
    if line.is_bare:
        title = "" if above.values else above.texts[0]
        if len(line.values) == 1:
            return ["" if below.is_bare else _tidy(title)]
        return _heads(title, len(line.values)) or ["" for _ in line.values]
    if not any(map(_LETTER.search, others)):
        heads = _heads(first, len(line.values))
        if heads:
            return heads
    before = bool(_LETTER.search(first))
    return [_tidy(text) for text in (line.texts[:-1] if before else others)]


def _heads(text: str, number: int) -> list[str]:
    """Headings for `number` columns, such as `bn, bias, rest`; [] if the text has another number.
    """
    for between in (r"\s{2,}|\s*[|,;\t/]\s*", r"\s+"):
        heads = [_tidy(head) for head in re.split(between, text.strip(" \t|:="))]
        if len(heads) == number > 1 and all(heads):
            return heads
    return []


def _tidy(text: str) -> str:
    return text.strip(" \t:=-|,;/([{}])'\"*")[-_NAME:] if _LETTER.search(text) else ""


def _lines(text: str) -> list[str]:
    plain = _WRAPPED.sub("(", _COLOURS.sub("", text))
    return [line[:20_000] for line in re.split(r"[\r\n]+", plain) if line.strip()]


def _read(number: int, line: str) -> _Line:
    line = _ORDINAL.sub(lambda found: f"{found[1] or found[2] or ''}#", line)
    without = _SHAPE.sub(" ", line)
    if _NUMBER.search(without):
        line = without   # a line of shapes only is kept: it may be a list of counts
    values, texts, end = [], [], 0
    for found in _NUMBER.finditer(line):
        if not _OTHER_UNIT.match(line, found.end()):
            values.append(_value(found[0]))
            texts.append(line[end : found.start()])
            end = found.end()
    return _Line(number, tuple(values), (*texts, line[end:]))


def tables(text: str, layers: Collection[str]) -> list[dict[str, Any]]:
    """Tables of counts per layer in an output.

    A table is a sequence of names in `layers`, each with the last number after it, or a sequence of
    lines that end in a number.
    """
    lines = _lines(without_values(text))
    found = [*_by_line(lines), *_by_name(lines, layers)]   # names say more, so they come last
    return [
        {"frame": 0, "name": f"printed table {number}", "pairs": pairs, "cell": 0, "line": line,
         "printed": True}
        for number, (line, pairs) in enumerate(found, 1) if _LEAST <= len(pairs) <= _MOST
    ][-20:]


def _by_name(lines: list[str], layers: Collection[str]) -> Iterator[tuple[int, list[list[Any]]]]:
    """Tables by the names of layers.

    A new table begins where a name comes again. A name may follow itself directly: the layer's
    parameters are printed one after the other.
    """
    pairs: list[list[Any]] = []
    begin = 1
    for number, line in enumerate(lines, 1):
        for name, count in _pairs_in(_SHAPE.sub(" ", line), layers):
            if pairs and pairs[-1][0] != name and any(name == known for known, _ in pairs):
                yield begin, pairs
                pairs, begin = [], number
            pairs.append([name, count])
    yield begin, pairs


def _pairs_in(line: str, layers: Collection[str]) -> Iterator[tuple[str, int]]:
    words = [(m, m[0].rstrip(".").removeprefix("module.")) for m in _WORD.finditer(line)]
    marks = [(m, word) for m, word in words if word in layers or word in _OWN]
    ends = [*(mark.start() for mark, _ in marks), len(line)]
    name = ""
    for (mark, word), end in zip(marks, ends[1:], strict=True):
        name = word if word in layers else name
        counts = _NUMBER.findall(line, mark.end(), end)
        if counts and name:
            yield name, _value(counts[-1])


def _by_line(lines: list[str]) -> Iterator[tuple[int, list[list[Any]]]]:
    """Tables of successive lines that end in a number, and lines of many numbers."""
    pairs: list[list[Any]] = []
    for number, line in enumerate([*lines, ""], 1):
        plain = _SHAPE.sub(" ", line)
        counts = list(map(_value, _NUMBER.findall(plain)))
        word = _WORD.search(plain)
        if counts and (word or len(counts) == 1):
            pairs.append([word[0] if word else "", counts[-1]])
            continue
        yield number - len(pairs), pairs
        pairs = []
        if not word:
            yield number, [["", _value(count)] for count in _NUMBER.findall(line)]


def _value(digits: str) -> int:
    return int(re.sub(r"\D", "", digits))
