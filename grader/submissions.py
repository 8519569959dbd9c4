"""A hand-in -> Submission: unpacked, converted and read, but nothing of it run.

    workspace/STUDENT/code/NAME/    what the sandbox shows the worker

NAME is the handed-in folder's own name, so that a package's imports of itself work, else the
student's. Whatever a student may have put there, `prepare` returns a Submission: what can't be
used is refused or noted, for the student to read.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from grader.answers import latex_answers, markdown_answers, merged
from grader.archives import is_archive, unpack
from grader.class_folder import HandIn
from grader.errors import RefusedArchive
from grader.landing import Caps, Landing, is_clutter, shown
from grader.notebook import LARGEST_NOTEBOOK, NotebookError, read_notebook
from grader.records import Submission
from grader.student_names import module_name, owner

_CHUNK = 1024 * 1024
_LARGEST_TEXT = 1_000_000  # bytes of an answers file that are read


def prepare(hand_in: HandIn, workspace: Path, caps: Caps | None = None) -> Submission:
    """Lay out one hand-in under `workspace`, replacing what an earlier run left there.

    Raises OSError only when the grader's own disk fails.
    """
    root = workspace / hand_in.student
    shutil.rmtree(root, ignore_errors=True)
    upload = root / "upload"
    notes: list[str] = []
    refused = None
    try:
        _collect(hand_in, upload, caps or Caps(), notes)
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
    files = tuple(sorted(_files(folder)))
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
        notes=tuple(notes),
    )


def _collect(hand_in: HandIn, upload: Path, caps: Caps, notes: list[str]) -> None:
    """Bring everything into the new folder `upload`; raises RefusedArchive."""
    match hand_in.sources:
        case [source] if source.is_dir():
            _copy_folder(source, upload, caps, notes)
            _unpack_the_only_archive(upload, caps)
        case [source] if is_archive(source):
            unpack(source, upload, caps)
        case sources:
            _copy_side_by_side(sources, upload, caps, notes)
    if sum((upload / file).stat().st_size for file in _files(upload)) > caps.total_bytes:
        raise RefusedArchive(
            f"its files add up to more than {caps.total_bytes:,} bytes; leave data sets and "
            "checkpoints out"
        )


def _copy_side_by_side(
    sources: tuple[Path, ...], upload: Path, caps: Caps, notes: list[str]
) -> None:
    """Several files of one student; what an archive or a folder holds gets a folder of its own."""
    landing = Landing(upload, caps)
    folders = [source for source in sources if source.is_dir() or is_archive(source)]
    for source in sources:
        if source in folders:
            continue
        if not source.is_file() or source.is_symlink():
            notes.append(f"{shown(source.name)} is a link or a device and was left out.")
            continue
        name = owner(source.name).file
        landing.file(source.name if (upload / name).exists() else name, _chunks(source))
    for source in folders:
        inside = _free(upload / module_name(Path(owner(source.name).file).stem))
        if source.is_dir():
            _copy_folder(source, inside, caps, notes)
        else:
            unpack(source, inside, caps)


def _copy_folder(source: Path, upload: Path, caps: Caps, notes: list[str]) -> None:
    """Regular files only: links are not followed, pipes and devices not opened."""
    landing = Landing(upload, caps)
    for here, folders, files in os.walk(source):
        at = Path(here)
        folders[:] = sorted(name for name in folders if not is_clutter(name))
        for name in [*folders, *sorted(files)]:
            path = at / name
            relative = path.relative_to(source).as_posix()
            mode = path.lstat().st_mode
            if stat.S_ISREG(mode):
                if relative != "expected.yaml":  # a sample's marks lie beside it, not in it
                    landing.file(relative, _chunks(path))
            elif stat.S_ISDIR(mode):
                landing.folder(relative)
            else:
                notes.append(f"{shown(relative)} is a link or a device and was left out.")


def _unpack_the_only_archive(upload: Path, caps: Caps) -> None:
    """A system's folder with nothing but the student's archive in it stands for that archive."""
    archives = [upload / file for file in _files(upload) if is_archive(Path(file))]
    has_code = any(file.lower().endswith((".py", ".ipynb")) for file in _files(upload))
    if len(archives) == 1 and not has_code:
        unpack(archives[0], _free(upload / module_name(archives[0].stem)), caps)
        archives[0].unlink()


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
    is_folder = len(hand_in.sources) == 1 and source.is_dir()
    return top, module_name(source.name if is_folder else hand_in.student)


def _convert_notebooks(folder: Path, notes: list[str]) -> list[str]:
    """Write the code of each notebook beside it; returns the texts of all Markdown cells."""
    markdown: list[str] = []
    for file in sorted(_files(folder)):
        path = folder / file
        if path.suffix.lower() != ".ipynb":
            continue
        try:
            if path.stat().st_size > LARGEST_NOTEBOOK:
                raise NotebookError(
                    f"the notebook is larger than {LARGEST_NOTEBOOK // 1_000_000} MB; clear its "
                    "outputs and save it again"
                )
            notebook = read_notebook(path.read_text(encoding="utf-8-sig", errors="replace"))
        except NotebookError as error:
            notes.append(f"{shown(file)} was left out: {error}.")
            continue
        script = path.with_suffix(".py")
        if script.exists():
            script = _free(path.with_name(f"{path.stem}_notebook.py"))
        script.write_text(notebook.source, encoding="utf-8", newline="\n")
        markdown.extend(notebook.markdown)
    return markdown


def _free(path: Path) -> Path:
    """`path`, or one beside it that nothing has taken."""
    free, number = path, 1
    while free.exists():
        number += 1
        free = path.with_name(f"{path.stem}_{number}{path.suffix}")
    return free


def _answers(folder: Path, files: tuple[str, ...], cells: list[str]) -> dict[str, str]:
    """By part, from answers.md first, then other Markdown, LaTeX and the notebooks' cells.

    A PDF can't be read here; its name is kept under "pdf", so that a person is told.
    """
    kind = {suffix: _with_suffix(files, suffix) for suffix in (".md", ".tex", ".pdf")}
    kind[".md"].sort(key=lambda file: Path(file).name.lower() != "answers.md")
    answers = merged(
        [
            *(markdown_answers([_text(folder / file)]) for file in kind[".md"]),
            *(latex_answers(_text(folder / file)) for file in kind[".tex"]),
            markdown_answers(cells),
        ]
    )
    return answers | ({"pdf": kind[".pdf"][0]} if kind[".pdf"] else {})


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
    for file in sorted(_files(folder)):
        content = hashlib.sha256()
        for chunk in _chunks(folder / file):
            content.update(chunk)
        digest.update(hashlib.sha256(file.encode()).digest() + content.digest())
    return digest.hexdigest()


def _files(folder: Path) -> Iterator[str]:
    return (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk
