"""Rules on files: what is opened, written, unpickled, imported from, and started."""

from __future__ import annotations

import ast
import re

from grader.submissions.allowlist import allowed
from grader.submissions.allowlist.code import Code
from grader.submissions.allowlist.findings import Findings, Found, Upload
from grader.submissions.allowlist.syntax import beginning, fold, shape_of

_BATCH = re.compile(r"batch|meta|train|test", re.IGNORECASE)
_SHELL = re.compile(r"[;&|`$<>\n]")
_CODE_FILE = re.compile(r"\.(?:py|pyc|pyw|pth|so|pyd|zip|whl|egg)$", re.IGNORECASE)


def of_open(node: ast.Call, names: Code) -> Findings:
    """Yield a finding for descriptors, for files of code, and for writing in place."""
    by_path = isinstance(node.func, ast.Attribute) and names.dotted(node.func) is None
    place = None if by_path else (node.args[0] if node.args else None)
    modes = [*(node.args[:1] if by_path else node.args[1:2]),
             *(one.value for one in node.keywords if one.arg == "mode")]
    mode = names.texts(modes[0]) if modes else ["r"]
    writes = mode is None or any(set(one) & set("wax+") for one in mode)
    descriptor = any(one.arg in ("opener", "closefd") for one in node.keywords)
    if descriptor or (place is not None and _is_number(place, names)):
        yield Found(node, "opens a descriptor")
    elif mode is not None and any("+" in one and "b" in one for one in mode):
        yield Found(node, "opens a file to change its bytes in place")
    elif writes and writes_code(place if place is not None else node.func, names):
        yield Found(node, "writes a file of code")


def _is_number(node: ast.expr, names: Code) -> bool:
    match node:
        case ast.Constant(value=int()):
            return True
        case ast.Call(func=ast.Name(id="int")) | ast.Call(func=ast.Attribute(attr="fileno")):
            return True
        case ast.Name(id=name):
            values = names.values.get(name, [])
            loops = names.loops.get(name, [])
            return any(isinstance(one, ast.Constant) and isinstance(one.value, int)
                       for one in values) or any(map(_of_numbers, loops))
    return False


def _of_numbers(loop: ast.expr) -> bool:
    match loop:
        case ast.Call(func=ast.Name(id="range")):
            return True
        case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
            return any(isinstance(one, ast.Constant) and isinstance(one.value, int)
                       for one in items)
    return False


def writes_code(place: ast.expr, names: Code) -> bool:
    texts = [one.value for one in ast.walk(place)
             if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    if isinstance(place, ast.Name):
        texts += names.texts(place) or []
    if isinstance(place, ast.BinOp) and (whole := fold(place)) is not None:
        texts.append(whole)
    return any(_CODE_FILE.search(text) for text in texts)


def of_pickle(node: ast.Call, names: Code, upload: Upload) -> Findings:
    """Yield a finding for a pickle, unless it is a batch of a data set.

    These are read by `pickle.load(file, encoding="bytes")`. The upload must hold no pickle, and the
    code must write no bytes, so that none of its own can take their place.
    """
    told = [fold(one.value) for one in node.keywords if one.arg == "encoding"]
    if told not in (["bytes"], ["latin1"], ["latin-1"], ["iso-8859-1"], ["ASCII"]):
        yield Found(node, "loads a pickle")
    elif upload.pickles:
        yield Found(node, f"loads a pickle, and {upload.pickles[0]} in the upload may be one")
    elif upload.writes_bytes:
        yield Found(node, "loads a pickle, and writes files of bytes itself")
    elif not (node.args and isinstance(node.args[0], ast.Name)):
        yield Found(node, "loads a pickle from something else than an open file")
    elif not any(isinstance(one, ast.Constant) and isinstance(one.value, str)
                 and _BATCH.search(one.value) for one in names.nodes):
        yield Found(node, "loads a pickle whose name is none of a data set's")


def is_saved_before(node: ast.Call, upload: Upload) -> bool:
    """Return True for a path to which this submission saves, if nothing else can be there."""
    if not node.args or upload.pickles or upload.writes_bytes:
        return False
    return bool(shape := shape_of(node.args[0])) and shape in upload.saved


def is_archive(node: ast.expr, names: Code) -> bool:
    texts = names.texts(node) or [one.value for one in ast.walk(node)
                                  if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    return any(re.search(r"\.(?:zip|whl|egg|pyz)(?:/|$)", text) for text in texts)


def of_command(node: ast.Call, names: Code) -> Findings:
    """Yield a finding for a command other than the usual ones of notebooks."""
    given = node.args[0] if node.args else None
    words: list[str] = []
    match given:
        case ast.List(elts=[first, *_]) | ast.Tuple(elts=[first, *_]):
            if (command := fold(first)) is not None:
                words = [command]
            elif isinstance(first, ast.Attribute) and names.dotted(first) == "sys.executable":
                rest = [fold(one) for one in given.elts[1:4]]
                words = ["pip"] if rest[:2] == ["-m", "pip"] else []
        case ast.expr():
            text = fold(given) or beginning(given)
            if text and not _SHELL.search(text):
                words = text.replace("sudo ", "").split()
    if not words or words[0] not in allowed.COMMANDS:
        yield Found(node, "starts another program", reaches=False)
