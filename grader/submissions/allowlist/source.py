"""Reads a Python file as the worker and as Python's own import do; neither runs anything."""

from __future__ import annotations

import ast
import io
import re
import tokenize
import unicodedata
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

from grader.submissions.allowlist.allowed import (
    BLOCKED,
    DEFINED,
    FORBIDDEN_BUILTINS,
    GLOBALS,
    PARTS,
    RESTRICTED,
    WHOLE,
    words,
)
from grader.submissions.allowlist.syntax import is_dunder

LARGEST = 2_000_000   # bytes of a file; a syntax tree takes some hundred times as many
_USUAL_CODINGS = words("utf-8 utf-8-sig iso-8859-1 latin-1 ascii us-ascii cp1252")
_WORD = re.compile(r"\w+")
_IMPORT = re.compile(r"^\s*(?:import|from)\s+(\w+)", re.MULTILINE)
_CALLED = re.compile(r"(?<![.\w])(?<!def )(?:exec|eval|compile|globals|vars)\s*\((?!\s*\))")


@dataclass(frozen=True)
class Unreadable:
    """A file without a syntax tree; `why` begins with a verb, `line` is the place."""

    why: str
    line: int = 1


def readings(data: bytes) -> Iterator[ast.Module | Unreadable]:
    """Yield the file's syntax tree; both trees, if its declared encoding gives another one."""
    if len(data) > LARGEST:
        yield Unreadable(f"is larger than {LARGEST // 1_000_000} MB, too large to be read")
        return
    text = io.TextIOWrapper(io.BytesIO(data), "utf-8-sig", "replace", newline=None).read()
    yield parse(text)
    try:
        coding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    except SyntaxError:
        coding = "utf-8"   # neither of them is Python then
    if coding not in _USUAL_CODINGS:
        yield Unreadable(f"declares the unusual encoding {coding[:20]!r}")
    elif coding not in ("utf-8", "utf-8-sig") and not data.isascii():
        yield parse(data.decode(coding, "replace"))


def parse(text: str) -> ast.Module | Unreadable:
    """Return the syntax tree of a text; only a text without one is searched for words."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")   # "\d" in a string is no mistake here
            return ast.parse(text)
    except SyntaxError as error:
        if str(error.msg).startswith("too many"):   # nested too deeply for this version
            return Unreadable(f"cannot be read ({error.msg})", error.lineno or 1)
        return _by_words(text, error) or ast.Module([], [])
    except (ValueError, RecursionError, MemoryError, OverflowError) as error:
        return Unreadable(f"cannot be read ({type(error).__name__})")


def _by_words(text: str, error: SyntaxError) -> Unreadable | None:
    """Look for words that reach far: another version of Python may well run this text."""
    plain = unicodedata.normalize("NFKC", text)
    found = set(_WORD.findall(plain))
    dunders = {word for word in found if is_dunder(word)}
    modules = set(_IMPORT.findall(plain))
    odd = found & (BLOCKED | FORBIDDEN_BUILTINS | {"getattr", "setattr", "attrgetter"})
    odd |= dunders - DEFINED - GLOBALS - {"__main__", "__dict__", "__future__"}
    odd |= {name for name in modules if name in RESTRICTED and name not in WHOLE | set(PARTS)}
    odd |= modules & {"grader", "gc", "inspect", "pickle", "importlib", "types"}
    odd |= {"exec or eval"} if _CALLED.search(plain) else set()
    if not odd:
        return None
    why = f"is no Python of this version ({error.msg}), and uses {', '.join(sorted(odd)[:3])}"
    return Unreadable(why, error.lineno or 1)
