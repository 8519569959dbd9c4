"""A hand-in -> Submission: unpacked, converted and read, but nothing of it run.

    workspace/students/STUDENT/code/NAME/    what the sandbox shows the worker

Students name themselves, so they have a folder of their own there: one who is called `data` gets
nothing of the run's data.

NAME is the handed-in folder's own name, so that a package's imports of itself work, else the
student's. Whatever a student may have put there, `prepare` returns a Submission: what can't be
used is refused or noted, for the student to read.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

from grader.submissions.written_answers import latex_answers, markdown_answers, merged
from grader.submissions.discover import HandIn
from grader.submissions.collect import chunks_of, collect, files_in, free
from grader.errors import RefusedArchive
from grader.submissions.safe_writer import Caps, kind, shown
from grader.submissions.ipython_syntax import IPythonSyntax
from grader.submissions.notebook import LARGEST_NOTEBOOK, NotebookError, read_notebook
from grader.records import Submission
from grader.submissions.suspicious_code import remarks
from grader.submissions.student_names import module_name

_LARGEST_TEXT = 1_000_000  # bytes of an answers file that are read
_MOST_TEXTS = 20  # answers files of one kind that are read
_MOST_MARKDOWN = 20_000_000  # characters in the cells of all notebooks, pictures among them
_MOST_NOTES = 20


def prepare(hand_in: HandIn, workspace: Path, caps: Caps | None = None) -> Submission:
    """Lay out one hand-in under `workspace`, replacing what an earlier run left there.

    Raises OSError only when the grader's own disk fails.
    """
    root = workspace / "students" / hand_in.student
    shutil.rmtree(root, ignore_errors=True)
    upload = root / "upload"
    notes: list[str] = []
    refused = None
    try:
        collect(hand_in, upload, caps or Caps(), notes)
    except RefusedArchive as refusal:
        refused = str(refusal)
        shutil.rmtree(upload, ignore_errors=True)
        upload.mkdir(parents=True)
    top, name = _top(hand_in, upload)
    folder = root / "code" / name
    folder.parent.mkdir(parents=True)
    top.rename(folder)
    shutil.rmtree(upload, ignore_errors=True)  # the wrapping, if there was any
    digest = _digest(folder, refused or "")
    cells = _convert_notebooks(folder, notes)
    files = tuple(sorted(files_in(folder)))
    if refused is None and not any(file.lower().endswith(".py") for file in files):
        found = ", ".join(map(shown, files[:8])) or "nothing at all"
        notes.append(f"No Python code was found (no .py, no readable .ipynb); there is: {found}.")
    return Submission(
        student=hand_in.student,
        source=hand_in.sources[0],
        folder=folder,
        files=files,
        digest=digest,
        answers=_answers(folder, files, cells),
        submitted_at=hand_in.submitted_at,
        refused=refused,
        notes=_shortened(notes),
        remarks=remarks(folder, files),
        members=hand_in.members,
        attempt=hand_in.attempt,
        marked_late=hand_in.marked_late,
    )


def _shortened(notes: list[str]) -> tuple[str, ...]:
    more = len(notes) - _MOST_NOTES
    return (*notes[:_MOST_NOTES], f"And {more:,} more like these.") if more > 1 else tuple(notes)


def _top(hand_in: HandIn, upload: Path) -> tuple[Path, str]:
    """The folder where the student's work begins, and its name as a module.

    A folder with nothing but a folder in it, as archives often have, is only wrapping.
    """
    top = upload
    while len(inside := list(top.iterdir())) == 1 and inside[0].is_dir():
        top = inside[0]
    if top != upload:
        return top, module_name(top.name)
    source = hand_in.sources[0]
    is_folder = len(hand_in.sources) == 1 and kind(source) == "folder"
    return top, module_name(source.name if is_folder else hand_in.student)


def _convert_notebooks(folder: Path, notes: list[str]) -> list[str]:
    """Write the code of each notebook beside it; returns the texts of all Markdown cells."""
    markdown: list[str] = []
    left = 2 * LARGEST_NOTEBOOK  # bytes of all notebooks together
    ipython = IPythonSyntax()
    for file in sorted(files_in(folder)):
        path = folder / file
        if path.suffix.lower() != ".ipynb":
            continue
        try:
            size = path.stat().st_size
            if size > min(LARGEST_NOTEBOOK, left):
                raise NotebookError(
                    f"the notebook is larger than {LARGEST_NOTEBOOK // 1_000_000} MB, or all of "
                    "them together than twice that; clear its outputs and save it again"
                )
            left -= size
            notebook = read_notebook(_decoded(path.read_bytes()), ipython)
        except NotebookError as error:
            notes.append(f"{shown(file)} was left out: {error}.")
            continue
        script = path.with_suffix(".py")
        if script.exists():
            script = free(path.with_name(f"{path.stem}_notebook.py"))
        script.write_text(notebook.source, encoding="utf-8", newline="\n")
        markdown.extend(notebook.markdown)
    return markdown


def _decoded(notebook: bytes) -> str:
    """Mostly UTF-8; some editors and shells on Windows write UTF-16."""
    return notebook.decode(json.detect_encoding(notebook), "replace")


def _answers(folder: Path, files: tuple[str, ...], cells: list[str]) -> dict[str, str]:
    """By part, from answers.md first, then other Markdown, LaTeX and the notebooks' cells.

    A PDF can't be read here; its name is kept under "pdf", so that a person is told.
    """
    by = {suffix: _with_suffix(files, suffix) for suffix in (".md", ".tex", ".pdf")}
    by[".md"].sort(key=lambda file: Path(file).name.lower() != "answers.md")
    answers = merged(
        [
            *(markdown_answers([_text(folder / file)]) for file in by[".md"][:_MOST_TEXTS]),
            *(latex_answers(_text(folder / file)) for file in by[".tex"][:_MOST_TEXTS]),
            markdown_answers(_beginning(cells, _MOST_MARKDOWN)),
        ]
    )
    return answers | ({"pdf": by[".pdf"][0]} if by[".pdf"] else {})


def _beginning(texts: list[str], limit: int) -> Iterator[str]:
    for text in texts:
        yield text[:limit]
        limit = max(0, limit - len(text))


def _with_suffix(files: tuple[str, ...], suffix: str) -> list[str]:
    return [
        file
        for file in files
        if file.lower().endswith(suffix) and not Path(file).name.lower().startswith("readme")
    ]


def _text(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(_LARGEST_TEXT).decode("utf-8-sig", "replace")


def _digest(folder: Path, refused: str) -> str:
    """Of names and bytes as handed in; what is refused is told apart by the reason."""
    digest = hashlib.sha256(refused.encode())
    for file in sorted(files_in(folder)):
        content = hashlib.sha256()
        for chunk in chunks_of(folder / file):
            content.update(chunk)
        digest.update(hashlib.sha256(file.encode()).digest() + content.digest())
    return digest.hexdigest()
