"""Writes the bundle that students get.

    README.md  check.py     instructions, and the command that checks
    hw2.py ...              the starter
    handouts/               files that the course hands out
    grading/                the public rubric, answers, images, tests and checks, the pinned grader
"""

from __future__ import annotations

import re
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path
from string import Template

from grader.errors import UsageError
from grader.export.student_bundle.public_rubric import (
    HANDOUTS,
    PublicRubric,
    at_home,
    secret_files,
    visible,
)
from grader.export.student_bundle.requirements import homework_packages
from grader.export.student_bundle.wheel import own_metadata, pack_grader
from grader.rubric.load import write_document
from grader.rubric.model import Rubric

_HERE = Path(__file__).parent
_MOMENT = (2020, 1, 1, 0, 0, 0)   # the same homework is the same bytes
_CLUTTER = shutil.ignore_patterns("__pycache__", "*.pyc", ".DS_Store", ".ipynb_checkpoints")
GRADING = "grading"
_NOT_HERE = ", which only your instructor can check"


def write_bundle(
    rubric: Rubric, public: PublicRubric, folder: Path, torch_index: str | None = None
) -> None:
    """Write everything but answers and images.

    Args:
        rubric: the instructor's rubric.
        public: the part of it that students get.
        folder: where to write; it must not exist.
        torch_index: an extra index for pip, for a torch without CUDA; None stands for PyPI only.

    Raises UsageError if a folder is missing, or a file of the starter would be replaced.
    """
    grading = folder / GRADING
    grading.mkdir(parents=True)
    if rubric.starter is not None:
        _copy(rubric.starter, folder)
    if rubric.handouts is not None:
        _copy(rubric.handouts, folder / HANDOUTS)
    _own(folder / "check.py", (_HERE / "check.py").read_text(encoding="utf-8"))
    _own(folder / "README.md", _readme(rubric, folder))
    if not (folder / ".gitignore").exists():
        _own(folder / ".gitignore", ".venv/\n__pycache__/\nresults/\n")
    write_document(public.document, grading / "rubric.yaml")
    for name, text in public.texts.items():
        (grading / name).write_text(text, encoding="utf-8")
    for name, path in public.files.items():
        (grading / name).parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if path.is_dir() else shutil.copyfile
        copy(path, grading / name)
    wheel = pack_grader(grading)
    extra = [f"--extra-index-url {torch_index}"] if torch_index else []
    packages = homework_packages(rubric, own_metadata(), public.texts.values())
    pinned = "".join(f"{one}\n" for one in [*extra, f"./{wheel}", *packages])
    (grading / "requirements.txt").write_text(pinned, encoding="utf-8")


def write_zip(folder: Path, path: Path) -> None:
    """Write the folder as a zip, inside one folder with the zip's name."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(one for one in folder.rglob("*") if one.is_file()):
            inside = f"{path.stem}/{file.relative_to(folder).as_posix()}"
            entry = zipfile.ZipInfo(inside, _MOMENT)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, file.read_bytes(), zipfile.ZIP_DEFLATED)


def leaks(rubric: Rubric, texts: Mapping[str, bytes]) -> list[str]:
    """Return a line for each thing in the bundle that students must not get.

    These are copies of files of the reference solution, of the validation set or of a criterion's
    secret files, and ids and titles of criteria that are not visible. `texts` are the bundle's
    files, by name.
    """
    ours = {file.read_bytes(): file for file in _kept_back(rubric)}
    hidden = [one for one in rubric.criteria if one not in visible(rubric)]
    found = []
    for name, content in texts.items():
        if content in ours:
            found.append(f"{name} is {ours[content]}")
        for one in hidden:
            # An id may be a common word, so it counts only in the grader's own files.
            by_id = name.startswith(GRADING) and re.search(rf"\b{one.id}\b".encode(), content)
            if by_id or one.title.encode() in content:
                found.append(f"{name} names the criterion '{one.id}'")
    return found


def _kept_back(rubric: Rubric) -> list[Path]:
    given = [one for one in (rubric.starter, rubric.handouts) if one is not None]
    places = [one for one in (rubric.reference, rubric.validation) if one is not None]
    found = []
    for place in places:
        for file in [place] if place.is_file() else sorted(place.rglob("*")):
            is_given = any(file.is_relative_to(one) for one in given)
            if file.is_file() and file.stat().st_size > 200 and not is_given:
                found.append(file)
    data = rubric.active.data
    hidden = [data.hidden.images, data.hidden.labels]
    if data.source in ("arrays", "loader"):   # of what is held out, too
        hidden.append(data.path)
    secret_places = [*secret_files(rubric), *(one for one in hidden if one is not None)]
    secret = (file for place in secret_places for file in [place, *place.rglob("*")])
    return found + [file for file in secret if file.is_file() and file.stat().st_size]


def _copy(source: Path, target: Path) -> None:
    if not source.is_dir():
        raise UsageError(f"{source}: no such folder; the rubric names it for students")
    shutil.copytree(source, target, ignore=_CLUTTER, dirs_exist_ok=True)


def _own(path: Path, text: str) -> None:
    if path.exists():
        raise UsageError(
            f"the starter has a {path.name}, which the bundle writes itself; rename the starter's"
        )
    path.write_text(text, encoding="utf-8")


def _readme(rubric: Rubric, folder: Path) -> str:
    here = at_home(rubric)
    rows = [
        f"| {one.part} | {one.title} ({one.points:g}){'' if one in here else _NOT_HERE} |"
        for one in visible(rubric)
    ]
    code = sorted(one.name for one in folder.iterdir() if one.suffix in (".py", ".ipynb"))
    file = next((name for name in code if name != "check.py"), "YOUR_FILE.py")
    template = Template((_HERE / "README.md").read_text(encoding="utf-8"))
    return template.substitute(title=rubric.title, rows="\n".join(rows), file=file)
