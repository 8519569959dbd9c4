"""Rules on names: imports, attributes, builtins, assignments, definitions, texts."""

from __future__ import annotations

import ast

from grader.submissions.allowlist import allowed
from grader.submissions.allowlist.code import Code
from grader.submissions.allowlist.findings import Findings, Found, Upload
from grader.submissions.allowlist.objects import handed_on, of_attribute, of_dict, of_store
from grader.submissions.allowlist.syntax import fold, is_dunder, is_super


def findings(names: Code, upload: Upload) -> Findings:
    """Yield what a file does outside the allowlist, apart from its calls."""
    for node in names.nodes:
        match node:
            case ast.Import() | ast.ImportFrom():
                yield from _imports(node, upload)
            case ast.Attribute():
                yield from _attribute(node, names, upload)
            case ast.Name():
                yield from _name(node, names)
            case ast.MatchClass(kwd_attrs=attributes):
                for attribute in attributes:
                    yield from of_attribute(attribute, node, upload)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                if is_dunder(node.name) and node.name not in allowed.DEFINED | allowed.GLOBALS:
                    yield Found(node, f"defines {node.name}")
            case ast.Constant(value=str()) | ast.BinOp():
                yield from _text(node, names)


def _imports(node: ast.Import | ast.ImportFrom, upload: Upload) -> Findings:
    if isinstance(node, ast.Import):
        wanted = [alias.name for alias in node.names]
    elif node.level:
        wanted = []
    else:
        wanted = [f"{node.module}.{alias.name}" for alias in node.names]
        if any(alias.name == "*" for alias in node.names) and node.module in allowed.PARTS:
            yield Found(node, f"imports everything from {node.module}")
            return
        wanted = [one.removesuffix(".*") for one in wanted]
    for full in wanted:
        if (why := upload.why_not(full)) is not None:
            yield Found(node, why, reaches=_reaches(full))
    for full in wanted:
        for part in full.split("."):
            if part not in ("__future__", "__main__"):
                yield from of_attribute(part, node, upload, of_library=not upload.is_own(full))


def _reaches(full: str) -> bool:
    """Return False for an unknown package: it is no part of Python or of the grader."""
    parts = full.split(".")
    known = parts[0] in allowed.WHOLE | allowed.RESTRICTED | {"grader"}
    return known and parts[0] not in ("threading", "asyncio", "socket", "subprocess", "unittest",
                                      "pytest", "concurrent", "http", "os")


def _attribute(node: ast.Attribute, names: Code, upload: Upload) -> Findings:
    outer = names.parents.get(node)
    if isinstance(node.ctx, (ast.Store, ast.Del)):
        yield from of_store(node.value, node.attr, _value(node, names), node, names, upload)
    if is_super(node.value) and node.attr in allowed.DEFINED:
        return
    if node.attr in ("__setattr__", "__getattr__") and (
        isinstance(outer, ast.Call) and outer.func is node
    ):
        return   # a call like those of setattr and getattr
    if node.attr == "__init__":
        if isinstance(outer, ast.Call) and names.dotted(outer.func) == "inspect.signature":
            return
        given = outer.args[:1] if isinstance(outer, ast.Call) and outer.func is node else []
        if not any(isinstance(one, ast.Name) and one.id == "self" for one in given):
            yield Found(node, "reads __init__ of something else than super()")
        return
    if node.attr == "__dict__" and isinstance(node.ctx, ast.Store):
        return
    if node.attr == "__dict__":
        yield from of_dict(node, node.value, names, upload)
        return
    whole = names.dotted(node)
    of_library = whole is not None and not upload.is_own(whole)
    yield from of_attribute(node.attr, node, upload, of_library=of_library)
    if not isinstance(outer, ast.Attribute):   # the whole dotted name
        full = names.dotted(node)
        if full is None:
            yield from _by_own_module(node, names, upload)
            return
        if full == "sys.modules" and _only_looked_up(node, names):
            return
        if (why := upload.why_not(full)) is not None:
            yield Found(node, why, reaches=_reaches(full))
        elif full in allowed.MODULES:
            yield from handed_on(node, full, names)


def _by_own_module(node: ast.Attribute, names: Code, upload: Upload) -> Findings:
    """Yield a finding for `anything.os.write`: a module that an object or another module holds."""
    parts: list[str] = []
    inner: ast.expr = node
    while isinstance(inner, ast.Attribute) and len(parts) < 10:
        parts.insert(0, inner.attr)
        inner = inner.value
    if isinstance(inner, ast.Name) and inner.id == "self":
        return
    for index, part in enumerate(parts):
        if part in allowed.HELD and (why := upload.why_not(".".join(parts[index:]))):
            yield Found(node, why)
            return


def _only_looked_up(node: ast.AST, names: Code) -> bool:
    outer = names.parents.get(node)
    return (
        isinstance(outer, ast.Compare)
        and all(isinstance(one, (ast.In, ast.NotIn)) for one in outer.ops)
        and fold(outer.left) is not None
    )


def _name(node: ast.Name, names: Code) -> Findings:
    name = node.id
    if not isinstance(node.ctx, ast.Load):
        if is_dunder(name) and name not in allowed.DEFINED | allowed.GLOBALS | {"__slots__"}:
            yield Found(node, f"assigns {name}")
        return
    if is_dunder(name) and name not in allowed.GLOBALS | allowed.DEFINED:
        yield Found(node, f"reads {name}")
    elif name in allowed.FORBIDDEN_BUILTINS and names.is_builtin(node):
        yield Found(node, f"uses {name}")
    elif name in allowed.CALLED_ONLY and names.is_builtin(node):
        outer = names.parents.get(node)
        if not (isinstance(outer, ast.Call) and outer.func is node):
            yield Found(node, f"hands {name} on")
    elif not isinstance(names.parents.get(node), ast.Attribute):
        full = names.dotted(node)
        if full is None or name in names.rebound:
            return
        if full in allowed.MODULES or full in allowed.PARTS or full in _module_imports(names):
            yield from handed_on(node, full, names)


def _module_imports(names: Code) -> set[str]:
    found: set[str] | None = names.__dict__.get("_modules_imported")
    if found is None:
        found = {alias.name for node in names.nodes if isinstance(node, ast.Import)
                 for alias in node.names}
        names.__dict__["_modules_imported"] = found
    return found


def _value(node: ast.AST, names: Code) -> ast.expr | None:
    outer = names.parents.get(node)
    return outer.value if isinstance(outer, (ast.Assign, ast.AnnAssign)) else None


def _text(node: ast.expr, names: Code) -> Findings:
    outer = names.parents.get(node)
    within = isinstance(node, ast.BinOp) and isinstance(outer, ast.BinOp)
    if within or isinstance(outer, ast.Expr):
        return   # a docstring, or a part of a longer sum
    text = fold(node)
    if text is not None and (found := allowed.IN_TEXT.search(text)) is not None:
        yield Found(node, f"has the text {found[0][:40]!r}")
