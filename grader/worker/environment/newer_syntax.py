"""Tells syntax of a newer Python from mistakes, by rewriting it in the way of an older one.

If a file can be parsed after its new forms are rewritten, they were all that this Python did not
know. The expressions inside f-strings are parsed as well.
"""

from __future__ import annotations

import ast
import re
import warnings

Version = tuple[int, int]

_STRING = re.compile(r"([A-Za-z]{0,2})('''|\"\"\"|'|\")")
_NAME = re.compile(r"\w+")
_FORMATTED = re.compile(r"r?f|fr?", re.IGNORECASE)
_TEMPLATE = re.compile(r"r?t|tr?", re.IGNORECASE)
_BRACKETS = r"\[(?:[^\[\]\n]|\[[^\[\]\n]*\])*\]"
# `x=` shows the expression's own text; `x!r` chooses a conversion.
_SHOWN = re.compile(r"=?\s*(!\s*[rsa])?\s*$")
_OF_3_12 = (
    (re.compile(rf"^([ \t]*)type[ \t]+(\w+)[ \t]*(?:{_BRACKETS})?[ \t]*=(?!=)", re.M), r"\1\2 ="),
    (re.compile(rf"^([ \t]*(?:(?:async[ \t]+)?def|class)[ \t]+\w+)[ \t]*{_BRACKETS}", re.M), r"\1"),
)
# A small letter after the comma is Python 2, where it names the exception.
_OF_3_14 = (
    (re.compile(r"^([ \t]*except)[ \t]+((?:[\w.]+[ \t]*,[ \t]*)+(?:\w+\.)*[A-Z]\w*)[ \t]*:", re.M),
     r"\1 (\2):"),
)  # fmt: skip


class _NotNew(Exception):
    """A string that no Python can read."""


def version_needed(text: str) -> Version | None:
    """The Python that knows the syntax of a file which this Python cannot parse.

    None if the file has a mistake that every Python would report.
    """
    try:
        text = _rewritten(text, _FORMATTED)
        for pattern, older in _OF_3_12:
            text = pattern.sub(older, text)
        if _parses(text):
            return 3, 12
        text = _rewritten(text, _TEMPLATE)
        for pattern, older in _OF_3_14:
            text = pattern.sub(older, text)
    except _NotNew:
        return None
    return (3, 14) if _parses(text) else None


def _parses(text: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return False
    return True


def _rewritten(text: str, kind: re.Pattern[str]) -> str:
    """Replace each string of a kind by an empty one; raises _NotNew for a wrong expression in it.
    """
    parts, index = [], 0
    while index < len(text):
        start = index
        if text[index] == "#":
            index = _line_end(text, index)
        elif found := _STRING.match(text, index):
            index = _string_end(text, found, kind)
            if kind.fullmatch(found[1]):
                parts.append('""')
                continue
        elif name := _NAME.match(text, index):   # its end is no prefix of a string
            index = name.end()
        else:
            index += 1
        parts.append(text[start:index])
    return "".join(parts)


def _line_end(text: str, index: int) -> int:
    end = text.find("\n", index)
    return len(text) if end < 0 else end


def _string_end(text: str, found: re.Match[str], kind: re.Pattern[str]) -> int:
    """The index behind a string. The fields of a string of the kind may hold its own quotes."""
    quote, index = found[2], found.end()
    has_fields = kind.fullmatch(found[1]) is not None
    while index < len(text):
        if text.startswith(quote, index):
            return index + len(quote)
        if has_fields and text[index] in "{}":
            doubled = text[index : index + 2] in ("{{", "}}")
            index = index + 2 if doubled else _field_end(text, index, quote, kind)
        elif text[index] == "\n" and len(quote) == 1:
            break
        else:
            index += 2 if text[index] == "\\" else 1
    raise _NotNew


def _field_end(text: str, index: int, quote: str, kind: re.Pattern[str]) -> int:
    """The index behind a field that begins with the brace at `index`; its expression is parsed."""
    begin = index = index + 1
    depth = 0
    while index < len(text):
        letter = text[index]
        converts = letter == "!" and text[index + 1 : index + 2] != "="
        if depth == 0 and (letter in "}:" or converts):
            _check(text[begin:index], kind)
            return _spec_end(text, index, quote, kind)
        if letter == "#":
            index = _line_end(text, index)
        elif found := _STRING.match(text, index):
            index = _string_end(text, found, kind)
        else:
            depth += (letter in "([{") - (letter in ")]}")
            index += 1
    raise _NotNew


def _spec_end(text: str, index: int, quote: str, kind: re.Pattern[str]) -> int:
    """The index behind the brace that ends a field, from the end of its expression on."""
    while index < len(text) and not text.startswith(quote, index):
        if text[index] == "}":
            return index + 1
        index = _field_end(text, index, quote, kind) if text[index] == "{" else index + 1
    raise _NotNew


def _check(expression: str, kind: re.Pattern[str]) -> None:
    if not _parses(f"({_rewritten(_SHOWN.sub('', expression), kind)}\n)") or not expression.strip():
        raise _NotNew
