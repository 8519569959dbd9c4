"""Writes a calibration into `rubric.yaml`, and leaves every other byte as it is.

Only numbers and the block `calibration` are replaced, at the places that a YAML parser reports. The
file is replaced only if the new text is a valid rubric.
"""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path
from typing import Any

from grader.errors import RubricError
from grader.rubric.load import FindModels, load, read_document
from grader.rubric.model import Calibration, Profile

_BLOCK = "calibration"
_TOKEN = re.compile(r"[^\s,\]}#]+")


def write_calibration(path: Path, checks: FindModels, name: str, new: Profile) -> None:
    """Write a profile's calibration, threshold accuracies and seconds into a rubric.

    Args:
        path: The rubric.
        checks: Finds the models of checks' parameters, as for `load`.
        name: Name of the profile in the rubric.
        new: The profile with the new values.

    Raises:
        RubricError: The profile's keys are not on lines of their own.
    """
    document = read_document(path)
    text, ending = _read(path)
    # YAML's lines end with \n only; `splitlines` would split at other characters, too.
    lines = [f"{line}\n" for line in text.removesuffix("\n").split("\n")]
    profile = document["profiles"][name]
    for place, key, value in _numbers(profile, new):
        _replace(lines, place, key, value, path)
    start, column = document["profiles"].lc.key(name)
    if column == 0 or getattr(profile, "fa", None) is None or profile.fa.flow_style():
        raise RubricError(
            f"{path}:{start + 1}: profiles.{name}: expected keys below each other, found them in "
            "braces; write them one a line and run this again"
        )
    inner = next(profile.lc.key(key)[1] for key in profile)
    if _BLOCK in profile:
        first = profile.lc.key(_BLOCK)[0]
        last = _end(lines, first, inner)
    else:
        first = last = _end(lines, start, column)
    assert new.calibration is not None
    lines[first:last] = _block(new.calibration, inner)
    _put(path, "".join(lines).replace("\n", ending), checks, name)


def _read(path: Path) -> tuple[str, str]:
    """The text with \\n line ends, and the line end that the file uses."""
    text = path.read_bytes().decode("utf-8")
    ending = "\r\n" if "\r\n" in text else "\n"
    return text.replace(ending, "\n"), ending


def _numbers(profile: Any, new: Profile) -> list[tuple[Any, str, float]]:
    """The numbers that differ: (mapping in the document, key, new number)."""
    pairs = zip(profile["thresholds"], new.thresholds, strict=True)
    found = [(there, "accuracy", one.accuracy) for there, one in pairs]
    found.append((profile, "seconds", new.seconds))
    return [(there, key, value) for there, key, value in found if there[key] != value]


def _replace(lines: list[str], place: Any, key: str, value: float, path: Path) -> None:
    number, column = place.lc.value(key)
    token = _TOKEN.match(lines[number], column)
    if token is None:
        raise RubricError(f"{path}:{number + 1}: {key}: expected a number on the line of its key")
    lines[number] = f"{lines[number][:column]}{value:g}{lines[number][token.end():]}"


def _end(lines: list[str], start: int, column: int) -> int:
    """The line after the block that begins in line `start` at a column."""
    end = start + 1
    for number in range(start + 1, len(lines)):
        text = lines[number].strip()
        if not text or text.startswith("#"):
            continue
        if len(lines[number]) - len(lines[number].lstrip(" ")) <= column:
            break
        end = number + 1
    return end


def _block(calibration: Calibration, column: int) -> list[str]:
    """The lines of the block, one for each key; values are JSON, which is valid YAML."""
    value = calibration.model_dump(mode="json")
    runs = value.pop("runs")
    margin, inner = " " * column, " " * (column + 2)
    rows = [f"{margin}{_BLOCK}:   # by `grader calibrate`; docs/calibration.md\n"]
    rows += [f"{inner}{key}: {_flow(one)}\n" for key, one in value.items()]
    rows.append(f"{inner}runs:\n")
    for run in runs:
        dash = "- "
        for key, one in run.items():
            rows.append(f"{inner}  {dash}{key}: {_flow(one)}\n")
            dash = "  "
    return rows


def _flow(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _put(path: Path, text: str, checks: FindModels, name: str) -> None:
    path = path.resolve()   # a symbolic link stays one
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", newline="", dir=path.parent, prefix=f".{path.name}-", suffix=".yaml",
        delete=False,
    ) as file:
        file.write(text)
    written = Path(file.name)
    try:
        load(written, checks, name)
        if path.exists():
            written.chmod(path.stat().st_mode)
        written.replace(path)
    finally:
        written.unlink(missing_ok=True)
