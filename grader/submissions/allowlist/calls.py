"""Rules on calls: builtins that take code or names, functions of libraries that load objects."""

from __future__ import annotations

import ast
from collections.abc import Callable

from grader.submissions.allowlist.allowed import words
from grader.submissions.allowlist.code import Code
from grader.submissions.allowlist.dynamic import of_made_name
from grader.submissions.allowlist.findings import Findings, Found, Upload
from grader.submissions.allowlist.loads import (
    is_archive,
    is_saved_before,
    of_command,
    of_open,
    of_pickle,
    writes_code,
)
from grader.submissions.allowlist.objects import of_dict
from grader.submissions.allowlist.syntax import beginning, fold, last_name

Scan = Callable[[str, ast.AST], Findings]   # reads code in a text

_FORGES = words("LD_LIBRARY_PATH LD_PRELOAD PYTHONHOME PYTHONSTARTUP PYTHONPATH")


def findings(names: Code, upload: Upload, scan: Scan) -> Findings:
    """Yield what the calls of a file do outside the allowlist; `scan` reads code in a text."""
    for node in names.nodes:
        if isinstance(node, ast.Call):
            yield from _call(node, names, upload, scan)
        elif isinstance(node, ast.Subscript):
            yield from _subscript(node, names)
        elif (annotation := _annotation(node)) is not None:
            yield from scan(annotation, node)


def _call(node: ast.Call, names: Code, upload: Upload, scan: Scan) -> Findings:
    called = node.func
    if isinstance(called, ast.Name) and names.is_builtin(called):
        yield from _builtin(called.id, node, names, upload, scan)
    elif (
        isinstance(called, ast.Name) and called.id in ("eval", "exec", "compile")
        and node.args and not isinstance(node.args[0], (ast.Name, ast.Attribute))
    ):
            # A function of the student's own is called so; it takes a network, not a text.
            yield Found(node, f"calls {called.id} with something else than a variable")
    full = names.dotted(called)
    if full is not None:
        yield from _imported(full, node, names, upload, scan)
    if isinstance(called, ast.Attribute):
        yield from _method(called, node, names, upload, scan)
    for keyword in node.keywords:
        yield from _keyword(keyword, node, names, upload)


def _builtin(
    name: str, node: ast.Call, names: Code, upload: Upload, scan: Scan
) -> Findings:
    match name, node.args:
        case "exec" | "eval" | "compile", [text, *_] if (code := fold(text)) is not None:
            yield from scan(code, node)
        case "exec" | "eval" | "compile", _:
            yield Found(node, f"runs code by {name} that is not in the file as a text")
        case "getattr", [of, attribute, *_]:
            yield from of_made_name(of, attribute, None, node, names, upload)
        case "setattr" | "delattr", [of, attribute, *value]:
            given = value[0] if value else None
            yield from of_made_name(of, attribute, given, node, names, upload, stores=True)
        case "getattr" | "setattr" | "delattr", _:
            yield Found(node, f"calls {name} with arguments that cannot be told")
        case "vars", [of]:
            yield from of_dict(node, of, names, upload)
        case "globals" | "locals" | "vars", _:
            if not _only_asked(node, names):
                yield Found(node, f"uses {name}() to reach names by their text")
        case "type", [_, _, _]:
            yield Found(node, "makes a class by type()")
        case "open", _:
            yield from of_open(node, names)


def _only_asked(node: ast.Call, names: Code) -> bool:
    """Return True for `"model" in globals()` and for one of the file's own names in it."""
    match names.parents.get(node):
        case ast.Compare(ops=[ast.In() | ast.NotIn()]):
            return True
        case ast.Subscript(ctx=ast.Load(), slice=key):
            texts = names.texts(key)
            return texts is not None and all(text in names.values for text in texts)
    return False


