"""Finds uses of what a criterion forbids, by the syntax trees of a submission's files.

A rule is one of these, as `rules_of` words it for the process that reads submissions:

    torch.nn.BatchNorm2d   a function or class: used under any name, `n.BatchNorm2d` or `B`
    torch                  a module: imported, or anything in it used
    sorted                 a builtin that is used as one
    .backward              a method or attribute of any object
    only numpy             any other module than these, Python's own and the submission's
    given data_utils       no rule: a module of the handouts, which `only` allows, too

Comments and texts are no uses. Neither are imports without a use (of a function or class),
annotations, and tests of an object's class. A notebook's own modules, which do nothing while code
is graded, are allowed everywhere.
"""

from __future__ import annotations

import ast
import builtins
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from grader.records import Use
from grader.submissions.allowlist.names import Names
from grader.submissions.allowlist.reviewing import gathered
from grader.submissions.allowlist.source import Unreadable, readings
from grader.submissions.allowlist.syntax import fold
from grader.submissions.steps import Steps

if TYPE_CHECKING:
    from grader.rubric.model import Criterion, Rubric

MOST = 50   # uses that are told, of all rules together
_ONLY, _GIVEN = "only ", "given "
_NOTEBOOK = ("google.colab", "IPython")
_USUAL = {"nn": "torch.nn", "F": "torch.nn.functional", "optim": "torch.optim", "np": "numpy"}
_LONGEST = 80   # characters of a line of code
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
# Parts of torch whose functions are others than torch's own of the same name.
_APART = ("torch.sparse.", "torch.special.", "torch.linalg.", "torch.fft.", "torch.masked.")
_IMPORTERS = ("importlib.import_module", "__import__", "import_module")


def rules_of(criterion: Criterion) -> tuple[str, ...]:
    """Return the rules of a criterion, with `nn.X`, `F.x` and `np.x` written out."""
    found = []
    for name in criterion.forbidden:
        first, dot, rest = name.partition(".")
        found.append(_USUAL.get(first, first) + dot + rest)
    if criterion.only_modules:
        found.append(_ONLY + " ".join(criterion.only_modules))
    return tuple(found)


def all_rules(rubric: Rubric) -> tuple[str, ...]:
    """Return the rules of all criteria, each once, and the handouts' modules if they matter."""
    rules = tuple(dict.fromkeys(rule for one in rubric.criteria for rule in rules_of(one)))
    if rubric.handouts is None or not any(rule.startswith(_ONLY) for rule in rules):
        return rules
    given = sorted({path.stem for path in rubric.handouts.iterdir()
                    if path.is_dir() or path.suffix == ".py"})
    return (*rules, *(_GIVEN + name for name in given))


def forbidden_uses(
    folder: Path, files: Sequence[str], rules: Iterable[str], steps: Steps
) -> tuple[Use, ...]:
    """Return the first use against each rule in each file.

    Args:
        folder: The submission's folder.
        files: Its files, relative to the folder.
        rules: See the module.
        steps: Told of each file. A file that has to be skipped counts as a doubtful use.
    """
    every = tuple(rules)
    rules = tuple(rule for rule in every if not rule.startswith(_GIVEN))
    given = {rule.removeprefix(_GIVEN) for rule in every} - {*rules}
    code = [file for file in files if file.lower().endswith(".py")]
    trees: dict[str, list[ast.Module | Unreadable]] = {}
    found: list[Use] = []
    if not rules:
        return ()
    for file in code:
        if steps.may("forbidden", file):
            trees[file] = list(readings((folder / file).read_bytes()))
        else:
            found += [Use(rule, "code that was not read", file, 1, "", True) for rule in rules]
    upload = gathered(trees)
    own = upload.modules | given
    defines = any(_defines(tree) for several in trees.values() for tree in several)
    for file, several in trees.items():
        lines = _lines(folder / file)
        for tree in several:
            if isinstance(tree, ast.Module):
                names = Names(tree, upload.exports, upload.modules)
                found += _first_of_each(
                    _in_file(names, own, rules), file, lines, names, defines
                )
    return tuple(dict.fromkeys(found))[:MOST]


def _defines(tree: ast.Module | Unreadable) -> bool:
    return isinstance(tree, ast.Module) and any(isinstance(one, _DEFINITIONS) for one in tree.body)


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8", errors="replace").splitlines()


def _first_of_each(
    seen: Iterable[tuple[str, str, ast.AST]], file: str, lines: Sequence[str], names: Names,
    defines: bool,
) -> list[Use]:
    """Return the first use against each rule; one that counts comes before a doubtful one.

    Args:
        seen: The rule, the full name and the node of each use.
        file: The file's name.
        lines: Its lines.
        names: What its names stand for.
        defines: The submission defines functions or classes.
    """
    first: dict[str, Use] = {}
    for rule, name, node in seen:
        line = getattr(node, "lineno", 1)
        text = lines[line - 1].strip()[:_LONGEST] if line <= len(lines) else ""
        use = Use(rule, name, file, line, text, _is_aside(node, names, defines))
        known = first.get(rule)
        if known is None or (use.aside, use.line) < (known.aside, known.line):
            first[rule] = use
    return sorted(first.values(), key=lambda one: one.line)


