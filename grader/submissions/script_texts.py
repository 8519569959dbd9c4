"""Finds the texts in Python source: docstrings, other long strings, and comments.

The source need not be valid: it is read token by token, up to the first that is none.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator

_WORDS = 4  # a string with fewer is no answer
_NAMED = re.compile(r"(?:answer|ans|part|written|text|q)_?(?:1_?)?\(?([a-z])", re.IGNORECASE)
_BESIDE = (tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)


def script_texts(source: str) -> list[str]:
    """Return the texts in the order of the source; comments that follow each other are one text.

    A string that is bound to a name such as `answer_a` begins with "(a)".
    """
    texts: list[str] = []
    comments: list[str] = []
    name = ""
    for token in _tokens(source):
        if token.type == tokenize.COMMENT:
            comments.append(token.string.lstrip("#").strip())
            continue
        if token.type in _BESIDE:
            if token.type == tokenize.NL and comments and not token.line.strip():
                comments.append("")
            continue
        if comments:
            texts.append("\n".join(comments))
            comments = []
        if token.type == tokenize.NAME:
            name = token.string
        elif token.type == tokenize.STRING:
            text = _value(token.string)
            if len(text.split()) >= _WORDS:
                named = _NAMED.fullmatch(name)
                texts.append(f"({named[1].lower()}) {text}" if named else text)
    return [*texts, "\n".join(comments)] if comments else texts


def _tokens(source: str) -> Iterator[tokenize.TokenInfo]:
    try:
        yield from tokenize.generate_tokens(io.StringIO(source).readline)
    except (tokenize.TokenError, SyntaxError):
        return


def _value(literal: str) -> str:
    try:
        value = ast.literal_eval(literal)
    except (ValueError, SyntaxError, MemoryError, RecursionError):   # such as an f-string
        return ""
    return value if isinstance(value, str) else ""
