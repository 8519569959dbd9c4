"""Where calls stand that a mistake may lie in: clearing gradients, softmax, loaders, Normalize."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from grader.worker.reading.spots import MOST, Spot, called, own, parsed, scopes, spot, words
from grader.worker.sources import Source

_TORCH = "torch"
_GRADIENT = re.compile(r"\.grad\b")
_CHANNELS = 16   # at most, of [0.5] * 3
_SOFTMAX = {"softmax": "softmax", "Softmax": "softmax", "Softmax2d": "softmax",
            "log_softmax": "log_softmax", "LogSoftmax": "log_softmax"}
_OF_A_LOADER = ("dataset", "batch_size", "shuffle", "sampler", "batch_sampler")


@dataclass(frozen=True)
class Loader:
    """A DataLoader as it is written: text of its arguments, None where one is not given.

    `shuffle` is `**settings` where it may be among arguments that are not written out.
    """

    spot: Spot
    dataset: str
    shuffle: str | None
    sampler: str | None


@dataclass(frozen=True)
class Normalisation:
    """A Normalize transform; `mean` and `std` are None where they are not written as numbers."""

    spot: Spot
    mean: tuple[float, ...] | None
    std: tuple[float, ...] | None


def zero_grad_calls(files: Sequence[Source]) -> list[Spot]:
    """Where gradients are cleared: by `zero_grad()`, or by hand."""
    found = []
    for source, tree in parsed(files):
        for within, scope in scopes(tree):
            for node in own(scope):
                match node:
                    case ast.Call(ast.Attribute(_, "zero_grad")):
                        found.append(spot("zero_grad", source, node, within))
                    case ast.Call(ast.Attribute(of, "zero_" | "fill_")) if _GRADIENT.search(
                        words(of)
                    ):
                        found.append(spot("zero_grad", source, node, within))
                    case ast.Assign([ast.Attribute(_, "grad")], ast.Constant(None)):
                        found.append(spot("zero_grad", source, node, within))
    return found[:MOST]


def softmax_places(files: Sequence[Source]) -> list[Spot]:
    """Calls of torch's softmax as a function, a layer or a method, of the kind "softmax"; those of
    its logarithm are of the kind "log_softmax".

    `self.softmax(x)` calls a layer of the network's own, which is told where it is made.
    """
    return [
        spot(_SOFTMAX[call.name], call.source, call.node, call.within)
        for call in _calls(files)
        if call.name in _SOFTMAX and (call.home.startswith(_TORCH) or call.is_method)
    ][:MOST]


def shuffles(files: Sequence[Source]) -> list[Loader]:
    """Every DataLoader that is made, and whether it shuffles, as written."""
    found = []
    for call in _calls(files):
        if call.name != "DataLoader":
            continue
        given = dict(zip(_OF_A_LOADER, map(words, call.node.args), strict=False))
        given |= {keyword.arg or "**": words(keyword.value) for keyword in call.node.keywords}
        hidden = f"**{given['**']}" if "**" in given else None
        found.append(Loader(
            spot("loader", call.source, call.node, call.within),
            given.get("dataset", hidden or ""),
            given.get("shuffle", hidden),
            given.get("sampler", given.get("batch_sampler")),
        ))
    return found[:MOST]


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

    @property
    def is_method(self) -> bool:
        """Of something that is no module and not the student's own object."""
        function = self.node.func
        return isinstance(function, ast.Attribute) and not self.home and words(
            function.value) != "self"


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
