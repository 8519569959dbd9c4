"""Loads mutants and variants from `cases.yaml` and the files beside it.

    leave_out: [cli.py]            # files of the reference that copies of it do not get
    mutants:
      NAME: {about: what it stands for, loses: [CRITERION, ...]}   # mutants/NAME.py, .ipynb, folder
      NAME:                        # a copy of the reference, rewritten
        about: ...
        loses: [...]
        rewrite: [{file: train.py, in: evaluate, find: model.eval(), by: pass}]
    variants:
      NAME: {about: ...}           # variants/NAME.py, .ipynb, folder
      NAME: {about: ..., of: NAME, rewrite: [...]}     # a copy of another variant, rewritten

The rubric names the folder of `cases.yaml`. Every error names the file and the line.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from grader.errors import UsageError
from grader.rubric.load import read_document
from grader.rubric.mistakes import line_of, mistakes
from grader.rubric.model import Identifier, Model, did_you_mean
from grader.validation.mutate import Edit, rewrite
from grader.validation.outcomes import Case

NAME = "cases.yaml"
_SUFFIXES = (".py", ".ipynb", "")


class Rewrite(Model):
    file: str | None = None
    within: str | None = Field(None, alias="in")
    find: str | None = None
    by: str = ""
    times: int = Field(1, ge=1)


class Variant(Model):
    about: str = Field(min_length=1)
    of: Identifier | None = None
    rewrite: tuple[Rewrite, ...] = ()


class Mutant(Variant):
    loses: tuple[Identifier, ...]


class Cases(Model):
    leave_out: tuple[str, ...] = ()
    mutants: Mapping[Identifier, Mutant] = {}
    variants: Mapping[Identifier, Variant] = {}


@dataclass(frozen=True)
class Corpus:
    """The mutants and variants of a homework.

    Attributes:
        folder: Folder of `cases.yaml`.
        reference: The reference solution, a file or folder.
        cases: Content of `cases.yaml`.
        document: The same as a parsed document that knows line numbers.
    """

    folder: Path
    reference: Path
    cases: Cases
    document: Any

    def all(self) -> Iterator[Case]:
        """Yield all mutants, then all variants."""
        for name, mutant in self.cases.mutants.items():
            yield Case("mutant", name, mutant.about, frozenset(mutant.loses))
        for name, variant in self.cases.variants.items():
            yield Case("variant", name, variant.about)


def load_corpus(folder: Path, reference: Path, criteria: Collection[str]) -> Corpus:
    """Read and check `cases.yaml`.

    Args:
        folder: Folder of `cases.yaml`.
        reference: The reference solution, a file or folder.
        criteria: Ids of the criteria that a mutant may lose.

    Raises:
        UsageError: The file is wrong, or a file or folder beside it is missing or not listed.
    """
    path = folder / NAME
    document = read_document(path)
    try:
        cases = Cases.model_validate(document)
    except ValidationError as error:
        found = mistakes(error, document, path, model=Cases)
        raise UsageError("\n".join(text for _, text in found)) from None
    corpus = Corpus(folder, reference, cases, document)
    for name, mutant in cases.mutants.items():
        for number, lost in enumerate(mutant.loses):
            if lost not in criteria:
                allowed = did_you_mean(lost, list(criteria))
                raise _wrong(corpus, ("mutants", name, "loses", number),
                             f"no automatic criterion '{lost}'{allowed}")
    for kind, group in (("mutants", cases.mutants), ("variants", cases.variants)):
        for name, case in group.items():
            if case.of is not None and case.of not in cases.variants:
                raise _wrong(corpus, (kind, name, "of"), f"there is no variant '{case.of}'"
                             + did_you_mean(case.of, list(cases.variants)))
            if case.of is not None and not case.rewrite:
                raise _wrong(corpus, (kind, name), "'of' needs a 'rewrite'")
        _all_are_listed(corpus, kind, group)
    return corpus


def lay_out(corpus: Corpus, case: Case, workspace: Path) -> Path:
    """Return the file or folder to grade; a rewritten case is written into `workspace`."""
    return _lay_out(corpus, f"{case.kind}s", case.name, workspace, ())


def _lay_out(corpus: Corpus, kind: str, name: str, workspace: Path, chain: tuple[str, ...]) -> Path:
    case: Variant = getattr(corpus.cases, kind)[name]
    if not case.rewrite:
        return _beside(corpus, kind, name)
    if name in chain:
        raise _wrong(corpus, (kind, name, "of"), f"{' -> '.join((*chain, name))} goes in a circle")
    base = corpus.reference
    if case.of is not None:
        base = _lay_out(corpus, "variants", case.of, workspace / "of", (*chain, name))
    copy = _copied(base, workspace / f"{name}{base.suffix}",
                   () if case.of else corpus.cases.leave_out)
    for number, step in enumerate(case.rewrite):
        place = (kind, name, "rewrite", number)
        file = copy if copy.is_file() else copy / (step.file or "")
        if not file.is_file() or file.suffix != ".py":
            found = ", ".join(sorted(p.relative_to(copy).as_posix() for p in copy.rglob("*.py")))
            raise _wrong(corpus, (*place, "file"), f"no such file '{step.file}'; there are {found}")
        edit = Edit(step.find, step.by, step.within, step.times)
        try:
            file.write_text(rewrite(file.read_text("utf-8"), edit), encoding="utf-8")
        except UsageError as error:
            where = base if copy.is_file() else base / file.relative_to(copy)
            raise _wrong(corpus, place, f"{where}: {error}") from None
    return copy


def _copied(base: Path, to: Path, leave_out: Collection[str]) -> Path:
    shutil.rmtree(to, ignore_errors=True)
    to.parent.mkdir(parents=True, exist_ok=True)
    if base.is_file():
        return Path(shutil.copy(base, to))
    return Path(shutil.copytree(base, to, ignore=shutil.ignore_patterns("__pycache__", *leave_out)))


def _beside(corpus: Corpus, kind: str, name: str) -> Path:
    found = [path for suffix in _SUFFIXES
             if (path := corpus.folder / kind / f"{name}{suffix}").exists()]
    if len(found) != 1:
        there = " and ".join(path.name for path in found) or "nothing"
        raise _wrong(corpus, (kind, name),
                     f"a case without 'rewrite' is {kind}/{name}.py, .ipynb or a folder; there is "
                     f"{there}")
    return found[0]


def _all_are_listed(corpus: Corpus, kind: str, names: Collection[str]) -> None:
    folder = corpus.folder / kind
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.stem not in names and not path.name.startswith((".", "__")):
            what = f"{path} is not listed; add '{path.stem}: {{about: ...}}'"
            raise _wrong(corpus, (kind,), what)


def _wrong(corpus: Corpus, place: tuple[Any, ...], what: str) -> UsageError:
    where = f"{corpus.folder / NAME}:{line_of(corpus.document, place)}"
    return UsageError(f"{where}: {'.'.join(map(str, place))}: {what}")
