"""The texts that an expression can be, as far as they are certain."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from grader.submissions.allowlist.names import Names
from grader.submissions.allowlist.syntax import (
    SCOPES,
    arguments,
    default_of,
    fold,
    items,
    last_name,
)

_MOST_WORK = 1_000_000   # nodes that are looked at to find the texts of names, for one file


class Code(Names):
    """A file: its names, and the texts that they can hold."""

    def __init__(
        self, tree: ast.Module, from_own: Mapping[str, str], modules: frozenset[str]
    ) -> None:
        """Read a file; the arguments are those of `Names`."""
        super().__init__(tree, from_own, modules)
        self._left = _MOST_WORK

    def texts(self, node: ast.AST, depth: int = 0) -> list[str] | None:
        """Return all texts that an expression can be, or None if that is not certain."""
        self._left -= 1
        if depth > 8 or self._left < 0:
            return None
        if (text := fold(node)) is not None:
            return [text]
        match node:
            case ast.Constant(value=None):
                return []
            case ast.IfExp():
                return self._all([node.body, node.orelse], depth)
            case ast.BoolOp():
                return self._all(node.values, depth)
            case ast.Name(id=name):
                return self._of_name(name, node, depth)
            case ast.Attribute(attr=attr):
                return self._of_field(attr, depth)
            case ast.Subscript(slice=ast.Constant(value=str(key))):
                return self._of_key(key, depth)
            case ast.Call(func=ast.Attribute(value=of, attr="lower" | "upper" | "strip"), args=[]):
                return self.texts(of, depth + 1)
        return None

    def _all(self, nodes: list[ast.expr], depth: int) -> list[str] | None:
        found: list[str] = []
        for node in nodes:
            texts = self.texts(node, depth + 1)
            if texts is None:
                return None
            found += texts
        return found

    def _of_name(self, name: str, at: ast.AST, depth: int) -> list[str] | None:
        if (inner := self._loop_around(name, at)) is not None:
            inside = items(inner)
            inside = inside if inside is not None else self._items_of_name(inner)
            return self._all(inside, depth) if inside is not None else None
        loops = self.loops.get(name, [])
        values = self.values.get(name, [])
        self._left -= len(values)
        known = [value for value in values if value is not None]
        if name in self.imported or len(known) + len(loops) != len(values):
            return None
        found = self._all(known, depth)
        if found is None:
            return None
        for loop in loops:
            inside = items(loop)
            inside = inside if inside is not None else self._items_of_name(loop)
            texts = self._all(inside, depth) if inside is not None else None
            if texts is None:
                return None
            found += texts
        if name in self.parameters:
            texts = self._of_parameter(name, at, depth)
            return None if texts is None else found + texts
        return found if values else None

    def _loop_around(self, name: str, at: ast.AST) -> ast.expr | None:
        """Return what the innermost loop around a place runs over, if it alone binds the name."""
        for outer in self.around(at):
            if not isinstance(outer, ast.For) or not isinstance(outer.target, ast.Name):
                continue
            if outer.target.id == name:
                body = [one for part in outer.body for one in ast.walk(part)]
                self._left -= len(body)
                stored = any(isinstance(one, ast.Name) and one.id == name
                             and not isinstance(one.ctx, ast.Load) for one in body)
                return None if stored else outer.iter
        return None

    def _items_of_name(self, loop: ast.expr) -> list[ast.expr] | None:
        if not isinstance(loop, ast.Name):
            return None
        values = self.values.get(loop.id, [])
        if len(values) != 1 or values[0] is None:
            return None
        return items(values[0])

    def _of_parameter(self, name: str, at: ast.AST, depth: int) -> list[str] | None:
        """Collect the texts of a parameter from its default and from all calls in this file."""
        self._left -= len(self.nodes)
        owner = next(
            (one for one in self.around(at) if isinstance(one, SCOPES) and name in arguments(one)),
            None,
        )
        if not isinstance(owner, ast.FunctionDef):
            return None
        positions = [*owner.args.posonlyargs, *owner.args.args]
        method = isinstance(self.parents.get(owner), ast.ClassDef)
        called = self._class_of(owner) if owner.name == "__init__" else owner.name
        index = next((i for i, one in enumerate(positions) if one.arg == name), None)
        found: list[str] = []
        if (default := default_of(owner.args, name)) is not None:
            texts = self.texts(default, depth + 1)
            if texts is None:
                return None
            found += texts
        calls = 0
        for node in self.nodes:
            if not isinstance(node, ast.Call) or last_name(node.func) != called:
                if isinstance(node, ast.Name) and node.id == called and not self._is_called(node):
                    return None   # it goes elsewhere
                continue
            calls += 1
            given = next((one.value for one in node.keywords if one.arg == name), None)
            if any(one.arg is None for one in node.keywords):
                return None
            place = None if index is None else index - method
            if given is None and place is not None and 0 <= place < len(node.args):
                given = node.args[place]
                if any(isinstance(one, ast.Starred) for one in node.args[: place + 1]):
                    return None
            if given is not None:
                texts = self.texts(given, depth + 1)
                if texts is None:
                    return None
                found += texts
        return found if calls or found else None

    def _is_called(self, node: ast.AST) -> bool:
        outer = self.parents.get(node)
        if isinstance(outer, ast.Call):
            asks = ("isinstance", "issubclass", "super")
            return outer.func is node or last_name(outer.func) in asks
        return isinstance(outer, ast.ClassDef)

    def _class_of(self, method: ast.AST) -> str | None:
        outer = self.parents.get(method)
        return outer.name if isinstance(outer, ast.ClassDef) else None

    def _of_field(self, attr: str, depth: int) -> list[str] | None:
        """Collect the texts of `args.attr` or `self.attr`: options, fields, class attributes."""
        self._left -= len(self.nodes)
        found: list[str] = []
        known = False
        for node in self.nodes:
            given: ast.expr | None = None
            match node:
                case ast.Call(func=ast.Attribute(attr="add_argument")) if attr in (
                    (fold(one) or "").lstrip("-").replace("-", "_") for one in node.args
                ):
                    keywords = {one.arg: one.value for one in node.keywords}
                    known, given = True, keywords.get("default")
                case ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(
                    targets=[ast.Name(id=name)]) if name == attr and self.in_class(node):
                    known, given = True, node.value
                case ast.Assign(targets=[*_, ast.Attribute(attr=name)]) if name == attr:
                    known, given = True, node.value
                case ast.Call(func=func, keywords=keywords) if last_name(func) in (
                    "SimpleNamespace", "Namespace", "dict"):
                    given = next((one.value for one in keywords if one.arg == attr), None)
                    known = known or given is not None
            if given is not None:
                texts = self.texts(given, depth + 1)
                if texts is None:
                    return None
                found += texts
        return found if known else None

    def _of_key(self, key: str, depth: int) -> list[str] | None:
        """Collect the texts of `config["key"]` from all dictionaries and stores in the file."""
        self._left -= len(self.nodes)
        given: list[ast.expr] = []
        for node in self.nodes:
            match node:
                case ast.Dict():
                    pairs = zip(node.keys, node.values, strict=True)
                    given += [v for k, v in pairs if k is not None and fold(k) == key]
                case ast.Assign(targets=[ast.Subscript(slice=ast.Constant(value=str(stored)))]):
                    given += [node.value] if stored == key else []
                case ast.Call(func=ast.Name(id="dict")):
                    given += [one.value for one in node.keywords if one.arg == key]
        return self._all(given, depth) if given else None
