"""Places in a student's files, and the parts of a syntax tree that live together.

Text is read here and never run: the standard library's `ast` and nothing else.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from grader.worker.student_code.sources import Source

MOST = 50   # places of one kind that are told
Named = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
Scope = ast.Module | Named


@dataclass(frozen=True)
class Spot:
    """A place in a student's file, of which `kind` says what stands there.

    `line` counts from the top of the file, `cell` is 0 outside notebooks. `place` is for the
    student: `hw2.py, line 41`. `within` names the function (`Net.forward`; "" at the top), `text`
    is the code itself, shortened.
    """

    kind: str
    file: str
    line: int
    cell: int
    place: str
    within: str
    text: str


def parsed(files: Sequence[Source]) -> list[tuple[Source, ast.Module]]:
    """The files that are Python."""
    return [(source, source.tree) for source in files if source.error is None]


def spot(kind: str, source: Source, node: ast.AST, within: str, text: str = "") -> Spot:
    line = int(getattr(node, "lineno", 1))
    return Spot(
        kind, source.path.name, line, source.cell_of(line), source.place_of(line), within,
        (text or words(node))[:120],
    )


def scopes(tree: ast.Module) -> Iterator[tuple[str, Scope]]:
    """The module, and each function and class in it by its full name; outer ones first."""
    waiting: list[tuple[str, Scope]] = [("", tree)]
    while waiting:
        name, scope = waiting.pop(0)
        yield name, scope
        for inner in own(scope):
            if isinstance(inner, Named):
                waiting.append((f"{name}.{inner.name}" if name else inner.name, inner))


def own(node: ast.AST) -> Iterator[ast.AST]:
    """What is inside a node, in the order of the text; functions and classes are told, and what is
    inside of them is not."""
    waiting = [*ast.iter_child_nodes(node)][::-1]
    while waiting:
        child = waiting.pop()
        yield child
        if not isinstance(child, Named):
            waiting += [*ast.iter_child_nodes(child)][::-1]


def called(call: ast.Call) -> str:
    """The last name of what is called: `mean` for `torch.mean(x)` and for `x.float().mean()`."""
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def names(node: ast.AST) -> set[str]:
    """The variables that an expression is made of."""
    return {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}


def words(node: ast.AST) -> str:
    """The code of a node on one line; "" where it is nested too deep to be written."""
    try:
        return re.sub(r"\s+", " ", ast.unparse(node))
    except RecursionError:
        return ""
