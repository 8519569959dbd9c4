"""Where images are normalised, and by which numbers."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from grader.worker.student_code.lint.findings import (
    MOST,
    Spot,
    called,
    own,
    parsed,
    scopes,
    spot,
    words,
)
from grader.worker.student_code.sources import Source

_CHANNELS = 16   # at most, of [0.5] * 3


@dataclass(frozen=True)
class Normalisation:
    """A Normalize transform; `mean` and `std` are None where they are not written as numbers."""

    spot: Spot
    mean: tuple[float, ...] | None
    std: tuple[float, ...] | None


def normalisations(files: Sequence[Source]) -> list[Normalisation]:
    """Every Normalize transform that is made."""
    found = []
    for call in _calls(files):
        if call.name != "Normalize":
            continue
        given: dict[str, ast.expr] = dict(zip(("mean", "std"), call.node.args, strict=False))
        given |= {keyword.arg: keyword.value for keyword in call.node.keywords if keyword.arg}
        values = [_constant(call.source, given[name]) if name in given else None
                  for name in ("mean", "std")]
        match call.node.args:
            case [ast.Starred(both)]:   # Normalize(*stats)
                pair = _constant(call.source, both)
                values = list(pair) if isinstance(pair, (tuple, list)) and len(pair) == 2 else []
        mean, std = map(_numbers, values or (None, None))
        found.append(
            Normalisation(spot("normalise", call.source, call.node, call.within), mean, std)
        )
    return found[:MOST]


def _constant(source: Source, node: ast.expr) -> Any:
    """What is written as a literal, also under a name that is bound once at the top; else None."""
    if isinstance(node, ast.Name):
        given = [statement.value for statement in own(source.tree)
                 if isinstance(statement, ast.Assign) and words(statement.targets[0]) == node.id]
        return _literal(given[0]) if len(given) == 1 else None
    return _literal(node)


def _literal(node: ast.expr) -> Any:
    match node:
        case ast.BinOp(items, ast.Mult(), ast.Constant(int(times))) if times <= _CHANNELS:
            repeated = _literal(items)
            return repeated * times if isinstance(repeated, (list, tuple)) else None
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return None


def _numbers(value: Any) -> tuple[float, ...] | None:
    items = value if isinstance(value, (list, tuple)) else [value]
    right = items and all(type(item) in (int, float) for item in items)
    return tuple(float(item) for item in items) if right else None


@dataclass(frozen=True)
class _Call:
    """A call: the `name` of what is called, before `import ... as` gave it another one, and the
    module that it comes `home` to, "" where it is of no imported name."""

    source: Source
    within: str
    node: ast.Call
    name: str
    home: str


def _calls(files: Sequence[Source]) -> Iterator[_Call]:
    for source, tree in parsed(files):
        imported = dict(_imports(tree))
        for within, scope in scopes(tree):
            for node in own(scope):
                if isinstance(node, ast.Call):
                    home = imported.get(words(_root(node.func)), "")
                    name = called(node)
                    if isinstance(node.func, ast.Name):
                        name = home.rpartition(".")[2] or name
                    yield _Call(source, within, node, name, home)


def _root(node: ast.expr) -> ast.expr:
    while isinstance(node, ast.Attribute):
        node = node.value
    return node


def _imports(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        match node:
            case ast.Import(aliases):
                for alias in aliases:
                    name = alias.asname or alias.name.partition(".")[0]
                    yield name, alias.name if alias.asname else name
            case ast.ImportFrom(module, aliases):
                for alias in aliases:
                    yield alias.asname or alias.name, f"{module or ''}.{alias.name}"
