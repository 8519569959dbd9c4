"""Rules on what a file may do to objects: their attributes, dictionaries, and modules as values."""

from __future__ import annotations

import ast

from grader.submissions.allowlist import allowed
from grader.submissions.allowlist.code import Code
from grader.submissions.allowlist.findings import Findings, Found, Upload
from grader.submissions.allowlist.syntax import is_dunder, last_name, root_of

_HARMLESS_USES = allowed.words("hasattr getattr dir print isinstance type repr str id help reload")


def of_attribute(
    name: str, node: ast.AST, upload: Upload, *, of_library: bool = False
) -> Findings:
    """Yield a finding for a name of an attribute that homework does not need.

    Args:
        name: The attribute.
        node: The place for the remark.
        upload: The whole submission, whose own private names are allowed.
        of_library: It is no attribute of the submission's own objects.
    """
    own = frozenset() if of_library else upload.private
    if name in allowed.BLOCKED or name.startswith("_global_") or name == "_C":
        yield Found(node, f"reads {name}")
    elif is_dunder(name):
        if name not in allowed.DUNDERS | allowed.GLOBALS | {"__dict__"}:
            yield Found(node, f"reads {name}")
    elif name.startswith("_") and name.strip("_") and (
        name not in allowed.PRIVATE | own
    ):
        yield Found(node, f"reads the private attribute {name}", reaches=False)


def handed_on(node: ast.expr, full: str, names: Code) -> Findings:
    """Yield a finding where a module is handed on, since a parameter may then stand for it."""
    outer = names.parents.get(node)
    match outer:
        case ast.Assign(targets=[ast.Name()], value=value) if value is node:
            if not names.in_class(node):
                return
        case ast.Call(func=ast.Name(id=called) | ast.Attribute(attr=called)) if (
            called in _HARMLESS_USES and outer.func is not node
        ):
            return
        case ast.Expr() | ast.FormattedValue() | ast.Compare() | ast.arg() | ast.AnnAssign():
            return
        case ast.Tuple() | ast.List() if _only_named(outer, names):
            return
    yield Found(node, f"hands the module {full} on")


def _only_named(several: ast.expr, names: Code) -> bool:
    """Return True for `for module in (torch, numpy): print(module.__version__)`."""
    loop = names.parents.get(several)
    if not isinstance(loop, ast.For) or not isinstance(loop.target, ast.Name):
        return False
    uses = [one for one in ast.walk(loop)
            if isinstance(one, ast.Name) and one.id == loop.target.id and one is not loop.target]
    told = ("__name__", "__version__", "__file__")
    return all(isinstance(use := names.parents.get(one), ast.Attribute) and use.attr in told
               for one in uses)


def of_store(
    of: ast.expr, name: str, value: ast.expr | None, node: ast.AST, names: Code, upload: Upload
) -> Findings:
    """Yield a finding where something is replaced that belongs to a library.

    Args:
        of: The object whose attribute is assigned or deleted.
        name: The attribute.
        value: What is assigned; None if that is not told in one expression.
        node: The place for the remark.
        names: The names of the file.
        upload: The whole submission.
    """
    if is_dunder(name):
        if not (name == "__dict__" and isinstance(of, ast.Name) and of.id == "self"):
            yield Found(node, f"assigns {name}")
        return
    full = names.dotted(of)
    root = root_of(of)
    replaced = f"{full}.{name}"
    of_library = full is not None and root not in names.rebound and not upload.is_own(full)
    if of_library and not replaced.startswith(allowed.SETTINGS) and full not in upload.imports:
        yield Found(node, f"replaces {replaced}", reaches=False)
        return
    about_class = (isinstance(of, ast.Call) and isinstance(of.func, ast.Name) and (
        of.func.id in ("type", "super")
    )) or (isinstance(of, ast.Attribute) and of.attr == "__class__")
    if about_class:
        yield Found(node, f"replaces {name} of a class", reaches=False)
    elif name in allowed.METHODS and root != "self" and not _is_plain(value):
        yield Found(node, f"replaces the method {name}", reaches=False)


def _is_plain(value: ast.expr | None) -> bool:
    """Return True for a number, a text or a new object, which replace no method."""
    if isinstance(value, ast.Call):
        return not value.args and not value.keywords
    return isinstance(value, (ast.Constant, ast.Compare, ast.BoolOp, ast.UnaryOp, ast.BinOp,
                              ast.List, ast.Dict, ast.Tuple, ast.JoinedStr))


def of_dict(node: ast.expr, of: ast.expr, names: Code, upload: Upload) -> Findings:
    """Yield a finding where `vars(of)` or `of.__dict__` does more than show an object's fields."""
    what = "reaches into the attributes of an object by a dictionary"
    outer = names.parents.get(node)
    if isinstance(outer, (ast.For, ast.comprehension)) or (isinstance(outer, ast.Call) and (
        last_name(outer.func) in ("sorted", "list", "len")
    )):
        return   # names only
    if isinstance(outer, ast.Subscript) and names.dotted(of) is not None:
        use = names.parents.get(outer)
        if isinstance(use, ast.Call) and last_name(use.func) in ("callable", "isinstance"):
            return
        yield from _by_key(outer, of, names, upload)
        return
    if not isinstance(of, (ast.Name, ast.Attribute)) or names.dotted(of) is not None:
        yield Found(node, what)
        return
    own = isinstance(of, ast.Name) and of.id == "self"
    match outer:
        case ast.Attribute(attr="items" | "keys" | "values" | "copy" | "get"):
            return
        case ast.Attribute(attr="update") if own:
            return
        case ast.Call() if outer.func is not node:
            return
        case ast.keyword(arg=None) | ast.For() | ast.comprehension() | ast.FormattedValue():
            return
        case ast.Dict() | ast.Compare() | ast.Return():
            return
        case ast.Assign(targets=[ast.Name()]):
            return
        case ast.Subscript() if getattr(names.function(node), "name", "") == "__get__":
            return   # a descriptor keeps what it computed
        case ast.Subscript(ctx=ast.Load(), slice=key) if (
            isinstance(key, ast.Constant) and not str(key.value).startswith("_")
        ):
            return
    yield Found(node, what)


def _by_key(node: ast.Subscript, of: ast.expr, names: Code, upload: Upload) -> Findings:
    """Yield a finding for `models.__dict__[name]` unless the name is certain and harmless."""
    texts = names.texts(node.slice)
    if texts is None or not isinstance(node.ctx, ast.Load):
        yield Found(node, "reaches into a module by a name that is made at run time")
        return
    for text in texts:
        yield from of_attribute(text, node, upload)
        if (why := upload.why_not(f"{names.dotted(of)}.{text}")) is not None:
            yield Found(node, why)
