"""Reads what a student handed in: unpacks it, converts notebooks, finds answers and remarks.

    ROOT/code/NAME/    the folder that the sandbox shows to the worker

NAME is the name of the submitted folder, so that a package's imports of itself work, or else the
student's. `read` returns a Reading for any input: unusable parts are refused, or noted for the
student. It runs nothing, and imports little, since a process of its own does it for each student.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.errors import RefusedArchive
from grader.records import Use
from grader.submissions.allowlist.reviewing import remarks
from grader.submissions.answer_files import read_answers
from grader.submissions.code_in_texts import adopt_code_in_texts
from grader.submissions.collect import chunks_of, collect, files_in
from grader.submissions.forbidden import forbidden_uses
from grader.submissions.ipython_syntax import IPythonSyntax
from grader.submissions.left_out import LeftOut, shown
from grader.submissions.notebook import LARGEST_NOTEBOOK, NotebookError, read_notebook
from grader.submissions.safe_writer import Caps, free, kind
from grader.submissions.steps import TOO_MUCH, Steps
from grader.submissions.student_names import module_name

_MOST_NOTES = 20
_MOST_ANSWERS = 5_000_000   # characters of all written answers together
_LONGEST_REMARK = 500


@dataclass(frozen=True)
class Reading:
    """Plain data about the files that were written below `code/NAME`.

    Attributes:
        name: The name of their folder.
        files: Their paths in it.
        digest: SHA-256 of what was unpacked.
        answers: As in `Submission`, like all that follows.
    """

    name: str
    files: tuple[str, ...]
    digest: str
    answers: dict[str, str]
    refused: str | None
    notes: tuple[str, ...]
    remarks: tuple[str, ...]
    reaching: tuple[str, ...]
    unread: tuple[str, ...]
    uses: tuple[Use, ...] = ()


def read(
    student: str, sources: Sequence[Path], root: Path, caps: Caps, imports: Iterable[str],
    steps: Steps | None = None, rules: Iterable[str] = (),
) -> Reading:
    """Lay out one attempt in the empty folder `root`, and read it.

    Args:
        student: Names the folder where no submitted folder has a name.
        sources: The files and folders that were handed in.
        root: The folder to write into.
        caps: Limits the size.
        imports: Modules that its code may use beside the usual ones.
        steps: Told of each step; it knows those to skip. None skips nothing.
        rules: Names that criteria forbid; see `grader.submissions.forbidden`.

    Raises:
        OSError: Only if the grader's own disk fails.
    """
    steps = steps or Steps()
    upload = root / "upload"
    left_out, refused = LeftOut(), None
    try:
        left_out = collect(sources, upload, caps, steps)
    except RefusedArchive as refusal:
        refused = str(refusal)
        shutil.rmtree(upload, ignore_errors=True)
        upload.mkdir(parents=True)
    steps.may("read")
    top, name = _top(student, sources, upload)
    folder = root / "code" / name
    folder.parent.mkdir(parents=True)
    top.rename(folder)
    shutil.rmtree(upload, ignore_errors=True)  # outer folders, if there were any
    skipped = "".join(f"{what} {file}\n" for what, file in sorted(steps.skipped))
    digest = _digest(folder, (refused or "".join(left_out.lines())) + skipped)
    notes = left_out.lines()
    notes += adopt_code_in_texts(folder, steps)
    cells = _convert_notebooks(folder, notes, left_out.unread, steps)
    files = tuple(sorted(files_in(folder)))
    if refused is None and not any(file.endswith(".py") for file in files):
        names = ", ".join(map(shown, files[:8])) or "no files"
        notes.append(f"No Python code was found (no .py, no readable .ipynb). Found: {names}.")
    answers, unread = read_answers(folder, files, cells, steps)
    found = remarks(folder, files, imports, steps)
    return Reading(
        name=name,
        files=files,
        digest=digest,
        answers=_bounded(answers),
        refused=refused,
        notes=_shortened(notes),
        remarks=tuple(str(one)[:_LONGEST_REMARK] for one in found),
        reaching=tuple(str(one)[:_LONGEST_REMARK] for one in found if one.reaches),
        unread=tuple([*left_out.unread, *unread][:_MOST_NOTES]),
        uses=forbidden_uses(folder, files, rules, steps),
    )


def _bounded(answers: dict[str, str]) -> dict[str, str]:
    left, found = _MOST_ANSWERS, {}
    for part, text in answers.items():
        found[part] = text[:left]
        left -= len(found[part])
    return found


def _shortened(notes: list[str]) -> tuple[str, ...]:
    more = len(notes) - _MOST_NOTES
    if more <= 1:
        return tuple(notes)
    return (*notes[:_MOST_NOTES], f"{more:,} more notes are not shown.")


def _top(student: str, sources: Sequence[Path], upload: Path) -> tuple[Path, str]:
    """Return the student's top folder and its name as a module.

    A folder that holds only one folder, as in many archives, is skipped.
    """
    top = upload
    while len(inside := list(top.iterdir())) == 1 and inside[0].is_dir():
        top = inside[0]
    if top != upload:
        return top, module_name(top.name)
    is_folder = len(sources) == 1 and kind(sources[0]) == "folder"
    return top, module_name(sources[0].name if is_folder else student)


def _convert_notebooks(
    folder: Path, notes: list[str], unread: list[str], steps: Steps
) -> list[str]:
    """Write the code of each notebook beside it; return the texts of all Markdown cells."""
    markdown: list[str] = []
    left = 2 * LARGEST_NOTEBOOK  # bytes of all notebooks together
    ipython = IPythonSyntax()
    for file in sorted(files_in(folder)):
        path = folder / file
        if path.suffix != ".ipynb":
            continue
        size = path.stat().st_size
        try:
            if size > min(LARGEST_NOTEBOOK, left):
                raise NotebookError(
                    f"the notebook is larger than {LARGEST_NOTEBOOK // 1_000_000} MB, or all "
                    "notebooks together are larger than twice that; clear its outputs and save it "
                    "again"
                )
            left -= size
            if not steps.may("convert", file):
                raise NotebookError(f"{TOO_MUCH}; keep data in files of their own")
            notebook = read_notebook(_decoded(path.read_bytes()), ipython)
        except NotebookError as error:
            notes.append(f"{shown(file)} was left out: {error}.")
            if size:
                unread.append(file)
            continue
        script = path.with_suffix(".py")
        if script.exists():
            script = free(path.with_name(f"{path.stem}_notebook.py"))
        script.write_text(notebook.source, encoding="utf-8", newline="\n")
        markdown.extend(notebook.markdown)
    return markdown


def _decoded(notebook: bytes) -> str:
    """Decode UTF-8, or UTF-16 as some editors and shells on Windows write it."""
    return notebook.decode(json.detect_encoding(notebook), "replace")


def _digest(folder: Path, told: str) -> str:
    """Return SHA-256 over all names and bytes, and over what is told of files left out."""
    digest = hashlib.sha256(told.encode())
    for file in sorted(files_in(folder)):
        content = hashlib.sha256()
        for chunk in chunks_of(folder / file):
            content.update(chunk)
        digest.update(hashlib.sha256(file.encode()).digest() + content.digest())
    return digest.hexdigest()
