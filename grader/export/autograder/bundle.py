"""autograder.zip, which an instructor uploads to Gradescope: a rubric and this grader.

    setup.sh  run_autograder          the programs that Gradescope runs
    grader/                           this grader's own files
    torch.txt  requirements.txt       its dependencies, in the versions that are installed here
    homework/                         the rubric, and every file that grading by it reads

The same rubric and versions make the same bytes.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

import grader
from grader.errors import UsageError
from grader.rubric.load import read_document
from grader.rubric.model import Rubric
from grader.submissions.stored_names import is_clutter

OPTIONS = "autograder.json"
_PACKAGE = Path(grader.__file__).resolve().parent
_HERE = Path(__file__).parent
_EXECUTABLE = ("setup.sh", "run_autograder")
_LONG_AGO = (1980, 1, 1, 0, 0, 0)   # a zip knows no earlier one


def autograder_zip(
    rubric: Rubric, rubric_path: Path, criteria: Iterable[str], torch_index: str = ""
) -> bytes:
    """Return the bytes of the zip.

    Args:
        rubric: the rubric to grade by, with the profile that is active.
        rubric_path: its file; all files that it names must lie in the same folder or below.
        criteria: ids of the criteria to grade; empty stands for all of them.
        torch_index: an index of wheels that `setup.sh` installs torch from; "" stands for PyPI.

    Raises UsageError for a file outside the rubric's folder, and if this grader is not installed.
    """
    torch, others = _requirements()
    others = sorted([*others, *rubric.packages])
    profile = rubric.profile if rubric.profiles else None
    options = {"rubric": rubric_path.name, "profile": profile, "criteria": list(criteria)}
    files = {name: (_HERE / name).read_bytes() for name in _EXECUTABLE}
    files |= {
        "torch.txt": _lines(torch), "requirements.txt": _lines(others),
        "torch-index.txt": torch_index.encode(), f"homework/{OPTIONS}": _json(options),
    }  # fmt: skip
    files |= {f"grader/{name}": data for name, data in _below(_PACKAGE, _PACKAGE)}
    files |= {f"homework/{name}": data for name, data in _homework(rubric, rubric_path)}
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in sorted(files.items()):
            entry = zipfile.ZipInfo(name, _LONG_AGO)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o100755 if name in _EXECUTABLE else 0o100644) << 16
            archive.writestr(entry, data)
    return written.getvalue()


def _homework(rubric: Rubric, path: Path) -> Iterator[tuple[str, bytes]]:
    root = path.resolve().parent
    yield path.name, path.read_bytes()
    for place in (*_places(rubric), *_lists(path)):
        if not place.resolve().is_relative_to(root):
            raise UsageError(
                f"{path}: {place} is outside of {root} and would be missing at Gradescope; move it "
                "into that folder"
            )
        yield from _below(place.resolve(), root)


def _places(rubric: Rubric) -> Iterator[Path]:
    """Yield every file and folder that grading by the active profile reads."""
    data = rubric.active.data
    named = [rubric.reference, rubric.handouts, data.path, data.hidden.images, data.hidden.labels]
    yield from (place for place in named if place is not None)
    own = [*rubric.own_files]
    for criterion in rubric.criteria:
        own += [value for _, value in criterion.params if isinstance(value, Path)]
        yield from criterion.data
    for file in own:   # and the modules beside it, which it may import
        yield from {file, *file.parent.glob("*.py")}


def _lists(path: Path) -> Iterator[Path]:
    """Yield the files of groups and extensions, which only the rubric's document still names."""
    document = read_document(path)
    named = [document.get("groups"), (document.get("late") or {}).get("extensions")]
    yield from (path.resolve().parent / Path(name) for name in named if isinstance(name, str))


def _below(place: Path, root: Path) -> Iterator[tuple[str, bytes]]:
    """Yield a file, or every file in a folder, with its path relative to `root`."""
    paths = sorted(place.rglob("*")) if place.is_dir() else [place]
    for path in paths:
        inside = path.relative_to(root)
        if path.is_file() and not any(map(is_clutter, inside.parts)):
            yield inside.as_posix(), path.read_bytes()


def _requirements() -> tuple[list[str], list[str]]:
    """Return the requirements of the `torch` extra, and all others that grading needs.

    They are pinned to the versions that are installed here.
    """
    try:
        needed = metadata.requires("torch-grader") or []
    except metadata.PackageNotFoundError:
        raise UsageError(
            "torch-grader is not installed, so its dependencies are unknown; `pip install .` in "
            "its folder, and use that installation"
        ) from None
    torch: list[str] = []
    others: list[str] = []
    for requirement in map(Requirement, needed):
        extra = re.search(r"extra == .(\w+).", str(requirement.marker or ""))
        if extra is None or extra[1] in ("torch", "homework"):
            (torch if extra and extra[1] == "torch" else others).append(_pinned(requirement))
    return sorted(torch), sorted(others)


def _pinned(requirement: Requirement) -> str:
    try:
        version = metadata.version(requirement.name).partition("+")[0]   # without "+cpu"
    except metadata.PackageNotFoundError:   # one of the homework extra; any version will do
        return f"{requirement.name}{requirement.specifier}"
    return f"{requirement.name}=={version}"


def _lines(words: Iterable[str]) -> bytes:
    return "".join(f"{word}\n" for word in words).encode()


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=2) + "\n").encode()
