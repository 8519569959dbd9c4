"""Parses the student's files without running them: functions, names, imports, signatures."""

from __future__ import annotations

import ast
import functools
import re
from dataclasses import dataclass
from pathlib import Path

from grader.worker.session import NotFound
from grader.worker.student_code.broken_cells import CELL, runnable

FUNCTIONS = (
    "build_model",
    "layer_parameter_counts",
    "group_parameters",
    "make_optimizer",
    "train_one_epoch",
    "evaluate",
    "train",
)
# The arguments of the functions that train, in order, and the words that students use for them.
_TAKES = {
    "train": ("model", "loader", "loader", "epochs"),
    "train_one_epoch": ("model", "loader", "optimizer"),
    "evaluate": ("model", "loader"),
}
_WORDS = {
    "model": re.compile(r"model|net", re.IGNORECASE),
    "loader": re.compile(r"load|data|batch|iter|set$", re.IGNORECASE),
    "optimizer": re.compile(r"^opt", re.IGNORECASE),
    "epochs": re.compile(r"epoch", re.IGNORECASE),
    "loss": re.compile(r"loss|crit", re.IGNORECASE),
    "device": re.compile(r"device", re.IGNORECASE),
}


@dataclass(frozen=True)
class Source:
    """One Python file.

    Attributes:
        functions: the number of required arguments of each top-level function.
        assigned: the last line that binds each variable.
        attributes: the names of all attributes in the file.
        imports: the last part of the name of each imported module.
        error: the error that parsing raised.
        is_of_a_package: it imports from `.`.
    """

    path: Path
    text: str
    functions: dict[str, int]
    assigned: dict[str, int]
    attributes: frozenset[str]
    imports: frozenset[str]
    error: SyntaxError | None
    is_of_a_package: bool = False

    @property
    def is_notebook(self) -> bool:
        """True if the file was converted from a notebook."""
        return CELL.match(self.text.lstrip()) is not None

    def cell_of(self, line: int) -> int:
        """The number of the cell that a line belongs to; 0 in a file without cells."""
        number = 0
        for text in self.text.split("\n")[:line]:
            if mark := CELL.fullmatch(text):
                number = int(mark[1])
        return number

    @property
    def trains(self) -> bool:
        """True if the file computes gradients."""
        return "backward" in self.attributes or {"autograd", "grad"} <= self.attributes

    @property
    def tree(self) -> ast.Module:
        """The syntax tree. Raises the parser's error where `error` is set."""
        return _tree(self.path, self.text)


def read(folder: Path) -> list[Source]:
    """Parse all Python files of a submission, those nearest to the top first."""
    paths = [path for path in folder.rglob("*.py") if "__pycache__" not in path.parts]
    paths.sort(key=lambda path: (len(path.parts), path.name))
    return [_source(path) for path in paths]


def defining(folder: Path, function: str) -> Source | None:
    """The file that defines a top-level function; of several, the one with most homework functions.
    """
    files = [source for source in read(folder) if function in source.functions]
    wanted = set(FUNCTIONS)
    return max(files, key=lambda source: len(wanted & set(source.functions)), default=None)


def binding(folder: Path, name: str) -> Source | None:
    """The first file that binds a name at its top, as a function, a class or a variable."""
    return next((source for source in read(folder) if name in _bound(source)), None)


def _bound(source: Source) -> set[str]:
    names = set(source.functions) | set(source.assigned)
    if source.error is None:
        names |= {node.name for node in source.tree.body if isinstance(node, ast.ClassDef)}
    return names


def has_own_signature(folder: Path, function: str) -> bool:
    """True if the student's function of that name takes other arguments than the homework's.

    `train(loader, model, loss_fn, optimizer)` is a part of a script and not the homework's `train`.
    Unclear argument names count as the homework's.
    """
    source = defining(folder, function)
    if source is None or function not in _TAKES:
        return False
    nodes = _tree(source.path, source.text).body
    found = [n for n in nodes if isinstance(n, ast.FunctionDef) and n.name == function]
    arguments, wanted = found[-1].args, _TAKES[function]
    names = [argument.arg for argument in (*arguments.posonlyargs, *arguments.args)]
    few = len(names) < len(wanted) and arguments.vararg is None
    return few or _required(arguments) > len(wanted) or any(map(_contradicts, names, wanted))


def _contradicts(name: str, wanted: str) -> bool:
    kinds = {kind for kind, words in _WORDS.items() if words.search(name)}
    return bool(kinds) and wanted not in kinds


def first_syntax_error(folder: Path) -> SyntaxError | None:
    """The first syntax error of a submission whose files all fail to parse; else None."""
    files = read(folder)
    errors = [source.error for source in files if source.error]
    return errors[0] if files and len(errors) == len(files) else None


def _contents(folder: Path) -> str:
    """The files of a submission and their functions, for a message."""
    files = read(folder)
    if not files:
        return "no Python file"
    parts = []
    for source in files[:8]:
        defined = ", ".join(list(source.functions)[:12]) or "no functions"
        parts.append(f"{source.path.name} ({defined})")
    return "; ".join(parts)


def not_found(folder: Path, wanted: str) -> NotFound:
    """The error that a submission lacks something; `wanted` names it."""
    return NotFound(f"{wanted}. The submission has: {_contents(folder)}")


def uncalled_mode_switches(folder: Path) -> list[str]:
    """The lines where `model.eval` or `model.train` lacks its parentheses, as `file:line: code`."""
    places = []
    for source in read(folder):
        if source.error:
            continue
        for node in ast.walk(_tree(source.path, source.text)):
            if (
                isinstance(node, ast.Expr)
                and isinstance(node.value, ast.Attribute)
                and node.value.attr in ("eval", "train")
            ):
                places.append(f"{source.path.name}:{node.lineno}: {ast.unparse(node.value)}")
    return places


@functools.cache
def _tree(path: Path, text: str) -> ast.Module:
    return ast.parse(text, filename=str(path))


@functools.cache
def _source(path: Path) -> Source:
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    if CELL.match(text):
        text = runnable(text)
    try:
        tree = _tree(path, text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        if not isinstance(error, SyntaxError):
            error = SyntaxError(f"{path.name} cannot be parsed: {error}")
        return Source(path, text, {}, {}, frozenset(), frozenset(), error)
    functions: dict[str, int] = {}
    assigned: dict[str, int] = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            functions[node.name] = _required(node.args)
        for inner in ast.walk(node):
            if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
                assigned[inner.id] = max(inner.lineno, assigned.get(inner.id, 0))
    attributes = frozenset(node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute))
    imports, relative = _imported(tree)
    return Source(path, text, functions, assigned, attributes, imports, None, relative)


def _imported(tree: ast.Module) -> tuple[frozenset[str], bool]:
    """The last part of each imported name, and true if any import is relative."""
    names: set[str] = set()
    relative = False
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {node.module or "", *(alias.name for alias in node.names)}
            relative = relative or node.level > 0
    return frozenset(name.rpartition(".")[2] for name in names), relative


def _required(arguments: ast.arguments) -> int:
    positional = len(arguments.posonlyargs) + len(arguments.args) - len(arguments.defaults)
    return positional + sum(default is None for default in arguments.kw_defaults)
