"""autograder.zip: what an instructor uploads to Gradescope, made of a rubric and this grader.

    setup.sh  run_autograder          what Gradescope runs
    grader/                           this grader's own files
    torch.txt  requirements.txt       what it needs, in the versions that are installed here
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
from grader.submissions.safe_writer import is_clutter

OPTIONS = "autograder.json"
_PACKAGE = Path(grader.__file__).resolve().parent
_HERE = Path(__file__).parent
_EXECUTABLE = ("setup.sh", "run_autograder")
_LONG_AGO = (1980, 1, 1, 0, 0, 0)   # a zip knows no earlier one


def autograder_zip(
    rubric: Rubric, rubric_path: Path, criteria: Iterable[str], torch_index: str = ""
) -> bytes:
    """`criteria` are ids, all of them where there is none. Raises UsageError for a file that does
    not lie beside the rubric, since it would lie nowhere at Gradescope."""
    torch, others = _requirements()
    options = {"rubric": rubric_path.name, "profile": rubric.profile, "criteria": list(criteria)}
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
                f"{path}: {place} lies outside of {root}, and would be missing at Gradescope; put "
                "it beside the rubric"
            )
        yield from _below(place.resolve(), root)


def _places(rubric: Rubric) -> Iterator[Path]:
    """Everything that grading by the active profile reads."""
    data = rubric.active.data
    told = [rubric.reference, rubric.handouts, data.path, data.hidden.images, data.hidden.labels]
    yield from (place for place in told if place is not None)
    own = [*rubric.own_files]
    for criterion in rubric.criteria:
        own += [value for _, value in criterion.params if isinstance(value, Path)]
    for file in own:   # and the modules beside it, which it may import
        yield from {file, *file.parent.glob("*.py")}


def _lists(path: Path) -> Iterator[Path]:
    """The files of students that the rubric names: what stands in them was read, they are gone from
    it by now."""
    document = read_document(path)
    told = [document.get("groups"), (document.get("late") or {}).get("extensions")]
    yield from (path.resolve().parent / Path(name) for name in told if isinstance(name, str))


def _below(place: Path, root: Path) -> Iterator[tuple[str, bytes]]:
    """A file, or every file in a folder, by its name below `root`."""
    paths = sorted(place.rglob("*")) if place.is_dir() else [place]
    for path in paths:
        inside = path.relative_to(root)
        if path.is_file() and not any(map(is_clutter, inside.parts)):
            yield inside.as_posix(), path.read_bytes()


def _requirements() -> tuple[list[str], list[str]]:
    """What the grader and students' code import, pinned to what is installed here: torch, and all
    else."""
    try:
        told = metadata.requires("grader") or []
    except metadata.PackageNotFoundError:
        raise UsageError(
            "this grader is not installed, so nobody knows what it needs: `pip install .` in its "
            "folder, and call that one"
        ) from None
    torch: list[str] = []
    others: list[str] = []
    for requirement in map(Requirement, told):
        extra = re.search(r"extra == .(\w+).", str(requirement.marker or ""))
        if extra is None or extra[1] in ("torch", "homework"):
            (torch if extra and extra[1] == "torch" else others).append(_pinned(requirement))
    return sorted(torch), sorted(others)


def _pinned(requirement: Requirement) -> str:
    try:
        version = metadata.version(requirement.name).partition("+")[0]   # not where it came from
    except metadata.PackageNotFoundError:   # of the homework's: any will do
        return f"{requirement.name}{requirement.specifier}"
    return f"{requirement.name}=={version}"


def _lines(words: Iterable[str]) -> bytes:
    return "".join(f"{word}\n" for word in words).encode()


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=2) + "\n").encode()
