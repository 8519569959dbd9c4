"""Small questions about nodes of a syntax tree."""

from __future__ import annotations

import ast
from collections.abc import Iterator

DEEPEST = 40   # parts of a dotted name, or of a text that is put together
SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda



def fold(node: ast.AST, depth: int = 0) -> str | None:
    """Return the text of a constant, also of one that is put together by `+`."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add) and depth < DEEPEST:
        left, right = fold(node.left, depth + 1), fold(node.right, depth + 1)
        return left + right if left is not None and right is not None else None
    if isinstance(node, ast.JoinedStr) and all(isinstance(v, ast.Constant) for v in node.values):
        return "".join(str(v.value) for v in node.values if isinstance(v, ast.Constant))
    return None


def beginning(node: ast.AST, depth: int = 0) -> str:
    """Return the text that an expression certainly begins with; "" if none is certain."""
    if (text := fold(node)) is not None:
        return text
    match node:
        case ast.JoinedStr(values=[ast.Constant(value=str(first)), *_]):
            return first
        case ast.BinOp(left=left, op=ast.Add()) if depth < DEEPEST:
            return beginning(left, depth + 1)
        case ast.BinOp(left=ast.Constant(value=str(pattern)), op=ast.Mod()):
            return pattern.partition("%")[0]
        case ast.Call(func=ast.Attribute(value=ast.Constant(value=str(pattern)), attr="format")):
            return pattern.partition("{")[0]
    return ""


def ending(node: ast.AST) -> str:
    """Return the text that an expression certainly ends with; "" if none is certain."""
    match node:
        case ast.JoinedStr(values=[*_, ast.Constant(value=str(last))]):
            return last
        case ast.BinOp(right=ast.Constant(value=str(last)), op=ast.Add()):
            return last
    return ""


def column(over: ast.expr, index: int) -> ast.expr | None:
    """Return what one of several loop variables runs over, as in `enumerate` or `zip`."""
    match over:
        case ast.Call(func=ast.Name(id="enumerate"), args=[inner, *_]):
            return inner if index == 1 else None
        case ast.Call(func=ast.Name(id="zip"), args=args) if index < len(args):
            return args[index]
        case ast.Call(func=ast.Attribute(value=ast.Dict(keys=keys, values=values), attr="items")):
            row: list[ast.expr] = [one for one in keys if one] if index == 0 else list(values)
            return ast.List(row, ast.Load())
        case ast.List(elts=rows) | ast.Tuple(elts=rows):
            column = [row.elts[index] for row in rows
                      if isinstance(row, (ast.Tuple, ast.List)) and index < len(row.elts)]
            return ast.List(column, ast.Load()) if len(column) == len(rows) else None
    return None


def items(over: ast.expr) -> list[ast.expr] | None:
    match over:
        case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
            return items
        case ast.Dict(keys=keys):
            return [one for one in keys if one is not None]
        case ast.Call(func=ast.Attribute(value=ast.Constant(value=str(words)), attr="split")):
            return [ast.Constant(word) for word in words.replace(",", " ").split()]
    return None


def arguments(function: Function) -> set[str]:
    of = function.args
    several = [one for one in (of.vararg, of.kwarg) if one is not None]
    return {one.arg for one in (*of.posonlyargs, *of.args, *of.kwonlyargs, *several)}


def local_names(function: Function) -> set[str]:
    """Return the names that a function binds itself, apart from those that it shares."""
    if isinstance(function, ast.Lambda):
        return arguments(function)
    names, shared = arguments(function), set()
    for node in _own_nodes(function):
        match node:
            case ast.Name(id=name, ctx=ast.Store()):
                names.add(name)
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.Global(names=several) | ast.Nonlocal(names=several):
                shared |= set(several)
    return names - shared


def _own_nodes(function: ast.AST) -> Iterator[ast.AST]:
    """Walk a function without the functions, classes and comprehensions inside it."""
    inside = list(ast.iter_child_nodes(function))
    while inside:
        node = inside.pop()
        yield node
        apart = (*SCOPES, ast.ClassDef, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
        if not isinstance(node, apart):
            inside += ast.iter_child_nodes(node)


def default_of(of: ast.arguments, name: str) -> ast.expr | None:
    positional = [*of.posonlyargs, *of.args]
    pairs = [*zip(positional[len(positional) - len(of.defaults):], of.defaults, strict=True),
             *zip(of.kwonlyargs, of.kw_defaults, strict=True)]
    return next((value for one, value in pairs if one.arg == name), None)


def last_name(node: ast.AST | None) -> str | None:
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(attr=name):
            return name
    return None


def root_of(node: ast.expr) -> str | None:
    depth = 0
    while isinstance(node, (ast.Attribute, ast.Subscript)) and depth < 40:
        node, depth = node.value, depth + 1
    return node.id if isinstance(node, ast.Name) else None


def is_super(node: ast.expr) -> bool:
    """Return True for a call of `super`."""
    return isinstance(node, ast.Call) and last_name(node.func) == "super"


def is_dunder(name: str) -> bool:
    return name.startswith("__") and name.endswith("__") and len(name) > 4


def shape_of(node: ast.AST) -> str:
    """Return a text that equal expressions share; "" for one that is nested too deeply."""
    try:
        return ast.dump(node)
    except RecursionError:
        return ""