def _imported(
    full: str, node: ast.Call, names: Code, upload: Upload, scan: Scan
) -> Findings:
    match full:
        case "operator.attrgetter" | "operator.methodcaller":
            unknown = ast.Name("object", ast.Load())
            for one in node.args[: 1 if full.endswith("caller") else None]:
                yield from of_made_name(unknown, one, None, node, names, upload)
        case "functools.wraps":
            if len(node.args) > 1 or any(one.arg != "wrapped" for one in node.keywords):
                yield Found(node, "uses functools.wraps to copy other attributes")
        case "importlib.import_module":
            texts = names.texts(node.args[0]) if node.args else None
            first = beginning(node.args[0]).partition(".") if node.args else ("", "", "")
            own = texts and all(one.partition(".")[0] in upload.modules for one in texts)
            if not own and not (first[1] and first[0] in upload.modules):
                yield Found(node, "imports a module whose name is made at run time")
        case "torch.load":
            if len(node.args) > 2 or any(one.arg is None for one in node.keywords):
                yield Found(node, "calls torch.load with arguments that may unpickle objects")
        case "numpy.load":
            if len(node.args) > 2 or any(one.arg is None for one in node.keywords):
                yield Found(node, "calls numpy.load with arguments that may unpickle objects")
        case "pickle.load":
            yield from of_pickle(node, names, upload)
        case "yaml.load" | "yaml.load_all":
            loaders = [*node.args[1:], *(one.value for one in node.keywords)]
            if not any(last_name(one) in ("SafeLoader", "CSafeLoader") for one in loaders):
                yield Found(node, "calls yaml.load without SafeLoader")
        case "timeit.timeit":
            for one in node.args[:2]:
                if (code := fold(one)) is not None:
                    yield from scan(code, node)
                elif not isinstance(one, ast.Lambda):
                    yield Found(node, "times code that is not in the file as a text")
        case "io.open" | "gzip.open" | "bz2.open" | "lzma.open":
            yield from of_open(node, names)
        case "os.system" | "os.popen" | "subprocess.getoutput":
            yield from of_command(node, names)
        case _ if full.startswith("subprocess.") and full.split(".")[1][0].islower():
            yield from of_command(node, names)
        case "sys.path.append" | "sys.path.insert" | "sys.path.extend":
            if upload.zipped:
                yield Found(node, "imports from an archive in the upload")
            if any(is_archive(one, names) for one in node.args):
                yield Found(node, "imports from an archive")
        case "os.environ.update" | "os.environ.setdefault" | "os.putenv":
            if not node.args or fold(node.args[0]) is None or fold(node.args[0]) in _FORGES:
                yield Found(node, "sets environment variables whose names cannot be told",
                            reaches=False)
        case "torch.hub.load":
            sources = [one.value for one in node.keywords if one.arg == "source"]
            if any(fold(one) != "github" for one in sources):
                yield Found(node, "loads code by torch.hub from a folder")


def _method(
    called: ast.Attribute, node: ast.Call, names: Code, upload: Upload, scan: Scan
) -> Findings:
    match called.attr, node.args:
        case "__setattr__", [attribute, value]:
            of = called.value
            yield from of_made_name(of, attribute, value, node, names, upload, stores=True)
        case "__setattr__", [ast.Name(id="self") as of, attribute, value]:
            yield from of_made_name(of, attribute, value, node, names, upload, stores=True)
        case "__getattr__", [attribute]:
            yield from of_made_name(called.value, attribute, None, node, names, upload)
        case "__setattr__" | "__getattr__", _:
            yield Found(node, f"calls {called.attr} with arguments that cannot be told")
        case "run_cell_magic", [magic, line, text, *_]:
            name, place, code = fold(magic), fold(line), fold(text)
            if name not in ("writefile", "file"):
                return   # the worker runs no other magic
            if code is None or place is None:
                yield Found(node, "writes a file that cannot be told")
            elif place.strip().strip("\"'").endswith(".py"):
                yield from scan(code, node)
        case "write_bytes" | "write_text" | "touch" | "symlink_to", _:
            if writes_code(called.value, names):
                yield Found(node, "writes a file of code")
        case "copy" | "copyfile" | "copy2" | "move" | "rename" | "replace" | "link", args:
            if any(writes_code(one, names) for one in args):
                yield Found(node, "writes a file of code")
        case "extract" | "extractall" | "unpack_archive", _ if upload.pickles:
            yield Found(node, f"unpacks an archive, and {upload.pickles[0]} may be one")
        case "eval" | "query", [text, *_] if "pandas" in names.imported.values():
            if (code := fold(text)) is None or "@" in code:
                yield Found(node, f"runs a text by pandas' {called.attr}")
        case "open", _ if names.dotted(called) is None:
            yield from of_open(node, names)


def _keyword(keyword: ast.keyword, node: ast.Call, names: Code, upload: Upload) -> Findings:
    """Yield a finding for options that make a harmless function load objects or run code."""
    value = keyword.value
    match keyword.arg:
        case "weights_only":
            safe = isinstance(value, ast.Constant) and value.value is True
            if not safe and not is_saved_before(node, upload):
                yield Found(node, "loads a file with weights_only=False that it may not have "
                            "written itself")
        case "allow_pickle":
            safe = isinstance(value, ast.Constant) and value.value is False
            if not safe and last_name(node.func) not in ("save", "savez"):
                yield Found(node, "loads an array with allow_pickle=True")
        case "pickle_module" | "eval_str" | "assigned" | "updated":
            yield Found(node, f"passes {keyword.arg}")


def _subscript(node: ast.Subscript, names: Code) -> Findings:
    if isinstance(node.ctx, ast.Load):
        return
    if names.dotted(node.value) == "os.environ":
        key = fold(node.slice)
        if key is None or key in _FORGES:
            yield Found(node, "sets an environment variable whose name cannot be told",
                        reaches=False)


def _annotation(node: ast.AST) -> str | None:
    """Return the text of an annotation in quotes, which some functions evaluate."""
    match node:
        case ast.arg(annotation=ast.Constant(value=str(text))):
            return text
        case ast.AnnAssign(annotation=ast.Constant(value=str(text))):
            return text
        case ast.FunctionDef(returns=ast.Constant(value=str(text))):
            return text
    return None
