"""Rules on names that are made at run time: `getattr(model, name)` and its like."""

from __future__ import annotations

import ast

from grader.submissions.allowlist import allowed
from grader.submissions.allowlist.code import Code
from grader.submissions.allowlist.findings import Findings, Found, Upload
from grader.submissions.allowlist.objects import of_attribute, of_store
from grader.submissions.allowlist.syntax import beginning, ending, is_super, root_of

_LEAD_AWAY = frozenset({"__dict__", "__init__", "__class__", "__setattr__", "__module__"})
# A name is harmless if its certain beginning or end is that of none of these.
_UNSAFE = allowed.BLOCKED | allowed.METHODS | allowed.HELD


def of_made_name(
    of: ast.expr, attribute: ast.expr, value: ast.expr | None, node: ast.Call, names: Code,
    upload: Upload, *, stores: bool = False,
) -> Findings:
    """Yield a finding unless the name is certain and harmless, or cannot lead away from `of`.

    Args:
        of: The object whose attribute is read or assigned.
        attribute: The expression for its name.
        value: What is assigned, or None.
        node: The call, for the remark.
        names: The names of the file.
        upload: The whole submission.
        stores: The attribute is assigned or deleted.
    """
    texts, full = names.texts(attribute), names.dotted(of)
    if texts is None:
        known = full is None and _is_harmless(beginning(attribute), ending(attribute))
        if not known and not _is_of_its_own(of, attribute, node, names, stores):
            verb = "assigns" if stores else "reads"
            yield Found(node, f"{verb} an attribute whose name is made at run time")
        return
    # The parts of "layer4.0.conv1" are passed on one by one.
    for part in sorted({part for text in texts for part in text.split(".")}):
        yield from of_attribute(part, node, upload)
        if part in _LEAD_AWAY:
            yield Found(node, f"reads {part}")
        if stores:
            yield from of_store(of, part, value, node, names, upload)
        elif full is not None and (why := upload.why_not(f"{full}.{part}")) is not None:
            yield Found(node, why)


def _is_harmless(first: str, last: str) -> bool:
    """Return True if no name that leads anywhere begins or ends in this way."""
    return (
        first[:1].isalpha() and not any(one.startswith(first) for one in _UNSAFE)
    ) or (last[-1:].isalnum() and not any(one.endswith(last) for one in _UNSAFE))


def _is_of_its_own(
    of: ast.expr, attribute: ast.expr, node: ast.Call, names: Code, stores: bool
) -> bool:
    """Return True for a name that the object itself told, or that its own method was given."""
    if not isinstance(attribute, ast.Name):
        return False
    inner: ast.AST = node
    elsewhere = False   # a loop gives the name, which its object did not tell
    for outer in names.around(node):
        match outer:
            case ast.If(test=ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="isupper"))):
                if name == attribute.id and inner in outer.body and names.dotted(of) is None:
                    return True   # constants; no name that leads anywhere is written so
            case ast.For(target=target, iter=over):
                if _told(target, attribute.id) and not elsewhere:
                    if _is_told_by(over, of) and names.dotted(of) is None:
                        return True
                    elsewhere = True
            case ast.ListComp() | ast.GeneratorExp() | ast.SetComp() | ast.DictComp():
                for loop in outer.generators:
                    if _told(loop.target, attribute.id) and not elsewhere:
                        if _is_told_by(loop.iter, of) and names.dotted(of) is None:
                            return True
                        elsewhere = True
            case ast.FunctionDef(name="__getattr__" | "__setattr__", args=args):
                return attribute.id in {one.arg for one in args.args} and (
                    is_super(of) or root_of(of) == "self"
                )
            case ast.FunctionDef(name="__init__"):
                made = isinstance(names.parents.get(outer), ast.ClassDef)
                return made and stores and isinstance(of, ast.Name) and of.id == "self"
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                return False
        inner = outer
    return False


def _told(target: ast.expr, name: str) -> bool:
    """Return True if a loop gives this name first, as in `for name, layer in ...`."""
    first = target.elts[0] if isinstance(target, ast.Tuple) and target.elts else target
    return isinstance(first, ast.Name) and first.id == name


def _is_told_by(over: ast.expr, of: ast.expr) -> bool:
    """Return True for `model.named_children()` and the like, if `of` is that model."""
    match over:
        case ast.Call(func=ast.Name(id="list" | "sorted" | "tuple"), args=[inner]):
            return _is_told_by(inner, of)
        case ast.Call(func=ast.Attribute(value=ast.Call() as inner, attr="items" | "keys")):
            return _is_told_by(inner, of)
        case ast.Call(func=ast.Name(id="vars"), args=[ast.Name(id=told)]):
            return isinstance(of, ast.Name) and told == of.id
        case ast.Call(func=ast.Attribute(
            value=told, attr="named_children" | "named_parameters" | "named_buffers"
        )) | ast.Call(func=ast.Attribute(
            value=ast.Attribute(value=told, attr="_modules"), attr="items" | "keys"
        )):
            return isinstance(told, ast.Name) and isinstance(of, ast.Name) and told.id == of.id
    return False
