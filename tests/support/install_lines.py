"""Finds lines that would install the package `grader` from PyPI, which is somebody else's.

Ours is the distribution `torch-grader`.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

_NAME = r"(?:(?<![\w./-])|(?<=\\n))grader(?![\w-])"
_COMMAND = re.compile(
    r"""\b(?:pip3?|pipx|uv|conda|mamba|poetry|pdm)\b["',\ ]+(?:[-\w=./]+["',\ ]+)*?
        (?:install|add|download|wheel|run|inject)["',\ ]+(?P<arguments>[^`;|&\#)\n]*)""",
    re.VERBOSE,
)
_EXTRAS = r"(?:\[[\w, -]*\])?"
_ARGUMENT = re.compile(_NAME + r"(?![./=\\])" + _EXTRAS + r"(?:[=<>~!@].*)?")
_REQUIREMENT = re.compile(_NAME + _EXTRAS + r"(?:\s?[=~!<>]=\s?[\d{]|\s?@ \w+[+:])")
_WITH_EXTRA = re.compile(_NAME + r"\[(?:torch|homework|dev|docs)\b")
_ARCHIVE = re.compile(r"(?<![\w-])grader-[^\s/|`]*(?:\.whl|\.tar\.gz|\.dist-info)")
_METADATA = re.compile(r"^Name: grader$")
_PATTERNS = (_REQUIREMENT, _WITH_EXTRA, _ARCHIVE, _METADATA)


def install_lines(text: str) -> Iterator[str]:
    """The lines of `text` that install, require or name a distribution called `grader`."""
    for line in text.splitlines():
        arguments = " ".join(found["arguments"] for found in _COMMAND.finditer(line))
        words = [word.strip("\"',") for word in arguments.split()]
        if any(map(_ARGUMENT.fullmatch, words)) or any(one.search(line) for one in _PATTERNS):
            yield line.strip()


def install_lines_below(folder: Path) -> list[str]:
    """All such lines in the text files below `folder`, archives included, as "file: line"."""
    files = [path for path in folder.rglob("*") if path.is_file() and ".venv" not in path.parts]
    return [
        f"{path.relative_to(folder)}: {line}"
        for path in sorted(files) for line in _lines_of(path.name, path.read_bytes())
    ]  # fmt: skip


def _lines_of(name: str, content: bytes) -> Iterator[str]:
    yield from install_lines(name)
    if name.endswith((".zip", ".whl")):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for inside in archive.namelist():
                yield from install_lines(inside)
                yield from _lines_of(Path(inside).name, archive.read(inside))
    elif b"\0" not in content:
        yield from install_lines(content.decode("utf-8", errors="replace"))
