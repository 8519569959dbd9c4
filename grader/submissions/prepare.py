"""Makes a Submission of an attempt: unpacks, converts and reads it, but runs nothing.

    workspace/students/STUDENT/code/NAME/    the folder that the sandbox shows to the worker

The folder `students` keeps a student called `data` apart from the run's own data. NAME is the name
of the submitted folder, so that a package's imports of itself work, or else the student's.
`prepare` returns a Submission for any input: unusable parts are refused, or noted for the student.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable
from pathlib import Path

from grader.errors import RefusedArchive
from grader.records import Submission
from grader.submissions.allowlist import remarks
from grader.submissions.answer_files import read_answers
from grader.submissions.code_in_texts import adopt_code_in_texts
from grader.submissions.collect import chunks_of, collect, files_in
from grader.submissions.discover import HandIn
from grader.submissions.ipython_syntax import IPythonSyntax
from grader.submissions.left_out import LeftOut, shown
from grader.submissions.notebook import LARGEST_NOTEBOOK, NotebookError, read_notebook
from grader.submissions.safe_writer import Caps, free, kind
from grader.submissions.stamp import stamp_of
from grader.submissions.student_names import module_name

_MOST_NOTES = 20


def prepare(
    hand_in: HandIn, workspace: Path, caps: Caps | None = None, imports: Iterable[str] = ()
) -> Submission:
    """Lay out one attempt under `workspace`, replacing the files of an earlier run.

    Args:
        hand_in: The files of the attempt.
        workspace: The folder of the run.
        caps: Limits its size; None stands for the usual caps.
        imports: Modules that its code may use beside the usual ones.

    Raises:
        OSError: Only if the grader's own disk fails.
    """
    root = workspace / "students" / hand_in.student
    shutil.rmtree(root, ignore_errors=True)
    upload = root / "upload"
    left_out, refused = LeftOut(), None
    try:
        left_out = collect(hand_in, upload, caps or Caps())
    except RefusedArchive as refusal:
        refused = str(refusal)
        shutil.rmtree(upload, ignore_errors=True)
        upload.mkdir(parents=True)
    top, name = _top(hand_in, upload)
    folder = root / "code" / name
    folder.parent.mkdir(parents=True)
    top.rename(folder)
    shutil.rmtree(upload, ignore_errors=True)  # outer folders, if there were any
    digest = _digest(folder, refused or "".join(left_out.lines()))
    notes = left_out.lines()
    notes += adopt_code_in_texts(folder)
    cells = _convert_notebooks(folder, notes, left_out.unread)
    files = tuple(sorted(files_in(folder)))
    if refused is None and not any(file.endswith(".py") for file in files):
        names = ", ".join(map(shown, files[:8])) or "no files"
        notes.append(f"No Python code was found (no .py, no readable .ipynb). Found: {names}.")
    answers, unread = read_answers(folder, files, cells)
    found = remarks(folder, files, imports)
    return Submission(
        student=hand_in.student,
        source=hand_in.sources[0],
        folder=folder,
        files=files,
        digest=digest,
        answers=answers,
        submitted_at=hand_in.submitted_at,
        refused=refused,
        notes=_shortened(notes),
        remarks=tuple(map(str, found)),
        reaching=tuple(str(one) for one in found if one.reaches),
        members=hand_in.members,
        attempt=hand_in.attempt,
        marked_late=hand_in.marked_late,
        stamp=stamp_of(hand_in.sources),
        unread=tuple([*left_out.unread, *unread][:_MOST_NOTES]),
    )


def _shortened(notes: list[str]) -> tuple[str, ...]:
    more = len(notes) - _MOST_NOTES
    if more <= 1:
        return tuple(notes)
    return (*notes[:_MOST_NOTES], f"{more:,} more notes are not shown.")


def _top(hand_in: HandIn, upload: Path) -> tuple[Path, str]:
    """Return the student's top folder and its name as a module.

    A folder that holds only one folder, as in many archives, is skipped.
    """
    top = upload
    while len(inside := list(top.iterdir())) == 1 and inside[0].is_dir():
        top = inside[0]
    if top != upload:
        return top, module_name(top.name)
    source = hand_in.sources[0]
    is_folder = len(hand_in.sources) == 1 and kind(source) == "folder"
    return top, module_name(source.name if is_folder else hand_in.student)


def _convert_notebooks(folder: Path, notes: list[str], unread: list[str]) -> list[str]:
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


def _digest(folder: Path, refused: str) -> str:
    """Return SHA-256 over all names and bytes, and over the reason if it was refused."""
    digest = hashlib.sha256(refused.encode())
    for file in sorted(files_in(folder)):
        content = hashlib.sha256()
        for chunk in chunks_of(folder / file):
            content.update(chunk)
        digest.update(hashlib.sha256(file.encode()).digest() + content.digest())
    return digest.hexdigest()
