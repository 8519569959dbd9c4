"""The texts that an expression can be, as far as they are certain."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import cached_property

from grader.submissions.allowlist.names import Names
from grader.submissions.allowlist.syntax import (
    SCOPES,
    arguments,
    default_of,
    fold,
    items,
    last_name,
)

_READERS = frozenset({"dict", "enumerate", "len", "list", "print", "sorted", "zip"})
_MOST_WORK = 1_000_000   # nodes that are looked at to find the texts of names, for one file


class Code(Names):
    """A file: its names, and the texts that they can hold."""

    def __init__(
        self, tree: ast.Module, from_own: Mapping[str, str], modules: frozenset[str],
        elsewhere: frozenset[str] = frozenset(),
    ) -> None:
        """Read a file.

        Args:
            tree: The file.
            from_own: As for `Names`.
            modules: As for `Names`.
            elsewhere: Names in the submission's other files, which may change what is here.
        """
        super().__init__(tree, from_own, modules)
        self._left = _MOST_WORK
        self._elsewhere = elsewhere

    def texts(self, node: ast.AST, depth: int = 0) -> list[str] | None:
        """Return all texts that an expression can be, or None if that is not certain."""
        self._left -= 1
        if depth > 8 or self._left < 0:
            return None
        if (text := fold(node)) is not None:
            return [text]
        if self._runs_texts:
            return None
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
            case ast.Subscript(value=ast.Name(id=name), slice=ast.Constant(value=str(key))):
                return self._of_key(name, key, depth)
            case ast.Call(func=ast.Attribute(value=of, attr="lower" | "upper" | "strip"), args=[]):
                return self.texts(of, depth + 1)
        return None

    @cached_property
    def _runs_texts(self) -> bool:
        """True if code in a text may give any name another value."""
        return any(
            isinstance(one, ast.Name) and one.id in ("exec", "eval", "compile")
            and self.is_builtin(one)
            for one in self.nodes
        )

    def _is_only_read(self, name: str) -> bool:
        """Return True for a list or a dictionary that nothing changes after it was written."""
        self._left -= len(self.nodes)
        for node in self.nodes:
            if not (isinstance(node, ast.Name) and node.id == name):
                continue
            if not isinstance(node.ctx, ast.Load):
                continue   # told by `values`
            match self.parents.get(node):
                case ast.For() | ast.comprehension() | ast.Compare() | ast.FormattedValue():
                    pass
                case ast.Subscript(ctx=ast.Load(), value=value) if value is node:
                    pass
                case ast.Attribute(attr="get" | "items" | "keys" | "values" | "index" | "count"):
                    pass
                case ast.Call(func=ast.Name(id=called)) if called in _READERS:
                    pass
                case ast.keyword(arg=None) | ast.Starred() | ast.Subscript(ctx=ast.Load()):
                    pass
                case _:
                    return False
        return True

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
        if name in self.imported or f".{name}" in self._elsewhere or len(known) + len(loops) != len(values):
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
                stored = any(_binds(one, name) for one in body)
                return None if stored else outer.iter
        return None

    def _items_of_name(self, loop: ast.expr) -> list[ast.expr] | None:
        if not isinstance(loop, ast.Name):
            return None
        values = self.values.get(loop.id, [])
        if len(values) != 1 or values[0] is None or loop.id in self.parameters | self._elsewhere:
            return None
        return items(values[0]) if self._is_only_read(loop.id) else None

    def _of_parameter(self, name: str, at: ast.AST, depth: int) -> list[str] | None:
        """Collect the texts of a parameter from its default and from all calls in this file."""
        self._left -= len(self.nodes)
        owner = next(
            (one for one in self.around(at) if isinstance(one, SCOPES) and name in arguments(one)),
            None,
        )
        if not isinstance(owner, ast.FunctionDef) or owner.decorator_list:
            return None
        positions = [*owner.args.posonlyargs, *owner.args.args]
        method = isinstance(self.parents.get(owner), ast.ClassDef)
        called = self._class_of(owner) if owner.name == "__init__" else owner.name
        if called in self._elsewhere or name in self._stored_inside(owner):
            return None
        if owner.name == "__init__" and self._makes_unnamed:
            return None
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
                named = isinstance(node, (ast.Name, ast.Attribute)) and last_name(node) == called
                if named and not self._is_called(node):
                    return None   # it goes elsewhere
                continue
            calls += 1
            given = next((one.value for one in node.keywords if one.arg == name), None)
            if any(one.arg is None for one in node.keywords):
                return None
            if any(isinstance(one, ast.Starred) for one in node.args):
                return None
            place = None if index is None else index - method
            if given is None and place is not None and 0 <= place < len(node.args):
                given = node.args[place]
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
        return False

    def _stored_inside(self, function: ast.FunctionDef) -> set[str]:
        """Return the names that a function binds beside its parameters, which `values` tells."""
        return {
            name for node in ast.walk(function) if isinstance(node, (ast.MatchAs, ast.MatchStar))
            and (name := node.name) is not None
        }

    @cached_property
    def _makes_unnamed(self) -> bool:
        """True if an object may be made without the name of its class: `cls(x)`, `type(a)(x)`."""
        return any(
            isinstance(node, ast.Call) and (
                isinstance(node.func, ast.Call) or last_name(node.func) in ("cls", "__class__")
            )
            for node in self.nodes
        )

    def _class_of(self, method: ast.AST) -> str | None:
        outer = self.parents.get(method)
        return outer.name if isinstance(outer, ast.ClassDef) else None

    def _of_field(self, attr: str, depth: int) -> list[str] | None:
        """Collect the texts of `args.attr` or `self.attr`: options, fields, class attributes."""
        self._left -= len(self.nodes)
        if f".{attr}" in self._elsewhere or self._options_are_unsure:
            return None
        given: list[ast.expr] = []
        known = False
        for node in self.nodes:
            match node:
                case ast.Call(func=ast.Attribute(attr="add_argument"), keywords=keywords) if attr in (
                    (fold(one) or "").lstrip("-").replace("-", "_") for one in node.args
                ):
                    options = {one.arg: one.value for one in keywords}
                    if last_name(options.get("type", ast.Name("str"))) != "str" or None in options:
                        return None
                    if fold(options.get("action") or ast.Constant("store")) != "store":
                        return None
                    known = True
                    given += [options["default"]] if "default" in options else []
                case ast.AnnAssign(target=ast.Name(id=name), value=value) if (
                    name == attr and value is not None and self.in_class(node)
                ):
                    given.append(value)
                case ast.Assign(targets=[ast.Name(id=name)]) if name == attr and self.in_class(node):
                    given.append(node.value)
                case ast.Attribute(attr=name, ctx=ast.Store() | ast.Del()) if name == attr:
                    outer = self.parents.get(node)
                    if not isinstance(outer, ast.Assign):
                        return None
                    given.append(outer.value)
                case ast.keyword(arg=name, value=value) if name == attr:
                    given.append(value)
        return self._all(given, depth) if known or given else None

    @cached_property
    def _options_are_unsure(self) -> bool:
        """True if fields get values in ways that are not followed."""
        for node in self.nodes:
            match node:
                case ast.Call(func=ast.Attribute(attr="parse_args" | "parse_known_args"), args=[_, *_]):
                    return True
                case ast.Call(func=ast.Attribute(attr="register")):
                    return True
                case ast.Call(func=ast.Attribute(attr="set_defaults"), keywords=keywords):
                    if any(one.arg is None for one in keywords):
                        return True
                case ast.Attribute(attr="argv") if not isinstance(
                    self.parents.get(node), (ast.Subscript, ast.Call, ast.Compare)
                ) or not isinstance(node.ctx, ast.Load):
                    return True
                case ast.Subscript(value=ast.Attribute(attr="argv"), ctx=ast.Store() | ast.Del()):
                    return True
                case ast.Call(func=ast.Name(id="vars"), args=[_]) | ast.Attribute(attr="__dict__"):
                    if self._is_handed_on(node):
                        return True
        return False

    def _is_handed_on(self, node: ast.AST) -> bool:
        """Return True where a dictionary of fields goes to where it may be changed."""
        match self.parents.get(node):
            case ast.Assign() | ast.NamedExpr() | ast.Return() | ast.List() | ast.Tuple():
                return True
            case ast.Call(func=called) if called is not node:
                return isinstance(called, ast.Name) and called.id in self.values
        return False

    def _of_key(self, name: str, key: str, depth: int) -> list[str] | None:
        """Collect the texts of `config["key"]`, where `config` is written as a dictionary."""
        values = self.values.get(name, [])
        if not values or name in self.parameters | self._elsewhere or not self._is_only_read(name):
            return None
        given: list[ast.expr] = []
        for value in values:
            match value:
                case ast.Dict(keys=keys, values=row) if None not in keys:
                    pairs = zip(keys, row, strict=True)
                    given += [one for at, one in pairs if at is not None and fold(at) == key]
                case ast.Call(func=ast.Name(id="dict"), args=[], keywords=several):
                    given += [one.value for one in several if one.arg in (key, None)]
                case _:
                    return None
        return self._all(given, depth) if given else None


def _binds(node: ast.AST, name: str) -> bool:
    if isinstance(node, ast.Name):
        return node.id == name and not isinstance(node.ctx, ast.Load)
    return isinstance(node, (ast.MatchAs, ast.MatchStar, ast.ExceptHandler)) and node.name == name
