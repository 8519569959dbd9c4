"""Accuracies that are the mean, over batches, of each batch's own accuracy.

The last batch is mostly smaller, and its images count for more there than all others. Told where
the text leaves no doubt: the mean of a comparison with the labels of one batch, added up or kept in
a list by a loop over batches, and divided by their number.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from grader.worker.student_code.lint.batch_expressions import (
    Batch,
    Helpers,
    bare,
    helpers,
    inside,
    scaled,
    stored,
    values,
)
from grader.worker.student_code.lint.findings import (
    MOST,
    Spot,
    called,
    names,
    own,
    parsed,
    scopes,
    spot,
    words,
)
from grader.worker.student_code.sources import Source

_BATCHES = re.compile(r"load|batch|data|iter|(^|_)dl(_|$)|generator", re.I)
_SEVERAL = re.compile(r"(loaders|datasets|dls|folds?|splits)$", re.I)
_WRAPPERS = {"enumerate", "tqdm", "iter", "list", "islice", "track", "progress_bar", "zip"}
_Loop = ast.For | ast.AsyncFor


def means_of_batches(files: Sequence[Source]) -> list[Spot]:
    """Where an accuracy is added up, or put into a list, and its mean over batches is taken."""
    known = helpers(files)
    found = [
        spot("mean_of_batches", source, node, within)
        for source, tree in parsed(files)
        for within, scope in scopes(tree)
        for node in _in_scope(list(own(scope)), known)
    ]
    return list(dict.fromkeys(found))[:MOST]


def _in_scope(nodes: list[ast.AST], known: Helpers) -> Iterator[ast.AST]:
    for node in nodes:
        if isinstance(node, _Loop) and _over_batches(node.iter, nodes):
            yield from _in_loop(node, nodes, known)
        elif isinstance(node, ast.ListComp | ast.GeneratorExp) and len(node.generators) == 1:
            yield from _in_comprehension(node, nodes, known)


def _in_loop(loop: _Loop, nodes: list[ast.AST], known: Helpers) -> Iterator[ast.AST]:
    body = list(own(loop))
    batch = Batch(stored(body), values(body, nodes), known)
    count = _Count(loop.iter, loop.target, body, nodes)
    later = [node for node in nodes if getattr(node, "lineno", 0) > (loop.end_lineno or 0)]
    for statement in _each_time(loop.body):
        match statement:
            case ast.Expr(ast.Call(ast.Attribute(kept, "append"), [value])):
                means = any(_is_mean(node, words(kept), count) for node in later)
                if means and batch.accuracy(value):
                    yield statement
            case ast.AugAssign(target, ast.Add(), value):
                if _is_averaged(target, value, batch, count, later):
                    yield statement
            case ast.Assign([target], ast.BinOp(left, ast.Add(), right)):
                value = right if words(left) == words(target) else left
                if words(target) in (words(left), words(right)) and _is_averaged(
                    target, value, batch, count, later
                ):
                    yield statement


def _is_averaged(
    target: ast.expr, value: ast.expr, batch: Batch, count: _Count, later: list[ast.AST]
) -> bool:
    """Whether accuracies are added up, and divided by their number: each of them, or the sum."""
    value = scaled(value)
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Div) and count.is_it(value.right):
        return batch.accuracy(value.left)
    return batch.accuracy(value) and any(_is_quotient(node, words(target), count) for node in later)


def _is_quotient(node: ast.AST, total: str, count: _Count) -> bool:
    """Whether it divides the total by the number of batches."""
    match node:
        case ast.BinOp(left, ast.Div(), right):
            return words(scaled(left)) == total and count.is_it(right)
        case ast.AugAssign(target, ast.Div(), value):
            return words(target) == total and count.is_it(value)
    return False


def _is_mean(node: ast.AST, kept: str, count: _Count) -> bool:
    """Whether it is the mean of a list."""
    match node:
        case ast.BinOp(left, ast.Div(), right):
            number = words(right) == f"len({kept})" or count.is_it(right)
            total = scaled(left)
            return number and isinstance(total, ast.Call) and called(total) == "sum" and _holds(
                total, kept
            )
        case ast.Call() if called(node) in ("mean", "average", "fmean"):
            return _holds(node, kept)
    return False


def _holds(call: ast.expr, kept: str) -> bool:
    value = inside(call)
    return value is not None and words(bare(value)) == kept


def _in_comprehension(
    loop: ast.ListComp | ast.GeneratorExp, nodes: list[ast.AST], known: Helpers
) -> Iterator[ast.AST]:
    """`[accuracy(net(x), y) for x, y in loader]`, and what validation steps have returned."""
    generator = loop.generators[0]
    match loop.elt:
        case ast.Subscript(_, ast.Constant(key)):
            accuracies = key in known.keys
        case _:
            batch = Batch(stored(list(ast.walk(generator.target))), {}, known)
            accuracies = batch.accuracy(loop.elt) and _over_batches(generator.iter, nodes)
    given = [n.targets[0] for n in nodes if isinstance(n, ast.Assign) and n.value is loop]
    count = _Count(generator.iter, generator.target, [], nodes)
    if accuracies and any(
        _is_mean(node, name, count) for node in nodes for name in map(words, (loop, *given))
    ):
        yield loop


@dataclass(frozen=True)
class _Count:
    """The number of batches that a loop over `iterated` goes through, in all its spellings."""

    iterated: ast.expr
    target: ast.expr
    body: Sequence[ast.AST]
    nodes: Sequence[ast.AST]

    def is_it(self, node: ast.expr) -> bool:
        match bare(node):
            case ast.Name(name):
                return any(self._is_counter(n, name) for n in self.body) or any(
                    self._is_length(value) for value in _assigned(name, self.nodes)
                )
            case ast.BinOp(ast.Name(index), ast.Add(), ast.Constant(1)):
                enumerated = "enumerate" in names(self.iterated)
                first = self.target.elts[0] if isinstance(self.target, ast.Tuple) else None
                return enumerated and first is not None and words(first) == index
            case other:
                return self._is_length(other)

    def _is_length(self, node: ast.expr) -> bool:
        match bare(node):
            case ast.Call(ast.Name("len"), [what]):
                return words(what) in self._spellings()
        return False

    def _spellings(self) -> set[str]:
        """`loader` of `enumerate(tqdm(loader))`, also where a name was given to that first."""
        parts = _parts(self.iterated)
        for name in list(parts):
            for value in _assigned(name, self.nodes):
                parts |= _parts(value)
        return parts

    @staticmethod
    def _is_counter(node: ast.AST, name: str) -> bool:
        match node:
            case ast.AugAssign(ast.Name(counted), ast.Add(), ast.Constant(1)):
                return counted == name
        return False


def _parts(node: ast.expr) -> set[str]:
    kinds = ast.Name | ast.Attribute | ast.Subscript
    return {words(part) for part in ast.walk(node) if isinstance(part, kinds)}


def _assigned(name: str, nodes: Sequence[ast.AST]) -> list[ast.expr]:
    return [n.value for n in nodes if isinstance(n, ast.Assign) and words(n.targets[0]) == name]


def _over_batches(node: ast.expr, nodes: Sequence[ast.AST], depth: int = 0) -> bool:
    """Whether a loop goes over batches, and not over epochs, folds, layers or data sets."""
    match node:
        case ast.Call(_, [first, *_]) if called(node) in _WRAPPERS:
            return _over_batches(first, nodes, depth)
        case ast.Call(ast.Name("range"), arguments):
            return len(arguments) == 3   # from one batch's start to the next one's
        case ast.Call():
            return bool(_BATCHES.search(called(node)))
        case ast.Subscript(value):
            return bool(_BATCHES.search(words(value)))
        case ast.Name(name) | ast.Attribute(_, name):
            if _SEVERAL.search(name):
                return False
            given = _assigned(words(node), nodes) if depth < 3 else []
            return bool(_BATCHES.search(name)) or any(
                _over_batches(value, nodes, depth + 1) for value in given
            )
    return False


def _each_time(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements that run for each batch; not those that run for every hundredth one."""
    for statement in body:
        yield statement
        match statement:
            case ast.With(_, inner) | ast.AsyncWith(_, inner) | ast.Try(inner):
                yield from _each_time(inner)
            case ast.If(test, inner, orelse):
                if not any(isinstance(node, ast.Mod) for node in ast.walk(test)):
                    yield from _each_time([*inner, *orelse])
