"""Keeping the network that was best so far: where it is done, and by what it is chosen."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

from grader.worker.student_code.lint.batch_expressions import bare
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

# What is compared to tell when, and not which: every tenth epoch, once an hour.
_WHEN = re.compile(
    r"(^|_)(epochs?|steps?|iters?|iterations?|batch|idx|index|time|elapsed|count|counter)$"
    r"|^([ijktn]|it|ep)$", re.I
)
_SAVES = re.compile(r"save|checkpoint|snapshot", re.I)
_NETWORK = re.compile(r"model|net|state|weights|params", re.I)
_OTHER_THINGS = ("plt.", "np.", "numpy.", "cv2.", "json.", "pd.")


def chooses_checkpoint(files: Sequence[Source]) -> list[Spot]:
    """Where a network is kept because a number is better than the best so far.

    The place is that of the comparison, and the text is the comparison itself.
    """
    found = [
        spot("chooses_checkpoint", source, comparison, within)
        for source, tree in parsed(files)
        for within, scope in scopes(tree)
        for comparison in _choices(list(own(scope)))
    ]
    return list(dict.fromkeys(found))[:MOST]


def _choices(nodes: list[ast.AST]) -> Iterator[ast.Compare]:
    for node in nodes:
        conditions: list[ast.expr] = []
        if isinstance(node, ast.If) and _keeps([*node.body, *node.orelse]):
            conditions = [node.test]
        elif isinstance(node, ast.Call) and _SAVES.search(called(node)):
            conditions = [*node.args]   # save_checkpoint(state, is_best)
        for condition in conditions:
            for test in _comparisons(condition, nodes):
                if _with_the_best(test, nodes):
                    yield test


def _keeps(body: Sequence[ast.stmt]) -> bool:
    """Whether a network is saved or copied by these statements."""
    nodes = [node for statement in body for node in (statement, *own(statement))]
    return any(isinstance(node, ast.Call) and _is_keeping(node) for node in nodes)


def _is_keeping(call: ast.Call) -> bool:
    name = called(call)
    if words(call.func).startswith(_OTHER_THINGS) or "fig" in name:
        return False
    if name in ("copy", "deepcopy"):
        return any(_NETWORK.search(words(argument)) for argument in call.args)
    return name == "state_dict" or bool(_SAVES.search(name))


def _comparisons(test: ast.expr, nodes: list[ast.AST]) -> Iterator[ast.Compare]:
    """The comparisons in a condition, also one that was given a name first: `is_best`."""
    for node in ast.walk(test):
        if isinstance(node, ast.Compare):
            yield node
    if isinstance(test, ast.Name):
        for node in nodes:
            if (
                isinstance(node, ast.Assign)
                and words(node.targets[0]) == test.id
                and isinstance(node.value, ast.Compare)
            ):
                yield node.value


def _with_the_best(test: ast.Compare, nodes: list[ast.AST]) -> bool:
    """Whether one side is the best so far, and the other is a number that may take its place."""
    if not isinstance(test.ops[0], (ast.Lt, ast.LtE, ast.Gt, ast.GtE)) or len(test.ops) > 1:
        return False
    left, right = test.left, test.comparators[0]
    return _is_best(left, right, nodes) or _is_best(right, left, nodes)


def _is_best(best: ast.expr, other: ast.expr, nodes: list[ast.AST]) -> bool:
    if not names(other) or any(_WHEN.search(name) for name in _ends(other) | _ends(best)):
        return False
    if isinstance(best, ast.Call):
        return called(best) in ("max", "min") and len(best.args) == 1   # of all before
    return any(_takes_over(node, best, other) for node in nodes)


def _takes_over(node: ast.AST, best: ast.expr, other: ast.expr) -> bool:
    """`best = accuracy`, or `best = max(best, accuracy)`, somewhere near."""
    match node:
        case ast.Assign([ast.Tuple(targets)], ast.Tuple(values)):
            pairs = list(zip(targets, values, strict=False))
        case ast.Assign(targets, value):
            pairs = [(target, value) for target in targets]
        case _:
            return False
    parts = {words(part) for part in ast.walk(best)
             if isinstance(part, ast.Name | ast.Attribute | ast.Subscript)}
    return any(
        words(target) in parts and words(bare(other)) in map(words, _candidates(value))
        for target, value in pairs
    )


def _candidates(value: ast.expr) -> list[ast.expr]:
    value = bare(value)
    if isinstance(value, ast.Call) and called(value) in ("max", "min"):
        return [bare(argument) for argument in value.args]
    return [value]


def _ends(node: ast.expr) -> set[str]:
    """The names that an expression speaks of: `epoch` of `epoch`, and of `self.epoch`."""
    match node:
        case ast.Name(name) | ast.Attribute(_, name):
            return {name}
        case ast.Subscript(_, ast.Constant(str(name))):
            return {name}
        case ast.BinOp(left, _, right):
            return _ends(left) | _ends(right)
    return set()
