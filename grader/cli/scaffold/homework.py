"""Copies a homework for an instructor to start from: one of `examples/`, by its kind, or the
starter of the large homework that the grader is developed with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from grader import __version__
from grader.errors import UsageError

# In a checkout both lie at the top level; an installed package carries them inside.
_HERE = Path(__file__).resolve().parent
_CHECKOUT = _HERE.parents[2]
Kind = Literal["numpy", "training", "language-model"]
_HOMEWORKS: Mapping[Kind, str] = {
    "numpy": "softmax", "training": "curve", "language-model": "transformer",
}  # fmt: skip
_STARTERS = (_HERE / "starter", _CHECKOUT / "starter")
_DOTTED = {"gitignore": ".gitignore"}   # under its own name it would apply to the repository here
REQUIREMENTS = "requirements.txt"


def write_homework(folder: Path, kind: Kind = "training") -> list[Path]:
    """Copies the homework of this kind into `folder` and returns the files that were written.

    Raises UsageError, and writes nothing, if one of the files exists.
    """
    name = _HOMEWORKS[kind]
    places = (_HERE / name, _CHECKOUT / "examples" / name)
    source = next(place for place in places if place.is_dir())
    files = {
        folder / path.relative_to(source).with_name(_DOTTED.get(path.name, path.name)): path
        for path in sorted(source.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc"
    }
    texts = {target: path.read_text(encoding="utf-8") for target, path in files.items()}
    texts[folder / REQUIREMENTS] = requirements()
    return write_new(texts)


def write_starter(folder: Path) -> list[Path]:
    """Copies the starter of the large homework, in the same way as `write_homework`."""
    source = next(place for place in _STARTERS if place.is_dir())
    files = sorted(path for path in source.iterdir() if path.is_file())
    return write_new({folder / path.name: path.read_text(encoding="utf-8") for path in files})


def write_new(texts: dict[Path, str]) -> list[Path]:
    """Writes each text to its path and returns the paths.

    Raises UsageError, and writes nothing, if one of the files exists.
    """
    for target in texts:
        if target.exists():
            raise UsageError(f"{target} is already there; nothing was written")
    for target, text in texts.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8", newline="\n")
    return list(texts)


def requirements() -> str:
    """The text of requirements.txt, from which the homework's CI installs this grader."""
    return (
        "# The grader that validates this homework: a version, a wheel beside this file, "
        f"or git+https://...\ntorch-grader[torch]=={__version__}\n"
    )
