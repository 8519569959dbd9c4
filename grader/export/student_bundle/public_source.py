"""The part of an instructor's Python file that students may read.

Hidden tests, or checks of criteria that are not visible, are left out, and so is every helper,
value and comment at the top level that only they use. A statement that cannot be classified is an
error, never a guess.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from grader.errors import UsageError

_Named = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def public_tests(path: Path) -> str:
    """Return the file without the tests that are marked as hidden. Raises UsageError."""
    source, body = _parsed(path)
    secret = [one for one in body if isinstance(one, _Named) and _marked_hidden(one)]
    roots = [one for one in body if one not in secret and _is_test(one)]
    for one in (one for one in body if one not in secret):
        for node in ast.walk(one):
            if isinstance(node, ast.Attribute) and node.attr == "hidden":
                raise UsageError(
                    f"{path}:{node.lineno}: 'hidden' would be in the students' copy; only a whole "
                    "test function or class at the top level can be left out, so mark one of those"
                )
    if not any(isinstance(one, _Named) and "test" in one.name.lower() for one in roots):
        raise UsageError(
            f"{path}: all of its tests are hidden; give its criterion 'visibility: hidden'"
        )
    return _without(path, source, body, secret, roots)


def public_checks(path: Path, names: Collection[str]) -> str:
    """Return the file with only these checks; "" if it has none of them. Raises UsageError."""
    source, body = _parsed(path)
    checks = {one: name for one in body if (name := _check_name(one)) is not None}
    roots = [one for one, name in checks.items() if name in names]
    if not roots:
        return ""
    secret = [one for one in checks if one not in roots]
    return _without(path, source, body, secret, roots)


def check_names(path: Path) -> set[str]:
    """Return the names of the checks that a file defines as `NAME = Check("name", ...)`."""
    return {name for one in _parsed(path)[1] if (name := _check_name(one)) is not None}


def _parsed(path: Path) -> tuple[str, list[ast.stmt]]:
    try:
        source = path.read_text(encoding="utf-8")
        return source, ast.parse(source).body
    except (OSError, UnicodeDecodeError, SyntaxError, ValueError) as error:
        raise UsageError(f"{path}: cannot be read as Python: {error}") from None


def _without(
    path: Path, source: str, body: Sequence[ast.stmt], secret: Sequence[ast.stmt],
    roots: Sequence[ast.stmt],
) -> str:
    """Return the part of the file that `roots` need; the whole file if nothing is secret."""
    if not secret:
        return source
    for one in body:
        if not _can_be_told_apart(one):
            raise UsageError(
                f"{path}:{one.lineno}: the grader cannot tell whether students may read this "
                "statement; a file with hidden parts may have only imports, functions, classes and "
                "assignments at its top level"
            )
    kept = _reached(path, body, secret, roots)
    lines = source.splitlines(keepends=True)
    pieces = [_lines_of(one, lines) for one in body if one in kept]
    gaps = ["\n\n\n" if isinstance(one, _Named) else "\n" for one in body if one in kept][1:]
    text = pieces[0] + "".join(gap + piece for gap, piece in zip(gaps, pieces[1:], strict=True))
    return text.rstrip("\n") + "\n"


def _reached(
    path: Path, body: Sequence[ast.stmt], secret: Sequence[ast.stmt], roots: Sequence[ast.stmt]
) -> list[ast.stmt]:
    defined: dict[str, list[ast.stmt]] = {}
    for one in body:
        for name in _defines(one):
            defined.setdefault(name, []).append(one)
    waiting, kept = [*roots], list[ast.stmt]()
    while waiting:
        one = waiting.pop()
        if one in kept:
            continue
        kept.append(one)
        for name in _mentions(one):
            waiting += defined.get(name, [])
    for one in kept:
        if one in secret:
            raise UsageError(
                f"{path}:{one.lineno}: this is hidden, but a visible part uses it; move what both "
                "need into a function of its own"
            )
    return kept


def _lines_of(one: ast.stmt, lines: list[str]) -> str:
    first = min([one.lineno, *(each.lineno for each in getattr(one, "decorator_list", []))])
    return "".join(lines[first - 1 : one.end_lineno]).rstrip("\n")


def _defines(one: ast.stmt) -> Iterator[str]:
    if isinstance(one, _Named):
        yield one.name
    elif isinstance(one, (ast.Import, ast.ImportFrom)):
        yield from (alias.asname or alias.name.partition(".")[0] for alias in one.names)
    else:
        names = [node for node in ast.walk(one) if isinstance(node, ast.Name)]
        yield from (name.id for name in names if isinstance(name.ctx, ast.Store))


def _mentions(one: ast.stmt) -> Iterator[str]:
    """Yield names, arguments (a test's are fixtures), and strings, which may name fixtures."""
    for node in ast.walk(one):
        match node:
            case ast.Name(id=name) | ast.arg(arg=name):
                yield name
            case ast.Constant(value=str(text)):
                yield text


def _can_be_told_apart(one: ast.stmt) -> bool:
    docstring = isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant)
    simple = (ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign)
    return docstring or isinstance(one, (*_Named, *simple))


def _is_test(one: ast.stmt) -> bool:
    """Return True for what pytest uses unasked: tests, autouse fixtures, `pytestmark`."""
    if isinstance(one, ast.ImportFrom) and one.module == "__future__":
        return True
    if isinstance(one, ast.ClassDef):
        return one.name.startswith("Test")
    if isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return one.name.startswith("test") or _speaks_of(one.decorator_list, "autouse")
    return "pytestmark" in _defines(one)


def _marked_hidden(one: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
    """Return True if a decorator hides it; a mark on some parameters only does not count."""
    marks = [each.func if isinstance(each, ast.Call) else each for each in one.decorator_list]
    return any(isinstance(mark, ast.Attribute) and mark.attr == "hidden" for mark in marks)


def _speaks_of(nodes: list[ast.expr], keyword: str) -> bool:
    every = (inner for node in nodes for inner in ast.walk(node))
    return any(isinstance(inner, ast.keyword) and inner.arg == keyword for inner in every)


def _check_name(one: ast.stmt) -> str | None:
    """Return "causal" for `CAUSAL = Check("causal", ...)`, and None for any other statement."""
    match one:
        case ast.Assign(
            value=ast.Call(func=ast.Name(id="Check"), args=[ast.Constant(value=name), *_])
        ):
            return str(name)
        case _:
            return None

