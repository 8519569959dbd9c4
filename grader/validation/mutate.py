"""Replaces code in Python source by structure; layout, comments and quotes make no difference.

    rewrite(source, Edit(find="model.eval()", by="pass", within="evaluate"))

`find` is Python code. A single expression matches wherever it occurs, also inside another one; one
or more statements match where they follow each other. An edit that does not match exactly as often
as it says is an error, so that no mutant is changed in no place or in too many.
"""

from __future__ import annotations

import ast
import copy
import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from grader.errors import UsageError

# Fields that say how a node is used or was written, and make no difference.
_IGNORED = ("ctx", "kind", "type_comment")
_BLOCKS = ("body", "orelse", "finalbody")

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True)
class Edit:
    """A replacement of code.

    Attributes:
        find: Code to replace; None: the whole body of `within`.
        by: New code; "" or `pass` drops a statement.
        within: Function or class to search, such as `Net.forward`; None: the whole file.
        times: How often `find` must match.
    """

    find: str | None = None
    by: str = ""
    within: str | None = None
    times: int = 1


def rewrite(source: str, edit: Edit) -> str:
    """Return the source with the edit made.

    Raises UsageError if the edit does not match, changes nothing or gives invalid code. Its message
    names no file; the caller adds that.
    """
    tree = _parsed(source, "the file")
    place: ast.Module | Definition = tree if edit.within is None else _within(tree, edit.within)
    by = _parsed(edit.by, "'by'").body
    if edit.find is None:
        if isinstance(place, ast.Module):
            raise UsageError("there is no 'find'; then 'in' must name the function to replace")
        place.body = by or [ast.Pass()]
    else:
        find = _parsed(edit.find, "'find'").body
        if not find:
            raise UsageError("'find' is empty; write the code that is to be replaced")
        lines = _replace(place, find, by)
        if len(lines) != edit.times:
            raise UsageError(_miscounted(place, edit, lines))
    text = ast.unparse(ast.fix_missing_locations(tree)) + "\n"
    if text == ast.unparse(ast.parse(source)) + "\n":
        raise UsageError("nothing was changed: 'find' and 'by' are the same")
    _parsed(text, "the result")
    return text


def _parsed(source: str, what: str) -> ast.Module:
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError) as error:
        where = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
        why = getattr(error, "msg", error)
        raise UsageError(f"{what} is not valid Python{where}: {why}") from None


def _within(tree: ast.Module, name: str) -> Definition:
    """Find the one function or class whose dotted name is or ends with `name`."""
    known = dict(_definitions(tree))
    found = [one for one in known if one == name or one.endswith(f".{name}")]
    if len(found) != 1:
        there = "more than one" if found else "none"
        names = ", ".join(found or known) or "no functions at all"
        raise UsageError(f"'in' must name one function or class, and '{name}' names {there}; there "
                         f"are {names}")
    return known[found[0]]


def _definitions(place: ast.AST, prefix: str = "") -> Iterator[tuple[str, Definition]]:
    for node in ast.iter_child_nodes(place):
        if isinstance(node, Definition):
            yield prefix + node.name, node
            yield from _definitions(node, f"{prefix}{node.name}.")
        else:
            yield from _definitions(node, prefix)


def _replace(place: ast.AST, find: list[ast.stmt], by: list[ast.stmt]) -> list[int]:
    """Replace `find` in place and return the line numbers of the matches."""
    match find, by:
        case [ast.Expr(value=old)], [ast.Expr(value=new)]:
            expressions = _Expressions(old, new)
            expressions.generic_visit(place)
            return expressions.lines
    lines: list[int] = []
    for node in list(ast.walk(place)):
        for field in _BLOCKS:
            block = getattr(node, field, None)
            if isinstance(block, list):
                lines += _replace_in(block, find, by)
                if field == "body" and not block:
                    block.append(ast.Pass())
    return sorted(lines)


def _replace_in(block: list[Any], find: Sequence[ast.stmt], by: Sequence[ast.stmt]) -> list[int]:
    lines, at = [], 0
    while at + len(find) <= len(block):
        if _same(block[at : at + len(find)], find):
            lines.append(block[at].lineno)
            block[at : at + len(find)] = copy.deepcopy(list(by))
            at += len(by)
        else:
            at += 1
    return lines


class _Expressions(ast.NodeTransformer):
    def __init__(self, old: ast.expr, new: ast.expr) -> None:
        self._old, self._new = old, new
        self.lines: list[int] = []

    def visit(self, node: ast.AST) -> Any:
        if isinstance(node, ast.expr) and _same(node, self._old):
            self.lines.append(node.lineno)
            return copy.deepcopy(self._new)
        return self.generic_visit(node)


def _same(one: Any, other: Any) -> bool:
    if type(one) is not type(other):
        return False
    if isinstance(one, ast.AST):
        fields = [field for field in one._fields if field not in _IGNORED]
        return all(_same(getattr(one, f, None), getattr(other, f, None)) for f in fields)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other)


def _miscounted(place: ast.Module | Definition, edit: Edit, lines: list[int]) -> str:
    where = f"in '{edit.within}'" if edit.within else "in the file"
    wanted = " ".join((edit.find or "").split())
    if lines:
        at = ", ".join(map(str, lines))
        return (f"`{wanted}` occurs {len(lines)} times {where} (line {at}), but {edit.times} was "
                "expected; name the function with 'in', or give the number as 'times'")
    near = difflib.get_close_matches(ast.unparse(ast.parse(edit.find or "")), _texts(place), 1, 0.5)
    guess = f"; the nearest is `{near[0]}`" if near else ""
    return f"`{wanted}` does not occur {where}{guess}; copy the code from the file"


def _texts(place: ast.AST) -> list[str]:
    nodes = (node for node in ast.walk(place) if isinstance(node, ast.stmt | ast.Call))
    return [text for text in map(ast.unparse, nodes) if "\n" not in text]
