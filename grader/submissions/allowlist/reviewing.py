"""Applies the rules to all files of a submission, and words what they find."""

from __future__ import annotations

import ast
import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from grader.submissions.allowlist import calls, rules
from grader.submissions.allowlist.allowed import words
from grader.submissions.allowlist.code import Code
from grader.submissions.allowlist.files import is_compiled, is_pickle, is_zip
from grader.submissions.allowlist.findings import Findings, Found, Upload
from grader.submissions.allowlist.source import LARGEST, Unreadable, parse, readings
from grader.submissions.allowlist.syntax import fold, shape_of
from grader.submissions.steps import TOO_MUCH, Steps

if TYPE_CHECKING:
    from grader.rubric.model import Rubric

MOST = 10   # remarks on one submission; those that reach furthest come first
_TOO_MUCH = Unreadable("is not read: there is too much code")
_TOO_LONG = Unreadable(f"is not read: {TOO_MUCH}")
_MOVES = words(
    """
    copyfile copy2 copyfileobj move rename replace write_bytes tofile symlink link symlink_to
    hardlink_to unpack_archive b64decode b85decode unhexlify fromhex
    """
)


@dataclass(frozen=True)
class Remark:
    """Something outside the allowlist, for the person who marks.

    Attributes:
        file: The file, relative to the submission.
        line: The line of it.
        what: What is done there, beginning with a verb.
        reaches: It can lead to the grader's own modules, which know answers to other criteria too.
    """

    file: str
    line: int
    what: str
    reaches: bool

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.what}"


def remarks(
    folder: Path, files: Sequence[str], imports: Iterable[str] = (), steps: Steps | None = None
) -> tuple[Remark, ...]:
    """Review a submission's files on disk.

    Args:
        folder: The submission's folder.
        files: Its files, relative to the folder.
        imports: Further modules that may be imported.
        steps: As for `review`.
    """
    contents = ((file, (folder / file).read_bytes()) for file in files)
    return review(contents, imports, steps or Steps())


def imports_of(rubric: Rubric) -> tuple[str, ...]:
    """Return the modules that a rubric allows beside the usual ones, the handouts among them."""
    given = rubric.handouts.glob("*.py") if rubric.handouts is not None else ()
    packages = (re.split(r"[^\w.-]", one)[0].replace("-", "_") for one in rubric.packages)
    return (*rubric.imports, *packages, *(path.stem for path in given))


def review(
    contents: Iterable[tuple[str, bytes]], imports: Iterable[str] = (), steps: Steps | None = None
) -> tuple[Remark, ...]:
    """Return what the files do outside the allowlist, one remark for each kind in each file.

    Args:
        contents: All files of a submission: path and content. They are read one at a time.
        imports: Further modules that may be imported.
        steps: Told of each file. A file that has to be skipped gives a remark. None skips nothing.
    """
    steps = steps or Steps()
    trees: dict[str, list[ast.Module | Unreadable]] = {}
    found, pickles, zipped = [], [], False
    left = 2 * LARGEST
    for file, data in contents:
        may = steps.may("review", file)
        if file.lower().endswith(".py"):
            left -= len(data)
            if may:
                trees[file] = list(readings(data)) if left >= 0 else [_TOO_MUCH]
            else:
                trees[file] = [_TOO_LONG]
        else:
            zipped = zipped or is_zip(data)
            if is_compiled(file):
                found.append(Remark(file, 1, "is compiled code", True))
            if not may or is_pickle(data):
                pickles.append(file)
        del data   # or it would be kept while the next file is read
    if not steps.may("review", "all code together"):
        return tuple(Remark(file, 1, _TOO_LONG.why, True) for file in trees)[:MOST]
    upload = dataclasses.replace(
        gathered(trees), imports=frozenset(imports), pickles=tuple(pickles), zipped=zipped
    )
    for file, several in trees.items():
        steps.may("review", file)
        seen: set[str] = set()
        for line, what, reaches in sorted(_of_file(several, upload, upload.elsewhere(file))):
            kind = what.partition("attribute _")[0]
            kind = "a module" if kind.endswith("usual modules") else kind
            if kind not in seen:
                found.append(Remark(file, line, what, reaches))
                seen.add(kind)
    return tuple(sorted(found, key=lambda one: not one.reaches)[:MOST])


