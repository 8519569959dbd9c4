"""What a student's code prints, kept while it runs, and the numbers that can be read in it.

The last resort: counts that were computed, printed and kept in no variable. Which of them are an
answer, and whether it is right, is decided by the host; here they only get the text beside them as
their names.
"""

from __future__ import annotations

import re
import sys
from collections import deque
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TextIO

MAX_CHARACTERS = 200_000   # of the beginning, and as many of the end
MAX_ROWS = 1000
_NAME = 80                 # characters of a name
_LEAST, _MOST = 8, 1000    # lines that look like a table of layers
_OWN = {"weight", "bias"}

# Whole numbers, also with separators; no part of a word, of a decimal, a range or an ordinal.
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
# "Group 1:" and "2. " number what follows, and count nothing.
_ORDINAL = re.compile(
    r"^(\s*[(\[]?)(?=\d{1,2}[.):\]]\s)|\b((?:group|set|list|part|category|type|kind)\s?)(?=\d\b)",
    re.I,
)
_OTHER_UNIT = re.compile(
    r"\s*(?:%|(?:percent|layers?|tensors?|modules?|blocks?|epochs?|batches|images|[KMG]i?B|m?s|"
    r"sec(?:onds)?)\b)"
)


class Heard:
    """A stream that passes on what is printed and keeps the beginning and the end of it."""

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
def listening() -> Iterator[Heard]:
    """Keep what is printed to `sys.stdout` meanwhile."""
    heard = Heard(sys.stdout)
    sys.stdout = heard
    try:
        yield heard
    finally:
        sys.stdout = heard.stream


@dataclass(frozen=True)
class _Line:
    """A line of output: its numbers, the text before each, and the text after the last."""

    number: int
    values: tuple[int, ...]
    texts: tuple[str, ...]

    @property
    def is_bare(self) -> bool:
        """Whether it has numbers and not a word."""
        return bool(self.values) and not any(map(_LETTER.search, self.texts))


def numbers(text: str) -> list[dict[str, Any]]:
    """Whole numbers with the text beside them as names: before them, or after them in a line that
    begins with one; that of the line above where there is none; else "".

    `line` is that of the output.
    """
    lines = [_read(number, line) for number, line in enumerate(_lines(text), 1)]
    rows = []
    for index, line in enumerate(lines):
        above = lines[index - 1] if index else _Line(0, (), ("",))
        below = lines[index + 1] if index + 1 < len(lines) else above
        for name, value in zip(_names(line, above, below), line.values, strict=True):
            rows.append({"frame": 0, "name": name, "value": value, "cell": 0,
                         "line": line.number, "printed": True})
    return rows[-MAX_ROWS:]


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
    """A word, or a few, for each number: `bn, bias, rest: 1 2 3`; [] where they are not as many."""
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
        line = without   # and a line of nothing but shapes may be a list of counts
    values, texts, end = [], [], 0
    for found in _NUMBER.finditer(line):
        if not _OTHER_UNIT.match(line, found.end()):
            values.append(_value(found[0]))
            texts.append(line[end : found.start()])
            end = found.end()
    return _Line(number, tuple(values), (*texts, line[end:]))


def tables(text: str, layers: Collection[str]) -> list[dict[str, Any]]:
    """Counts per layer: names of `layers` with the last number after each, or else lines that each
    end in one."""
    lines = _lines(text)
    found = [*_by_name(lines, layers), *_by_line(lines)]
    return [
        {"frame": 0, "name": f"printed table {number}", "pairs": pairs, "cell": 0, "line": line,
         "printed": True}
        for number, (line, pairs) in enumerate(found, 1) if _LEAST <= len(pairs) <= _MOST
    ][-20:]


def _by_name(lines: list[str], layers: Collection[str]) -> Iterator[tuple[int, list[list[Any]]]]:
    """A table ends where a name comes again that was not the last one: the same layer's parameters
    may be told one after the other, and another attempt begins anew."""
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
    """Lines one after the other that each end in a number, and lines of many numbers."""
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
