"""What an expression means where one batch is at hand: its size, what is right, its accuracy."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from grader.worker.student_code.lint.findings import (
    Scope,
    called,
    names,
    own,
    parsed,
    scopes,
    words,
)
from grader.worker.student_code.sources import Source

_DEEPEST = 12   # steps from an expression to what it is made of
# Methods and functions that change how a number is held and not which one it is.
_HOLDS = {
    "item", "cpu", "detach", "numpy", "float", "double", "half", "long", "int", "type", "to",
    "astype", "type_as", "squeeze", "view", "reshape", "flatten", "tolist",
}
_MADE_OF = {"float", "tensor", "as_tensor", "array", "asarray", "stack", "FloatTensor", "Tensor"}
_COMPARES = {"eq", "ne", "equal", "not_equal"}
_SIZE = re.compile(r"(^|[._])batch_?size$|^bs$", re.I)
_LOADER = re.compile(r"load|iter|(^|_)dl$", re.I)


@dataclass(frozen=True)
class Helpers:
    """What functions of the student's own give for the batch that they are given: `functions`
    return its accuracy, `keys` name it in a dictionary."""

    functions: frozenset[str] = frozenset()
    keys: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Batch:
    """The names that are bound anew for each batch, and the values of those that have one."""

    bound: Collection[str]
    values: Mapping[str, ast.expr]
    helpers: Helpers = field(default_factory=Helpers)

    def accuracy(self, node: ast.expr, depth: int = 0) -> bool:
        """Whether it is the accuracy, or the error, of this batch alone."""
        node = scaled(node)
        if depth > _DEEPEST:
            return False
        if isinstance(node, ast.Name) and node.id in self.values:
            return self.accuracy(self.values[node.id], depth + 1)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            return self._right(node.left) and self._size(node.right)
        if not isinstance(node, ast.Call):
            return False
        if called(node) in ("mean", "average"):
            return self._compares(inside(node))
        helper = called(node) == "accuracy_score" or called(node) in self.helpers.functions
        return helper and any(map(self._has, node.args))

    def _right(self, node: ast.expr, depth: int = 0) -> bool:
        """Whether it is how many images of this batch are right."""
        node = bare(node)
        if isinstance(node, ast.Name) and node.id in self.values and depth < _DEEPEST:
            return self._right(self.values[node.id], depth + 1)
        counts = isinstance(node, ast.Call) and called(node) in ("sum", "count_nonzero")
        return counts and self._compares(inside(node))

    def _compares(self, node: ast.expr | None, depth: int = 0) -> bool:
        """Whether it compares predictions and labels, both of them of this batch."""
        node = bare(node) if node is not None else None
        if isinstance(node, ast.Name) and node.id in self.values and depth < _DEEPEST:
            return self._compares(self.values[node.id], depth + 1)
        sides: list[ast.expr] = []
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], (ast.Eq, ast.NotEq)):
            sides = [node.left, *node.comparators]
        elif isinstance(node, ast.Call) and called(node) in _COMPARES:
            sides = list(node.args)
            if len(sides) == 1 and isinstance(node.func, ast.Attribute):
                sides.append(node.func.value)
        return len(sides) == 2 and all(map(self._has, sides))

    def _size(self, node: ast.expr, depth: int = 0) -> bool:
        """Whether it is the number of images in this batch."""
        node = bare(node)
        if isinstance(node, ast.Name) and node.id in self.values and depth < _DEEPEST:
            return self._size(self.values[node.id], depth + 1)
        if _SIZE.search(words(node)):
            return True
        if isinstance(node, ast.Subscript) and words(node.slice) == "0":
            node = node.value   # y.shape[0], y.size()[0]
        of: ast.expr | None = None
        if isinstance(node, ast.Attribute) and node.attr == "shape":
            of = node.value
        elif isinstance(node, ast.Call) and called(node) in ("len", "size", "numel"):
            of = node.func.value if isinstance(node.func, ast.Attribute) else inside(node)
        return isinstance(of, (ast.Name, ast.Subscript)) and self._has(of)

    def _has(self, node: ast.AST) -> bool:
        return not names(node).isdisjoint(self.bound)


def bare(node: ast.expr) -> ast.expr:
    """Without what only changes how it is held: `.item()`, `float(...)`, `torch.stack(...)`."""
    while True:
        if isinstance(node, ast.Attribute) and node.attr == "data":
            node = node.value
        elif not isinstance(node, ast.Call):
            return node
        elif called(node) in _MADE_OF and node.args:
            node = node.args[0]
        elif called(node) in _HOLDS and isinstance(node.func, ast.Attribute):
            node = node.func.value
        else:
            return node


def scaled(node: ast.expr) -> ast.expr:
    """Without a constant factor either, and the accuracy of `1 - accuracy`."""
    while True:
        node = bare(node)
        if not isinstance(node, ast.BinOp):
            return node
        if isinstance(node.op, ast.Mult) and isinstance(node.left, ast.Constant):
            node = node.right
        elif isinstance(node.op, ast.Mult) and isinstance(node.right, ast.Constant):
            node = node.left
        elif isinstance(node.op, ast.Sub) and isinstance(node.left, ast.Constant):
            node = node.right
        else:
            return node


def inside(call: ast.expr) -> ast.expr | None:
    """`x` of `torch.mean(x)` and of `x.mean()`."""
    if not isinstance(call, ast.Call) or call.keywords:
        return None
    if call.args:
        return call.args[0]
    return call.func.value if isinstance(call.func, ast.Attribute) else None


def values(nodes: Sequence[ast.AST], everything: Sequence[ast.AST]) -> dict[str, ast.expr]:
    """The values of the names that are assigned once in `nodes`, and added to nowhere."""
    assigned: dict[str, list[ast.expr]] = {}
    for node in nodes:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            assigned.setdefault(node.targets[0].id, []).append(node.value)
    added = {words(node.target) for node in everything if isinstance(node, ast.AugAssign)}
    return {n: found[0] for n, found in assigned.items() if len(found) == 1 and n not in added}


def stored(nodes: Sequence[ast.AST]) -> set[str]:
    return {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}


def helpers(files: Sequence[Source]) -> Helpers:
    """The student's own functions that know the accuracy of one batch."""
    functions = [
        scope for _, tree in parsed(files) for _, scope in scopes(tree)
        if isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    right = {function.name: _gives_accuracy(function) for function in functions}
    wrong = {function.name for function in functions if not _gives_accuracy(function)}
    known = Helpers(frozenset(name for name in right if name not in wrong))
    keys = [key for function in functions for key in _keys(function, known)]
    return Helpers(known.functions, frozenset(keys))


def _gives_accuracy(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    batch = _given(function, Helpers())
    returns = [node.value for node in own(function) if isinstance(node, ast.Return)]
    return bool(batch and returns) and all(
        value is not None and batch is not None and batch.accuracy(value) for value in returns
    )


def _keys(function: ast.FunctionDef | ast.AsyncFunctionDef, known: Helpers) -> list[str]:
    batch = _given(function, known)
    return [
        str(key.value)
        for node in own(function) if batch is not None and isinstance(node, ast.Dict)
        for key, value in zip(node.keys, node.values, strict=True)
        if isinstance(key, ast.Constant) and batch is not None and batch.accuracy(value)
    ]


def _given(function: Scope, known: Helpers) -> Batch | None:
    """What a function is given as one batch; None when it loops, or is given a loader."""
    assert isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
    nodes = list(own(function))
    arguments = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
    loops = any(isinstance(node, (ast.For, ast.AsyncFor, ast.While)) for node in nodes)
    if loops or any(map(_LOADER.search, arguments)):
        return None
    return Batch({*arguments, *stored(nodes)} - {"self"}, values(nodes, nodes), known)
