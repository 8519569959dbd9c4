"""The template that students start from."""

from __future__ import annotations

import shutil
from pathlib import Path

from grader.errors import UsageError

# In a checkout the starter lies at the top level; an installed package carries it inside.
_PLACES = (Path(__file__).parent / "starter", Path(__file__).resolve().parent.parent / "starter")


def write_starter(folder: Path) -> list[Path]:
    """Copy the starter into a folder and return what was written; overwrites nothing.

    Raises UsageError when a file of that name is already there.
    """
    source = next(place for place in _PLACES if place.is_dir())
    files = sorted(path for path in source.iterdir() if path.is_file())
    for path in files:
        if (folder / path.name).exists():
            raise UsageError(f"{folder / path.name} is already there; nothing was written")
    folder.mkdir(parents=True, exist_ok=True)
    return [Path(shutil.copy(path, folder / path.name)) for path in files]