def _in_file(
    names: Names, own: frozenset[str], rules: Sequence[str]
) -> Iterator[tuple[str, str, ast.AST]]:
    """Yield each use: the rule, the full name of what is used, and the node."""
    for node in names.nodes:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            for module in _modules(node):
                for rule in rules:
                    if _is_import_against(rule, module, own):
                        yield rule, module, node
            continue
        for name in _used(node, names):
            for rule in rules:
                if _is_use_against(rule, name, own) and not _is_harmless(node, names):
                    yield rule, name.removeprefix("builtins."), node


def _modules(node: ast.Import | ast.ImportFrom) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module] if node.module and not node.level else []


def _used(node: ast.AST, names: Names) -> Iterator[str]:
    """Yield the full names of what a node uses; ".name" for an attribute of any object."""
    match node:
        case ast.Name(id=name, ctx=ast.Load()):
            if (full := names.dotted(node)) is not None:
                yield full
            elif hasattr(builtins, name) and names.is_builtin(node):
                yield f"builtins.{name}"
            if name not in names.bound:
                yield from (f"{star}.{name}" for star in _stars(names))
        case ast.Attribute(attr=attr, ctx=ast.Load()):
            yield f".{attr}"
            if (full := names.dotted(node)) is not None:
                yield full
        case ast.Call(func=ast.Name(id="getattr"), args=[of, text, *_]):
            if (attr := fold(text)) is not None:
                yield f".{attr}"
                if (full := names.dotted(of)) is not None:
                    yield f"{full}.{attr}"
        case ast.Call(func=func, args=[text, *_]):
            called = names.dotted(func) or getattr(func, "id", "")
            if called in _IMPORTERS and (module := fold(text)) is not None:
                yield module


def _stars(names: Names) -> Iterator[str]:
    for node in names.nodes:
        if isinstance(node, ast.ImportFrom) and any(one.name == "*" for one in node.names):
            yield from _modules(node)


def _is_import_against(rule: str, module: str, own: frozenset[str]) -> bool:
    if rule.startswith(_ONLY):
        return _is_another(rule, module, own)
    return _is_within(module, rule)


def _is_use_against(rule: str, name: str, own: frozenset[str]) -> bool:
    if rule.startswith(_ONLY):
        return False   # its import is told
    if rule.startswith("."):
        return name == rule
    if name.startswith("builtins."):
        return name == f"builtins.{rule}"
    if _is_within(name, rule):
        return True
    # torch has one thing under several names: torch.batch_norm, torch.nn.modules.batchnorm...
    top, _, last = rule.rpartition(".")
    if name.startswith(_APART) or rule.startswith(_APART):
        return False
    return top.startswith("torch") and name.startswith("torch.") and name.endswith(f".{last}")


def _is_another(rule: str, module: str, own: frozenset[str]) -> bool:
    top = module.partition(".")[0]
    allowed = {one.partition(".")[0] for one in rule.removeprefix(_ONLY).split()}
    if any(_is_within(module, one) for one in _NOTEBOOK):
        return False
    return top not in allowed | own | sys.stdlib_module_names


def _is_within(name: str, rule: str) -> bool:
    return name == rule or name.startswith(f"{rule}.")


def _is_harmless(node: ast.AST, names: Names) -> bool:
    """True in an annotation, and in what `isinstance`, `type(x) == ...` or a case compares with."""
    inner = node
    for outer in names.around(node):
        match outer:
            case ast.arg(annotation=part) | ast.AnnAssign(annotation=part) if part is inner:
                return True
            case ast.FunctionDef(returns=part) | ast.AsyncFunctionDef(returns=part) if (
                part is not None and part is inner
            ):
                return True
            case ast.Call(func=ast.Name(id="isinstance" | "issubclass"), args=[_, part]):
                if part is inner:
                    return True
            case ast.Compare(left=ast.Call(func=ast.Name(id="type"), args=[_]), comparators=parts):
                if inner in parts:
                    return True
            case ast.MatchClass(cls=part) if part is inner:
                return True
            case ast.Call() | ast.NamedExpr():   # what is made or kept in a test is used
                return False
        inner = outer
    return False


def _is_aside(node: ast.AST, names: Names, defines: bool) -> bool:
    """True for a use that may only compare with the answer: below `if __name__ == "__main__":`, in
    a test, and outside of functions and classes where the submission `defines` some."""
    inside = False
    for outer in names.around(node):
        match outer:
            case ast.If(test=ast.Compare(left=ast.Name(id="__name__"))):
                return True
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                if name.lower().startswith("test"):
                    return True
        inside = inside or isinstance(outer, _DEFINITIONS)
    return defines and not inside and not isinstance(node, (ast.Import, ast.ImportFrom))
