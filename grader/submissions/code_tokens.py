"""Reads a submission's Python code as sequences of tokens, to compare it with other submissions.

Names that a student may choose are all one token, and so are numbers and strings; comments,
docstrings and spaces are none. Renamed variables, new comments and a new layout change nothing.
Names of functions and attributes of libraries, keywords and operators stay what they are.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.submissions.reading import read
from grader.submissions.safe_writer import Caps
from grader.submissions.steps import Steps

MOST_SOURCE = 400_000   # bytes of all files together; more is no homework but data
_OWN, _NUMBER, _STRING = "V", "N", "S"
_SYMBOLS = 20_000   # other tokens, as characters from U+4E00 on


@dataclass(frozen=True)
class CodeFile:
    """A file of Python code.

    Attributes:
        name: Its path in the submission; a notebook's code has the notebook's name with `.py`.
        source: Its text.
        tokens: A character for each token.
        lines: The line of each token, from 1.
    """

    name: str
    source: str
    tokens: str
    lines: tuple[int, ...]


@dataclass(frozen=True)
class Code:
    """The code of one submission; `left_out` names the files that were too much."""

    files: tuple[CodeFile, ...]
    left_out: tuple[str, ...] = ()


def read_code(
    student: str, sources: Sequence[Path], root: Path, caps: Caps, steps: Steps
) -> Code:
    """Lay out one attempt in the empty folder `root` as the grader reads it; return its code.

    Args:
        student: As for `grader.submissions.reading.read`, like all others.
        sources: As for `read`.
        root: As for `read`.
        caps: As for `read`.
        steps: As for `read`.
    """
    found = read(student, sources, root, caps, (), steps)
    folder, left = root / "code" / found.name, MOST_SOURCE
    files, left_out = [], [name for what, name in sorted(steps.skipped) if what == "tokens"]
    for name in found.files:
        if not name.endswith(".py") or not steps.may("tokens", name):
            continue
        size = (folder / name).stat().st_size
        if size > left:
            left_out.append(name)
            continue
        left -= size
        source = (folder / name).read_text(encoding="utf-8", errors="replace")
        files.append(code_file(name, source))
    return Code(tuple(files), tuple(left_out))


def code_file(name: str, source: str) -> CodeFile:
    """Split a file's source into tokens; it need not be valid Python."""
    tokens = list(_tokens(source))
    return CodeFile(name, source, "".join(token for token, _ in tokens),
                    tuple(line for _, line in tokens))


def _tokens(source: str) -> Iterator[tuple[str, int]]:
    """Yield a character for each token, and its line."""
    from pygments.lexers.python import PythonLexer   # part of the child's job, not of its start
    from pygments.token import Comment, Keyword, Name, Number, String, Whitespace

    before, line, in_string = "", 1, False
    for _, kind, text in PythonLexer().get_tokens_unprocessed(source):
        here, line = line, line + text.count("\n")
        if kind in Comment or kind in String.Doc or kind in Whitespace or not text.strip():
            continue
        if kind in String:
            if not in_string:
                yield _STRING, here
            in_string, before = True, ""
            continue
        in_string = False
        if kind in Number:
            yield _NUMBER, here
        elif kind in Name and not (kind in Name.Builtin or _is_of_library(before)):
            yield _OWN, here
        elif kind in Name or kind in Keyword:
            yield _symbol(text), here
        else:
            yield from ((_symbol(one), here) for one in text.split())
        before = f"{before[-5:]}{text}" if text == "." else text


def _is_of_library(before: str) -> bool:
    """Return True for a name after a dot, unless it is an attribute of the student's own class."""
    return before.endswith(".") and before != "self."


def _symbol(text: str) -> str:
    return chr(0x4E00 + zlib.crc32(text.encode("utf-8", "replace")) % _SYMBOLS)