def _of_file(
    several: Iterable[ast.Module | Unreadable], upload: Upload, elsewhere: frozenset[str]
) -> Iterator[tuple[int, str, bool]]:
    for tree in several:
        if isinstance(tree, Unreadable):
            yield tree.line, tree.why, True
            continue
        try:
            for one in _of_tree(tree, upload, elsewhere, depth=0):
                yield getattr(one.node, "lineno", 1), one.what, one.reaches
        except (RecursionError, MemoryError) as error:
            yield 1, f"cannot be read ({type(error).__name__})", True


def _of_tree(
    tree: ast.Module, upload: Upload, elsewhere: frozenset[str], depth: int
) -> Findings:
    names = Code(tree, upload.exports, upload.modules, elsewhere)

    def scan(code: str, node: ast.AST) -> Findings:
        inner = parse(code) if depth < 5 else Unreadable("runs code in code in code")
        if isinstance(inner, Unreadable):
            yield Found(node, f"has code in a text that {inner.why}")
        else:
            for one in _of_tree(inner, upload, elsewhere, depth + 1):
                yield Found(node, one.what, one.reaches)

    yield from rules.findings(names, upload)
    yield from calls.findings(names, upload, scan)


def gathered(trees: Mapping[str, Iterable[ast.Module | Unreadable]]) -> Upload:
    """Gather what the rules must know of all the code together."""
    modules = {part for file in trees for part in PurePosixPath(file).with_suffix("").parts}
    private: set[str] = set()
    exports: dict[str, str] = {}
    saved: set[str] = set()
    writes_bytes = False
    every = [one for several in trees.values() for one in several if isinstance(one, ast.Module)]
    for node in (node for tree in every for node in ast.walk(tree)):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                private.add(node.name)
            case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=name, ctx=ast.Store()):
                private.add(name)
            case ast.Name(id=name, ctx=ast.Store()):
                private.add(name)
            case ast.Import(names=aliases):
                for one in aliases:
                    if one.asname or "." not in one.name:
                        exports[one.asname or one.name] = one.name
            case ast.ImportFrom(level=0, module=str(module), names=aliases):
                if module.partition(".")[0] not in modules:
                    exports |= {one.asname or one.name: f"{module}.{one.name}" for one in aliases}
            case ast.Call(func=func, args=args):
                last = func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")
                if last == "save" and len(args) > 1:
                    saved.add(shape_of(args[1]))
                elif last in _MOVES or (last == "open" and _opens_bytes(node)):
                    writes_bytes = True
                elif last == "run_cell_magic" and len(args) == 3:
                    modules |= set(re.findall(r"(\w+)\.py\b", fold(args[1]) or ""))
                elif last in ("namedtuple", "register_buffer", "setattr"):
                    private |= {text for one in args if (text := fold(one)) is not None}
    return Upload(
        modules=frozenset(modules),
        private=frozenset(name for name in private if name.startswith("_")),
        exports=exports,
        names={file: frozenset().union(*map(_names_in, several)) for file, several in trees.items()},
        saved=frozenset(saved),
        writes_bytes=writes_bytes,
    )


def _names_in(tree: ast.Module | Unreadable) -> set[str]:
    if isinstance(tree, Unreadable):
        return set()
    found: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(attr=name, ctx=ast.Store() | ast.Del()):
                found |= {name, f".{name}"}
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name):
                found.add(name)
            case ast.keyword(arg=str(name)):
                found |= {name, f".{name}"}
    return found


def _opens_bytes(call: ast.Call) -> bool:
    modes = [*call.args[:2], *(one.value for one in call.keywords if one.arg == "mode")]
    texts = [text for one in modes if (text := fold(one)) is not None]
    return any("b" in text and set(text) & set("wax+") and len(text) <= 3 for text in texts)
