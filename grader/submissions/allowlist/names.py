"""Facts about the names of a file: what they are bound to, and what imported ones stand for.

Nothing is traced through containers or calls. A question that has no certain answer gets None,
and the rules then take the name for anything.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cached_property

from grader.submissions.allowlist.allowed import RESTRICTED
from grader.submissions.allowlist.syntax import (
    DEEPEST,
    SCOPES,
    Function,
    arguments,
    column,
    local_names,
)


class Names:
    """The names of one file.

    Attributes:
        tree: The file.
        parents: The node around each node.
        imported: The full name of what each imported name stands for, such as "torch.nn".
        values: All that is assigned to each name. None: by a loop, a `with` or in another way.
        loops: What each loop variable runs over.
    """

    def __init__(
        self, tree: ast.Module, from_own: Mapping[str, str], modules: frozenset[str]
    ) -> None:
        """Read a file.

        Args:
            tree: The file.
            from_own: What imported names of the submission's files stand for.
            modules: The names of the submission's own modules.
        """
        self.tree = tree
        self.nodes = list(ast.walk(tree))
        self.parents: dict[ast.AST, ast.AST] = {}
        self.imported: dict[str, str] = {}
        self.values: dict[str, list[ast.expr | None]] = {}
        self.loops: dict[str, list[ast.expr]] = {}
        self._from_own = from_own
        self._modules = modules
        self._locals: dict[Function, set[str]] = {}
        self._given: dict[Function, set[str]] = {}
        for node in self.nodes:
            for child in ast.iter_child_nodes(node):
                self.parents[child] = node
        for node in self.nodes:
            self._read(node)
        self._follow_aliases()

    def _read(self, node: ast.AST) -> None:
        match node:
            case ast.Import():
                for alias in node.names:
                    name = alias.name if alias.asname else alias.name.partition(".")[0]
                    self._import(alias.asname or name, name)
            case ast.ImportFrom():
                for alias in node.names:
                    full = f"{'.' * node.level}{node.module or ''}.{alias.name}"
                    own = self._from_own.get(alias.name) if self._is_own(node) else None
                    self._import(alias.asname or alias.name, own or full)
            case ast.Assign():
                for target in node.targets:
                    self._bind(target, node.value)
            case ast.AnnAssign() if node.value is not None:
                self._bind(node.target, node.value)
            case ast.NamedExpr():
                self._bind(node.target, node.value)
            case ast.For() | ast.AsyncFor() | ast.comprehension():
                self._loop(node.target, node.iter)
            case ast.Name(ctx=ast.Store() | ast.Del()):
                self.values.setdefault(node.id, [])
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                self.values.setdefault(node.name, []).append(None)
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                self.values.setdefault(name, []).append(None)
            case ast.MatchMapping(rest=str(name)) | ast.ExceptHandler(name=str(name)):
                self.values.setdefault(name, []).append(None)
            case ast.AugAssign(target=ast.Name(id=name)):
                self.values.setdefault(name, []).append(None)
            case ast.withitem() if node.optional_vars is not None:
                self._bind(node.optional_vars, None)

    def _import(self, name: str, full: str) -> None:
        """Note what a name stands for; of several things, the one that is trusted least."""
        # Python 2 called it so, and old scripts still try it first.
        full = re.sub(r"^(?:six\.moves\.)?cPickle\b", "pickle", full)
        known = self.imported.get(name)
        if known is None or _trust(full) < _trust(known):
            self.imported[name] = full

    def _is_own(self, node: ast.ImportFrom) -> bool:
        return node.level > 0 or (node.module or "").partition(".")[0] in self._modules

    def _bind(self, target: ast.expr, value: ast.expr | None) -> None:
        if isinstance(target, ast.Name):
            self.values.setdefault(target.id, []).append(value)
        elif isinstance(target, (ast.Tuple, ast.List)):
            pairs = isinstance(value, (ast.Tuple, ast.List)) and len(value.elts) == len(target.elts)
            for index, inner in enumerate(target.elts):
                self._bind(inner, value.elts[index] if pairs else None)  # type: ignore[union-attr]  # `pairs` says so
        elif isinstance(target, ast.Starred):
            self._bind(target.value, None)

    def _loop(self, target: ast.expr, over: ast.expr) -> None:
        for node in ast.walk(target):
            if isinstance(node, ast.Name):
                self.values.setdefault(node.id, []).append(None)
        if isinstance(target, ast.Name):
            self.loops.setdefault(target.id, []).append(over)
        elif isinstance(target, ast.Tuple):
            for index, inner in enumerate(target.elts):
                if isinstance(inner, ast.Name) and (one := column(over, index)) is not None:
                    self.loops.setdefault(inner.id, []).append(one)

    def _follow_aliases(self) -> None:
        """Let `nn = torch.nn` stand for what it was imported as; three steps of it suffice."""
        for _ in range(3):
            for name, values in self.values.items():
                for value in values:
                    if isinstance(value, (ast.Name, ast.Attribute)):
                        full = self.dotted(value)
                        if full is not None and full.count(".") < DEEPEST:
                            self._import(name, full)

    def dotted(self, node: ast.AST) -> str | None:
        """Return the full name of an imported thing: "torch.nn.functional.relu" for `F.relu`."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute) and len(parts) < DEEPEST:
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name) or self._is_parameter(node):
            return None
        root = self.imported.get(node.id)
        if root is None and node.id not in self.bound:
            # Brought in by `from utils import *`, or a notebook's own name.
            root = self._from_own.get(node.id, node.id if node.id in RESTRICTED else None)
        return None if root is None else ".".join([root, *reversed(parts)])

    def _is_parameter(self, node: ast.Name) -> bool:
        if node.id not in self.parameters or node.id in self._imported_inside:
            return False
        for scope in self.around(node):
            if isinstance(scope, SCOPES):
                if scope not in self._given:
                    self._given[scope] = arguments(scope)
                if node.id in self._given[scope]:
                    return True
        return False

    @cached_property
    def parameters(self) -> frozenset[str]:
        return frozenset(node.arg for node in self.nodes if isinstance(node, ast.arg))

    @cached_property
    def _imported_inside(self) -> frozenset[str]:
        """Names that an import within a function, a class or a block binds."""
        kinds = (ast.Import, ast.ImportFrom)
        return frozenset(
            (alias.asname or alias.name).partition(".")[0]
            for node in self.nodes
            if isinstance(node, kinds) and self.parents[node] is not self.tree
            for alias in node.names
        )

    @cached_property
    def bound(self) -> frozenset[str]:
        """All names that the file binds anywhere, parameters among them."""
        arguments = {node.arg for node in self.nodes if isinstance(node, ast.arg)}
        caught = {
            name
            for node in self.nodes
            if isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar))
            and (name := node.name) is not None
        }
        return frozenset(self.values) | arguments | caught | frozenset(self.imported)

    @cached_property
    def rebound(self) -> frozenset[str]:
        """Names that are given the result of a call somewhere, also if they were imported."""
        return frozenset(
            name for name, values in self.values.items()
            if any(isinstance(value, ast.Call) for value in values)
        )

    @cached_property
    def _defined(self) -> dict[str, int]:
        """The line of the first definition of each function and class at the top of the file."""
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        return {one.name: one.lineno for one in reversed(self.tree.body) if isinstance(one, kinds)}

    def around(self, node: ast.AST) -> Iterator[ast.AST]:
        """Yield the nodes around a node, the innermost first."""
        while (outer := self.parents.get(node)) is not None:
            yield outer
            node = outer

    def function(self, node: ast.AST) -> Function | None:
        """Return the innermost function around a node."""
        return next((one for one in self.around(node) if isinstance(one, SCOPES)), None)

    def in_class(self, node: ast.AST) -> bool:
        """Return True in the body of a class, outside its methods."""
        for outer in self.around(node):
            if isinstance(outer, SCOPES):
                return False
            if isinstance(outer, ast.ClassDef):
                return True
        return False

    def is_builtin(self, node: ast.Name) -> bool:
        """Return True unless the file certainly gives this name another meaning here."""
        for scope in self.around(node):
            if isinstance(scope, SCOPES):
                if scope not in self._locals:
                    self._locals[scope] = local_names(scope)
                if node.id in self._locals[scope]:
                    return False
        if node.id in self.imported:
            return False
        return self._defined.get(node.id, node.lineno) >= node.lineno


def _trust(full: str) -> int:
    """Return a rank: the submission's own, then usual modules, then all others as the least."""
    top = full.partition(".")[0]
    return 2 if not top else 0 if top == "grader" or top in RESTRICTED else 1
