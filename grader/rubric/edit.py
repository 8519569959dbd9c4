"""Writes what was calibrated into `rubric.yaml`, and leaves every other byte as it is.

The file is parsed for the places only; what is put there is one number for another, and the block
`calibration`. Before the file is replaced the new text has to be a valid rubric.
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


def write_calibration(
    path: Path, checks: FindModels, name: str, new: Profile
) -> None:
    """Put the calibration of `new` into the profile `name`, and its thresholds' accuracies and its
    seconds where they are others than those that stand there.

    Raises RubricError where the file is not written in the usual way: keys below each other.
    """
    document = read_document(path)
    text, ending = _read(path)
    # As YAML counts lines; `splitlines` knows more ways to end one.
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
    """The text with plain line ends, and how its lines end in the file."""
    text = path.read_bytes().decode("utf-8")
    ending = "\r\n" if "\r\n" in text else "\n"
    return text.replace(ending, "\n"), ending


def _numbers(profile: Any, new: Profile) -> list[tuple[Any, str, float]]:
    """What is another number by now: the mapping that it is in, its key, and the number."""
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
    """After the last line of what begins in line `start` at this column."""
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
    """One line a key, and one a list: JSON is YAML."""
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
    path = path.resolve()   # a link stays one
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
